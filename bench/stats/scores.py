"""Rows to a leaderboard: means with intervals, coverage, and the difference to doing nothing.

Pure arithmetic on rows; it reads no file and draws nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bench.metrics.entry import Status
from bench.stats.bootstrap import Bootstrap, Interval
from bench.store.images import ImageKey, per_photograph, photographs
from bench.store.rows import ScoreRow
from degrade.errors import UserError

BASELINE = "input"
"""The restorer that does nothing; every difference is against it."""

ScoreKey = tuple[str, str, str, str]
"""``(dataset, recipe, restorer, metric)``."""

ColumnKey = tuple[str, str, str]
"""``(dataset, recipe, metric)``."""

_Cell = Mapping[ImageKey, ScoreRow]


class NotComparableError(UserError):
    """Values that were not computed the same way; exit code 3."""

    def __init__(self, message: str, *, exit_code: int = 3) -> None:
        super().__init__(message, exit_code=exit_code)


@dataclass(frozen=True, slots=True)
class Score:
    """One cell of the leaderboard.

    An infinite value (the PSNR of a perfect image) has no place in a mean, and a mean that
    left it out unseen would lie. So it is counted in ``infinite``, every table prints that
    count beside the mean, and coverage includes it.

    Attributes
    ----------
    dataset, recipe, restorer, metric, signature
        What was measured; ``signature`` is the only one in the whole column.
    mean
        Mean over photographs of the mean over each one's degraded versions with a finite
        value, and the bootstrap interval over photographs. A set metric has one value and no
        interval.
    n
        Degraded images behind the mean; for a set metric, images in the set.
    infinite
        Images with an infinite value.
    attempted
        Images that could have a value: all but those whose truth shows no face.
    difference
        Mean over the same images of this restorer minus `BASELINE`, with its interval, both
        by photograph as in ``mean``.
        Where both are infinite the difference is zero. For a set metric, the difference of
        the two values.
    difference_n
        Images behind the difference.
    difference_infinite
        Images left out of the difference since one of the two is infinite.
    statuses
        Status to count, over all images.
    """

    dataset: str
    recipe: str
    restorer: str
    metric: str
    signature: str
    mean: Interval
    n: int
    infinite: int
    attempted: int
    difference: Interval
    difference_n: int
    difference_infinite: int
    statuses: Mapping[str, int] = field(default_factory=dict)

    @property
    def coverage(self) -> float | None:
        """Images with a value over images attempted; None when none was attempted."""
        return (self.n + self.infinite) / self.attempted if self.attempted else None


def score(rows: Iterable[ScoreRow], *, seed: int) -> dict[ScoreKey, Score]:
    """Return every cell of the leaderboard, in the order in which the rows first name them.

    Parameters
    ----------
    rows
        One row for each key, as `bench.store.rows.read_rows` gives them.
    seed
        Of the bootstrap.

    Raises
    ------
    NotComparableError
        Two rows of one metric carry different signatures.
    """
    cells: dict[ScoreKey, dict[ImageKey, ScoreRow]] = {}
    images: dict[tuple[str, str, str], set[ImageKey]] = {}
    rows = list(rows)
    signatures(rows)
    for row in rows:
        cell = cells.setdefault((row.dataset, row.recipe, row.restorer, row.metric), {})
        cell[row.key, row.variant] = row
        if row.key:
            keys = images.setdefault((row.dataset, row.recipe, row.restorer), set())
            keys.add((row.key, row.variant))
    bootstrap = Bootstrap(seed)
    scores = {}
    for key, cell in cells.items():
        baseline = cells.get((*key[:2], BASELINE, key[3]), {})
        if ("", 0) in cell:
            scores[key] = _score_set(cell, baseline, len(images.get(key[:3], ())), bootstrap)
        else:
            scores[key] = _score_images(cell, baseline, bootstrap)
    return scores


def signatures(rows: Iterable[ScoreRow]) -> dict[str, str]:
    """Return each metric's signature; raises NotComparableError where rows have two of one."""
    by_metric: dict[str, str] = {}
    for row in rows:
        known = by_metric.setdefault(row.metric, row.signature)
        if known != row.signature:
            raise NotComparableError(
                f"'{row.metric}' was computed in two ways ({known} and {row.signature}): "
                "run the suite again into a new folder"
            )
    return by_metric


def _score_images(cell: _Cell, baseline: _Cell, bootstrap: Bootstrap) -> Score:
    rows = [cell[key] for key in sorted(cell)]
    values = {key: row.value for key, row in cell.items() if row.value is not None}
    finite = {key: value for key, value in values.items() if math.isfinite(value)}
    names = photographs(cell)
    statuses = Counter(row.status for row in rows)
    differences, unbounded = _differences(cell, baseline)
    return Score(
        dataset=rows[0].dataset,
        recipe=rows[0].recipe,
        restorer=rows[0].restorer,
        metric=rows[0].metric,
        signature=rows[0].signature,
        mean=bootstrap.interval(list(per_photograph(finite, names).values())),
        n=len(finite),
        infinite=len(values) - len(finite),
        attempted=len(rows) - statuses[Status.NO_FACE_IN_REFERENCE],
        difference=bootstrap.interval(list(per_photograph(differences, names).values())),
        difference_n=len(differences),
        difference_infinite=unbounded,
        statuses=dict(sorted(statuses.items())),
    )


def _score_set(cell: _Cell, baseline: _Cell, attempted: int, bootstrap: Bootstrap) -> Score:
    row = cell["", 0]
    reference = baseline.get(("", 0))
    finite = [] if row.value is None or math.isinf(row.value) else [row.value]
    # Distances of sets of different size are not comparable (biased by about 1/n).
    same_size = reference is not None and reference.n == row.n
    differences, unbounded = _differences(cell, baseline) if same_size else ({}, 0)
    return Score(
        dataset=row.dataset,
        recipe=row.recipe,
        restorer=row.restorer,
        metric=row.metric,
        signature=row.signature,
        mean=bootstrap.interval(finite),
        n=row.n if finite else 0,
        infinite=int(row.value is not None and not finite),
        attempted=max(attempted, row.n),
        difference=bootstrap.interval(list(differences.values())),
        difference_n=row.n if differences else 0,
        difference_infinite=unbounded,
        statuses={row.status: 1},
    )


def _differences(cell: _Cell, baseline: _Cell) -> tuple[dict[ImageKey, float], int]:
    """Return value minus baseline over the images that have both, and how many were infinite."""
    differences: dict[ImageKey, float] = {}
    unbounded = 0
    for key in sorted(cell.keys() & baseline.keys()):
        value, reference = cell[key].value, baseline[key].value
        if value is None or reference is None:
            continue
        if value == reference:
            differences[key] = 0.0
        elif math.isinf(value) or math.isinf(reference):
            unbounded += 1
        else:
            differences[key] = value - reference
    return differences, unbounded
