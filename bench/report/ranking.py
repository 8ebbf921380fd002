"""On which images a restorer helps most, and on which it does worst: its gain over the input."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.report.model import Column, Report, Table
from bench.stats.scores import BASELINE
from bench.store.photographs import ImageKey

__all__ = ["Rank", "chosen_images", "ranking_column", "ranks"]

_PREFERRED = ("perceptual_efficientnet", "lpips", "dists", "ssim", "psnr")
"""What ranks images, the first that a run has: a judge of what a person sees before pixels."""

_OF_LEADER = 4
"""Best ones, and worst ones, of the restorer that a page shows first."""

_WITHOUT_CAP = 100.0
"""Decibels that an infinite PSNR counts as, to rank it."""


@dataclass(frozen=True, slots=True)
class Rank:
    """One restored image among all of its restorer under a condition.

    Attributes
    ----------
    place, of
        1 is the largest gain.
    value, gain
        Of the metric that ranks; the gain is positive where the restored image is better than
        the input, whatever the metric's direction.
    """

    place: int
    of: int
    value: float
    gain: float


def ranking_column(report: Report) -> Column | None:
    """Return the metric of single images that ranks them; None where a run has none."""
    facts = report.run.record["metrics"]
    columns = report.tables[0].columns if report.tables else ()
    usable = [c for c in columns if c.is_quality and facts[c.name]["kind"] == "pair"]
    preferred = [c for name in _PREFERRED for c in usable if c.name == name]
    return next(iter([*preferred, *usable]), None)


def ranks(report: Report, column: Column) -> dict[tuple[str, str], dict[str, dict[ImageKey, Rank]]]:
    """Return ``(dataset, recipe)`` to restorer to image to its rank.

    Images without a value of both, the restorer and the input, have none.
    """
    values: dict[tuple[str, str], dict[str, dict[ImageKey, float]]] = {}
    for row in report.run.rows:
        if row.metric == column.name and row.key and row.value is not None:
            value = min(row.value, _WITHOUT_CAP) if math.isinf(row.value) else row.value
            place = values.setdefault((row.dataset, row.recipe), {})
            place.setdefault(row.restorer, {})[row.key, row.variant] = value
    sign = 1 if column.higher_is_better else -1
    return {
        where: {
            name: _ranked(own, of.get(BASELINE, {}), sign)
            for name, own in of.items()
            if name != BASELINE
        }
        for where, of in values.items()
    }


def chosen_images(
    table: Table,
    ranked: Mapping[str, Mapping[ImageKey, Rank]],
    every: Sequence[ImageKey],
    leader: str,
) -> list[ImageKey]:
    """Return all images of a table in the order in which a page should show them.

    The best and worst ones of ``leader`` come first, then each restorer's best and worst, each
    one's second ones, and so on, then the others.
    """
    orders = {
        name: sorted(known, key=lambda key: known[key].place) for name, known in ranked.items()
    }
    names = [line.restorer for line in sorted(table.lines, key=lambda each: each.is_oracle)]
    both = [order for name in names for order in _ends(orders.get(name, []))]
    best, worst = _ends(orders.get(leader, []))
    first = itertools.chain(*zip(best[:_OF_LEADER], worst[:_OF_LEADER], strict=True))
    turns = itertools.chain(*itertools.zip_longest(*both))
    return list(dict.fromkeys([*first, *(key for key in turns if key is not None), *every]))


def _ends(order: list[ImageKey]) -> tuple[list[ImageKey], list[ImageKey]]:
    return order, order[::-1]


def _ranked(
    values: Mapping[ImageKey, float], base: Mapping[ImageKey, float], sign: int
) -> dict[ImageKey, Rank]:
    gains = {key: sign * (values[key] - base[key]) for key in values.keys() & base.keys()}
    order = sorted(gains, key=lambda key: (-gains[key], key))
    return {
        key: Rank(place, len(order), values[key], gains[key])
        for place, key in enumerate(order, start=1)
    }
