"""Which images a page shows, and what stands below them: degradation, rank and gain."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.metrics.entry import Status
from bench.report.cells import most_decimals
from bench.report.model import Column, Leaderboard, Report
from bench.stats.scores import BASELINE
from bench.store.images import ConditionKey, ImageKey
from bench.suite.conditions import AS_FOUND
from degrade.planner.plan import Plan

_INVISIBLE = ("round", "truncate", "flip")
"""Operations that nobody sees."""

_OF_LEADER = 4
"""Best images, and worst ones, of the restorer that a page shows first."""

_LARGEST_PSNR = 100.0
"""Decibels that an infinite PSNR counts as, to rank it."""

_IDENTITY = "identity"
_LOSSES = 20


@dataclass(frozen=True, slots=True)
class Captions:
    """The texts of one condition's gallery.

    ``order`` has all images as a page should show them: the best and worst ones of ``leader`` (the
    blind restorer with the largest mean gain) first, then each restorer's best and worst, each
    one's second ones, and so on. ``degradations`` has each image's, ``ranks`` each restorer's in
    it.
    """

    order: tuple[str, ...]
    leader: str
    degradations: Mapping[str, str]
    ranks: Mapping[str, Mapping[str, Mapping[str, float | str]]]


@dataclass(frozen=True, slots=True)
class ImageRank:
    """One restored image among all of its restorer under a condition; place 1 has the largest gain.

    The gain is positive where it is better than the input, whatever the metric's direction.
    """

    place: int
    of: int
    value: float
    gain: float


Ranks = Mapping[str, Mapping[ImageKey, ImageRank]]
"""Restorer to image to rank, of one condition."""


def captions_of(report: Report) -> list[Captions]:
    """Return the captions of each table of a report."""
    column = ranking_column(report)
    ranks = _ranks(report, column) if column else {}
    images: dict[ConditionKey, set[ImageKey]] = {}
    for row in report.run.rows:
        if row.key:
            images.setdefault((row.dataset, row.recipe), set()).add((row.key, row.variant))
    captions = []
    for table in report.tables:
        own = ranks.get(table.condition, {})
        leader = _leader(table, own)
        order = _order(table, own, sorted(images.get(table.condition, ())), leader)
        plans = report.plans.get(table.condition, {})
        captions.append(
            Captions(
                tuple(key for key, _ in order),
                leader,
                {key[0]: _degradation(plans[key]) for key in order if key in plans},
                _rank_texts(table, column, own) if column else {},
            )
        )
    return captions


def ranking_column(report: Report) -> Column | None:
    """Return the metric of single images that ranks them; None where a run has none.

    That of the largest `bench.metrics.entry.MetricEntry.ranking`, else the first.
    """
    columns = report.tables[0].columns if report.tables else ()
    usable = [each for each in columns if each.is_quality and each.entry.kind == "pair"]
    return max(usable, key=lambda each: each.entry.ranking, default=None)


def _ranks(report: Report, column: Column) -> dict[ConditionKey, Ranks]:
    """Return the ranks of each condition; an image without both values has none."""
    values: dict[ConditionKey, dict[str, dict[ImageKey, float]]] = {}
    for row in report.run.rows:
        if row.metric == column.name and row.key and row.value is not None:
            value = min(row.value, _LARGEST_PSNR) if math.isinf(row.value) else row.value
            condition = values.setdefault((row.dataset, row.recipe), {})
            condition.setdefault(row.restorer, {})[row.key, row.variant] = value
    sign = 1 if column.higher_is_better else -1
    return {
        condition: {
            name: _ranked(own, restorers.get(BASELINE, {}), sign)
            for name, own in restorers.items()
            if name != BASELINE
        }
        for condition, restorers in values.items()
    }


def _ranked(
    values: Mapping[ImageKey, float], base: Mapping[ImageKey, float], sign: int
) -> dict[ImageKey, ImageRank]:
    gains = {key: sign * (values[key] - base[key]) for key in values.keys() & base.keys()}
    order = sorted(gains, key=lambda key: (-gains[key], key))
    return {
        key: ImageRank(place, len(order), values[key], gains[key])
        for place, key in enumerate(order, start=1)
    }


def _leader(table: Leaderboard, ranks: Ranks) -> str:
    blind = [line.restorer for line in table.lines if line.group == "blind"]
    scored = [name for name in blind if ranks.get(name)]
    if not scored:
        return blind[0] if blind else BASELINE
    return max(
        scored, key=lambda name: sum(r.gain for r in ranks[name].values()) / len(ranks[name])
    )


def _order(
    table: Leaderboard, ranks: Ranks, images: Sequence[ImageKey], leader: str
) -> list[ImageKey]:
    orders = {name: sorted(own, key=lambda key: own[key].place) for name, own in ranks.items()}
    names = [line.restorer for line in sorted(table.lines, key=lambda each: each.is_oracle)]
    ends = [order for name in names for order in _both_ends(orders.get(name, []))]
    best, worst = _both_ends(orders.get(leader, []))
    first = itertools.chain(*zip(best[:_OF_LEADER], worst[:_OF_LEADER], strict=True))
    turns = itertools.chain(*itertools.zip_longest(*ends))
    return list(dict.fromkeys([*first, *(key for key in turns if key is not None), *images]))


def _both_ends(order: list[ImageKey]) -> tuple[list[ImageKey], list[ImageKey]]:
    return order, order[::-1]


def _degradation(plan: Plan) -> str:
    words = [
        step.describe()
        for step in plan.steps
        if step.target != "hq" and step.operation not in _INVISIBLE
    ]
    return " · ".join(words) or ("" if plan.recipe == AS_FOUND else "left as it is")


def _rank_texts(
    table: Leaderboard, column: Column, ranks: Ranks
) -> dict[str, dict[str, dict[str, float | str]]]:
    digits = most_decimals(table, table.columns.index(column))
    texts: dict[str, dict[str, dict[str, float | str]]] = {}
    for restorer, images in ranks.items():
        for (key, _), rank in images.items():
            size = f"{abs(rank.gain):.{digits}f}"
            better = f"{size} better than" if rank.gain > 0 else f"{size} worse than"
            text = (
                f"{rank.place} of {rank.of} by {column.name.replace('_', ' ')}: "
                f"{rank.value:.{digits}f}, {better if rank.gain else 'as good as'} the input"
            )
            texts.setdefault(key, {})[restorer] = {
                "place": rank.place, "of": rank.of, "gain": rank.gain, "text": text,
            }  # fmt: skip
    return texts


@dataclass(frozen=True, slots=True)
class IdentityDrop:
    """One restored image that is less like the person than its input was, ``worse`` by so much.

    ``before`` and ``after`` are the scores of input and restored image; None without a face.
    """

    metric: str
    restorer: str
    dataset: str
    recipe: str
    key: str
    before: float | None
    after: float | None
    worse: float


def identity_losses(report: Report) -> tuple[Sequence[IdentityDrop], int]:
    """Return the worst losses of identity by a blind restorer, and how many there are in all.

    A face that was found in the input and is gone in the restored image is the worst of all.
    """
    metrics = {
        name: entry
        for name, entry in report.run.metrics.items()
        if name.startswith(_IDENTITY) and entry.kind == "pair"
    }
    rows = [row for row in report.run.rows if row.metric in metrics and row.key]
    inputs = {
        (row.metric, row.dataset, row.recipe, row.key, row.variant): row.value
        for row in rows
        if row.restorer == BASELINE
    }
    blind = {name for name, card in report.run.record["restorers"].items() if card["blind"]}
    losses = []
    for row in rows:
        before = inputs.get((row.metric, row.dataset, row.recipe, row.key, row.variant))
        if row.restorer == BASELINE or row.restorer not in blind or before is None:
            continue
        if row.value is None and row.status != Status.NO_FACE:
            continue
        sign = 1 if metrics[row.metric].direction == "higher" else -1
        worse = math.inf if row.value is None else sign * (before - row.value)
        if worse > 0:
            losses.append(
                IdentityDrop(
                    row.metric, row.restorer, row.dataset, row.recipe, row.key,
                    before, row.value, worse,
                )
            )  # fmt: skip
    losses.sort(key=lambda each: (-each.worse, each.recipe, each.key, each.restorer))
    return losses[:_LOSSES], len(losses)
