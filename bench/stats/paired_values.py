"""The values of two restorers on the same photographs, lined up: what a comparison is made of.

Reads the rows and feature files of runs; it resamples nothing and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import Status
from bench.stats.scores import BASELINE
from bench.store.features import Vectors, file_of, read_vectors
from bench.store.images import ImageKey, per_photograph, photographs
from bench.store.record import Run
from bench.store.rows import ScoreRow
from degrade.errors import UserError

Infinite = Literal["cap", "leave-out"]
"""What becomes of images with an infinite value, the PSNR of equal images."""

HARDEST_THIRD = "hardest-third"
SUBSETS = ("all", HARDEST_THIRD)
Address = tuple[str, str, str, str]
"""``(dataset, recipe, restorer, metric)``."""

Computed = TypeVar("Computed")


class Side:
    """One run, indexed."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.metrics = run.metrics
        self._rows: dict[Address, dict[ImageKey, ScoreRow]] = {}
        for row in run.rows:
            address = row.dataset, row.recipe, row.restorer, row.metric
            self._rows.setdefault(address, {})[row.key, row.variant] = row
        self._computed: dict[Hashable, object] = {}

    def rows(self, address: Address) -> Mapping[ImageKey, ScoreRow]:
        """Return the rows of one restorer and metric under one condition."""
        return self._rows.get(address, {})

    def images(self, dataset: str, recipe: str) -> set[ImageKey]:
        """Return every degraded image of a condition."""
        return {
            key
            for (d, r, _, _), rows in self._rows.items()
            if (d, r) == (dataset, recipe)
            for key in rows
            if key[0]
        }

    def vectors(self, address: tuple[str, str, str, str], metric: str) -> Vectors:
        """Return the feature vectors kept at ``(dataset, recipe, restorer, feature)``.

        None where ``metric``, computed from them, has no value either: a restorer that failed
        on every image keeps no file.
        """
        dataset, recipe, restorer, feature = address
        filed = self.run.filed_under.get(restorer, restorer)
        path = file_of(self.run.folder, (dataset, recipe, filed, feature))
        known = self.rows((*address[:3], metric)).values()
        if not path.exists() and not any(row.status == Status.OK for row in known):
            return Vectors()
        return Vectors(read_vectors(path))

    def once(self, name: Hashable, compute: Callable[[], Computed]) -> Computed:
        """Return what ``compute`` makes of this run's vectors, computed once for each name."""
        if name not in self._computed:
            self._computed[name] = compute()
        return cast(Computed, self._computed[name])


@dataclass(frozen=True, slots=True)
class Paired:
    """What two restorers have on the same photographs.

    ``differences`` is ``(n,)``, or ``(n, n)`` terms of a kernel distance: the first minus the
    second, NaN for photographs without a value of both. Those of a Fréchet distance are the
    jackknife's, and only their mean is one. ``left_out`` counts degraded images that could have a
    value of both and lack it, ``capped`` those where one of the two was cut to the metric's cap,
    ``unbounded`` those left out since one of the two is infinite; two infinite ones differ by 0.
    """

    differences: NDArray[np.float64]
    photographs: int
    images: int
    left_out: int
    capped: int = 0
    unbounded: int = 0


@dataclass(frozen=True, slots=True)
class ConditionValues:
    """The photographs of one condition that are compared, sorted; ``names`` has each image's."""

    dataset: str
    recipe: str
    names: Mapping[ImageKey, str]
    order: tuple[str, ...]

    def pair_values(
        self,
        first: tuple[Side, str],
        second: tuple[Side, str],
        metric: str,
        cap: float = math.inf,
    ) -> Paired:
        """Line up a pair metric of two restorers, each ``(run, restorer)``.

        Larger values than ``cap`` count as ``cap``.
        """
        sides = [
            side.rows((self.dataset, self.recipe, restorer, metric))
            for side, restorer in (first, second)
        ]
        values: dict[ImageKey, float] = {}
        capped = unbounded = attempted = 0
        for key in self.names:
            one, other = sides[0].get(key), sides[1].get(key)
            attempted += not _outside(one, other)
            if not one or not other or one.value is None or other.value is None:
                continue
            a, b = min(one.value, cap), min(other.value, cap)
            capped += max(one.value, other.value) > cap
            if a == b or (math.isfinite(a) and math.isfinite(b)):
                values[key] = 0.0 if a == b else a - b
            else:
                unbounded += 1
        means = per_photograph(values, self.names)
        differences = np.array([means.get(name, math.nan) for name in self.order])
        missing = attempted - len(values) - unbounded
        return Paired(differences, len(means), len(values), missing, capped, unbounded)


def open_condition(side: Side, dataset: str, recipe: str, subset: str) -> ConditionValues:
    """Return the photographs of a condition that belong to a subset.

    ``hardest-third`` is the third of the photographs whose degraded versions have the worst
    perceptual distance on average, before anything is restored; UserError where there is none.
    """
    names = photographs(side.images(dataset, recipe))
    chosen = set(names.values())
    if subset == HARDEST_THIRD:
        chosen = _hardest_third(side, dataset, recipe, names)
    chosen_images = {key: name for key, name in sorted(names.items()) if name in chosen}
    return ConditionValues(dataset, recipe, chosen_images, tuple(sorted(chosen)))


def _hardest_third(
    side: Side, dataset: str, recipe: str, names: Mapping[ImageKey, str]
) -> set[str]:
    perceptual = [each for each in side.metrics.values() if each.ranking and each.error == "value"]
    for metric in sorted(perceptual, key=lambda each: -each.ranking):
        rows = side.rows((dataset, recipe, BASELINE, metric.name))
        values = {key: row.value for key, row in rows.items() if row.value is not None}
        if values:
            means = per_photograph(values, names)
            worst = sorted(means, key=lambda name: (-means[name], name))
            return set(worst[: max(1, round(len(worst) / 3))])
    raise UserError(
        "the run has no perceptual distance of its inputs, so none is the hardest: run it with "
        "the metric perceptual_efficientnet"
    )


def _outside(one: ScoreRow | None, other: ScoreRow | None) -> bool:
    """Say whether the truth shows no face, so that no value was to be had of either."""
    rows: Iterable[ScoreRow | None] = (one, other)
    return all(row is not None and row.status == Status.NO_FACE_IN_REFERENCE for row in rows)
