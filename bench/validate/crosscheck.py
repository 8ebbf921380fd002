"""How far our metrics are from other implementations of them, on pairs of images.

Pure comparison: what the others are stands in `bench.validate.backends`.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import degrade
from bench.metrics.metric import Measurement, PairMetric, Sample, SetMetric, Status
from bench.metrics.registry import load_metric
from bench.metrics.unavailable import UnavailablePairMetric, UnavailableSetMetric
from bench.validate.backends import BACKENDS, SET_BACKENDS, Backend, SetBackend
from degrade.config import nearest
from degrade.errors import DatasetError, UserError

__all__ = ["Agreement", "ImagePair", "crosscheck", "default_pairs", "stored_pairs"]

ImagePair = tuple[Sample, Sample]
"""Restored, and its truth."""

_FOLDERS = (("restored", "hq"), ("dist", "ref"), ("lq", "hq"))
"""Names of the two folders of `stored_pairs`: ours, pyiqa's, and those `degrade build` writes."""

_SEED = 7


@dataclass(frozen=True, slots=True)
class Agreement:
    """One metric beside one other implementation of it.

    Attributes
    ----------
    metric, backend
        Ours, and the other's name.
    n
        Pairs of images on which both gave a value.
    absolute, relative
        The largest difference, and the largest one over the larger of the two values; None
        where n is 0. Two infinite values differ by 0.
    tolerance
        What ``relative`` may be; None where the other is of another definition.
    status
        ``ok``, or why there is nothing to compare.
    detail
        One line: what mends it, or why the two may differ.
    """

    metric: str
    backend: str
    n: int
    absolute: float | None
    relative: float | None
    tolerance: float | None
    status: Status
    detail: str

    @property
    def fails(self) -> bool:
        """Whether the two are further apart than they may be, or one failed."""
        if self.status is Status.ERROR:
            return True
        if self.relative is None or self.tolerance is None:
            return False
        return not self.relative <= self.tolerance


def crosscheck(
    pairs: Sequence[ImagePair],
    metrics: Sequence[str] = (),
    tell: Callable[[str], None] = lambda note: None,
) -> list[Agreement]:
    """Compare our metrics with every other implementation of them.

    Parameters
    ----------
    pairs
        Of equal size; two or more for the metrics of sets.
    metrics
        Names; none for all that have another implementation.
    tell
        Called with the name of each comparison before it is made.

    Raises
    ------
    UserError
        A metric that has no other implementation.
    """
    rows: tuple[Backend | SetBackend, ...] = (*BACKENDS, *SET_BACKENDS)
    known = dict.fromkeys(row.metric for row in rows)
    for name in metrics:
        if name not in known:
            raise UserError(
                f"no other implementation of {name!r} is known.{nearest(name, known)} "
                f"There is one of: {', '.join(known)}"
            )
    found = []
    for row in rows:
        if metrics and row.metric not in metrics:
            continue
        tell(f"{row.metric}, {row.name}")
        found.append(_compared(row, pairs))
    return found


def default_pairs(limit: int) -> Iterator[ImagePair]:
    """Yield scikit-image's photographs, at most 320 pixels long, degraded by ``gfpgan``."""
    source = degrade.open_source("sample-photos", longest=320)
    pairs = degrade.PairedDataset(source, degrade.load_recipe("gfpgan"), seed=_SEED)
    for place in range(min(limit, len(pairs))):
        pair = pairs[place]
        yield Sample(pair.lq), Sample(pair.hq)


def stored_pairs(folder: Path, limit: int) -> Iterator[ImagePair]:
    """Yield the pairs of two folders in ``folder``, matched by the names of their files.

    Raises
    ------
    DatasetError
        The folder lacks the two, their names differ, or a pair is not of one size.
    """
    names = next((each for each in _FOLDERS if all((folder / n).is_dir() for n in each)), None)
    if names is None:
        wanted = ", ".join(f"{one}/ and {other}/" for one, other in _FOLDERS)
        raise DatasetError(f"{folder} holds no pairs: put the images into {wanted}")
    restored, hq = (degrade.open_source(folder / name) for name in names)
    apart = set(restored.keys) ^ set(hq.keys)
    if apart:
        raise DatasetError(f"{folder}: {min(apart)} is in one of {names[0]}/ and {names[1]}/ only")
    for key in restored.keys[:limit]:
        pair = Sample(restored.read(key)), Sample(hq.read(key))
        if pair[0].image.shape != pair[1].image.shape:
            raise DatasetError(f"{folder}: the two images {key} are of different size")
        yield pair


def _compared(row: Backend | SetBackend, pairs: Sequence[ImagePair]) -> Agreement:
    why = row.why if isinstance(row, Backend) else ""
    absent = [name for name in row.packages if importlib.util.find_spec(name) is None]
    if absent:
        extra = "pyiqa" if "pyiqa" in absent else "bench"
        detail = f"{', '.join(absent)} not installed: run `pip install 'relume[{extra}]'`"
        return _nothing(row, Measurement(None, Status.PACKAGE_MISSING, detail))
    ours = load_metric(row.metric)
    if isinstance(ours, (UnavailablePairMetric, UnavailableSetMetric)):
        return _nothing(row, Measurement(None, ours.entry.status, ours.entry.detail))
    if isinstance(row, SetBackend):
        assert isinstance(ours, SetMetric)
        values = _values_of_sets(ours, row, pairs)
    else:
        assert isinstance(ours, PairMetric)
        values = _values_of_pairs(ours, row, pairs)
    if isinstance(values, Measurement):
        return _nothing(row, values)
    absolute = max(_apart(*each) for each in values)
    relative = max(_apart(*each) / (max(map(abs, each)) or 1.0) for each in values)
    return Agreement(
        row.metric, row.name, len(values), absolute, relative, row.tolerance, Status.OK, why
    )


def _values_of_pairs(
    ours: PairMetric, row: Backend, pairs: Iterable[ImagePair]
) -> list[tuple[float, float]] | Measurement:
    """Return both values of each pair that has both; the first reason where none has."""
    theirs, values, reason = row.load(), [], None
    for restored, hq in pairs:
        both = ours.measure(restored, hq), theirs(restored, hq)
        lacking = next((each for each in both if each.value is None), None)
        if lacking is None:
            values.append((float(both[0].value or 0.0), float(both[1].value or 0.0)))
        elif lacking.status in (Status.WEIGHTS_MISSING, Status.PACKAGE_MISSING):
            return lacking
        reason = reason or lacking
    return values or reason or Measurement(None, Status.ERROR, "there are no pairs")


def _values_of_sets(
    ours: SetMetric, row: SetBackend, pairs: Sequence[ImagePair]
) -> list[tuple[float, float]] | Measurement:
    sides = []
    for side in zip(*pairs, strict=True):
        vectors = []
        for sample in side:
            vector = ours.describe(sample)
            if isinstance(vector, Measurement):
                return vector
            vectors.append(vector)
        sides.append(np.stack(vectors))
    if not sides:
        return Measurement(None, Status.ERROR, "there are no pairs")
    value = ours.compare(sides[0], sides[1])
    if value.value is None:
        return value
    return [(value.value, row.load()(sides[0], sides[1]))]


def _nothing(row: Backend | SetBackend, reason: Measurement) -> Agreement:
    return Agreement(
        row.metric, row.name, 0, None, None, row.tolerance, reason.status, reason.detail
    )


def _apart(one: float, other: float) -> float:
    return 0.0 if one == other else math.fabs(one - other)
