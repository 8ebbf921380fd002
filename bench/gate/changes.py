"""What became of each photograph between two runs: for the baseline's mean, and for a person.

Reads rows; it resamples nothing and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.stats.paired_values import Address, Side
from bench.store.photographs import per_photograph, photographs

__all__ = ["SHOWN", "Change", "changes", "worst"]

SHOWN = 5
"""Photographs that a failed check names."""


@dataclass(frozen=True, slots=True)
class Change:
    """The value of one photograph, the mean over its degraded versions, before and after."""

    photograph: str
    before: float
    after: float


def changes(before: Side, after: Side, address: Address, cap: float) -> list[Change]:
    """Return the changes of the photographs that have finite values in both runs, by name.

    Parameters
    ----------
    cap
        The largest value of an image that counts; infinity for none.
    """
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


def worst(found: Sequence[Change], direction: str) -> tuple[Change, ...]:
    """Return up to `SHOWN` photographs that became worse, the largest loss first."""
    sign = 1 if direction == "higher" else -1
    worse = [each for each in found if sign * (each.after - each.before) < 0]
    return tuple(sorted(worse, key=lambda each: sign * (each.after - each.before))[:SHOWN])
