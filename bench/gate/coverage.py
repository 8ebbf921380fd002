"""What became of each image between two runs: which lost their value, which became worse.

Reads rows; it resamples nothing and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.metrics.entry import Status
from bench.stats.paired_values import Address, Side
from bench.store.images import ImageKey, per_photograph, photographs
from bench.store.rows import ScoreRow

_LOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the attempted images (those whose truth shows a face) have a value.

    ``lost`` holds ``(image, why)`` of up to five that have one only in the baseline.
    """

    attempted: int
    before: int
    after: int
    lost: tuple[tuple[str, str], ...] = ()

    @property
    def fall(self) -> float:
        """The share of the images, 0 to 1, by which coverage fell; negative where it rose."""
        return (self.before - self.after) / self.attempted if self.attempted else 0.0


def coverage(before: Side, after: Side, address: Address) -> Coverage:
    """Count the images of one restorer, metric and condition in two runs of the same images.

    A metric of a whole set has one row, which says of how many images it was computed.
    """
    rows, others = before.rows(address), after.rows(address)
    if ("", 0) in rows or ("", 0) in others:
        return _of_set(rows.get(("", 0)), others.get(("", 0)), before, after, address)
    keys = [
        key
        for key in sorted(rows.keys() | others.keys())
        if not (_outside(rows.get(key)) or _outside(others.get(key)))
    ]
    had = [key for key in keys if _value(rows, key) is not None]
    has = {key for key in keys if _value(others, key) is not None}
    lost = [key for key in had if key not in has]
    why = tuple((key[0], _why(others.get(key))) for key in lost[:_LOST_SHOWN])
    return Coverage(len(keys), len(had), len(has), why)


def _of_set(
    row: ScoreRow | None, other: ScoreRow | None, before: Side, after: Side, address: Address
) -> Coverage:
    images = max(len(side.images(*address[:2])) for side in (before, after))
    had, has = (each.n if each and _known(each) is not None else 0 for each in (row, other))
    lost = ((address[3], _why(other)),) if has < had else ()
    return Coverage(max(images, had, has), had, has, lost)


def _value(rows: Mapping[ImageKey, ScoreRow], key: ImageKey) -> float | None:
    return _known(rows.get(key))


def _known(row: ScoreRow | None) -> float | None:
    """Return the value of a row; NaN, which some metric called fine, is none."""
    return None if row is None or row.value is None or math.isnan(row.value) else row.value


def _outside(row: ScoreRow | None) -> bool:
    return row is not None and row.status == Status.NO_FACE_IN_REFERENCE


def _why(row: ScoreRow | None) -> str:
    if row is None:
        return "not in the run"
    if row.value is not None and math.isnan(row.value):
        return "not a number"
    return row.detail or str(row.status).replace("_", " ")


MOST_SHOWN = 5
"""Photographs that a failed check names."""


@dataclass(frozen=True, slots=True)
class Change:
    """The value of one photograph, the mean over its degraded versions, before and after."""

    photograph: str
    before: float
    after: float


def changes(before: Side, after: Side, address: Address, cap: float) -> list[Change]:
    """Return the changes of photographs with finite values in both runs, up to ``cap``, by name."""
    sides = before.rows(address), after.rows(address)
    names = photographs(before.images(*address[:2]))
    values = [
        {
            key: min(row.value, cap)
            for key, row in rows.items()
            if row.value is not None and math.isfinite(min(row.value, cap))
        }
        for rows in sides
    ]
    shared = values[0].keys() & values[1].keys() & names.keys()
    one, other = (per_photograph({k: v[k] for k in shared}, names) for v in values)
    return [Change(name, one[name], other[name]) for name in one]


def worst(every_change: Sequence[Change], direction: str) -> tuple[Change, ...]:
    """Return up to `MOST_SHOWN` photographs that became worse, the largest loss first."""
    sign = 1 if direction == "higher" else -1
    worse = [each for each in every_change if sign * (each.after - each.before) < 0]
    return tuple(sorted(worse, key=lambda each: sign * (each.after - each.before))[:MOST_SHOWN])
