"""Which images have a value in each of two runs: a restorer that fails must not look better.

Counts rows; it compares no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.metrics.metric import Status
from bench.stats.paired_values import Address, Side
from bench.store.photographs import ImageKey
from bench.store.rows import Row

__all__ = ["Coverage", "coverage"]

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many images have a value, before and after.

    Attributes
    ----------
    attempted
        Images that could have one: all but those whose truth shows no face.
    before, after
        Of these, how many have a value in the baseline and in the run.
    lost
        ``(image, why)`` of up to five that have one only in the baseline.
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
    why = tuple((key[0], _why(others.get(key))) for key in lost[:_SHOWN])
    return Coverage(len(keys), len(had), len(has), why)


def _of_set(
    row: Row | None, other: Row | None, before: Side, after: Side, address: Address
) -> Coverage:
    images = max(len(side.images(*address[:2])) for side in (before, after))
    had, has = (each.n if each and each.value is not None else 0 for each in (row, other))
    lost = ((address[3], _why(other)),) if has < had else ()
    return Coverage(max(images, had, has), had, has, lost)


def _value(rows: Mapping[ImageKey, Row], key: ImageKey) -> float | None:
    return rows[key].value if key in rows else None


def _outside(row: Row | None) -> bool:
    return row is not None and row.status == Status.NO_FACE_IN_REFERENCE


def _why(row: Row | None) -> str:
    if row is None:
        return "not in the run"
    return row.detail or str(row.status).replace("_", " ")
