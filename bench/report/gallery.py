"""What a page says below its pictures: how each was degraded, and what a restorer gained on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.report.model import Column, Report, Table
from bench.report.phrases import most_decimals
from bench.report.ranking import Rank, chosen_images, ranking_column, ranks
from bench.stats.scores import BASELINE
from bench.store.photographs import ImageKey
from bench.suite.no_reference import AS_FOUND
from degrade.planner.plan import Plan

__all__ = ["Captions", "captions_of"]

_SILENT = ("round", "truncate", "flip")
"""Operations that nobody sees."""


@dataclass(frozen=True, slots=True)
class Captions:
    """The texts of one condition's gallery.

    Attributes
    ----------
    order
        The images in the order in which a page should show them, as `chosen_images` says.
    leader
        The blind restorer that is shown first: the one with the largest mean gain.
    made
        Image to how it was degraded, in words.
    told
        Image to restorer to its rank in words and its gain.
    """

    order: tuple[str, ...]
    leader: str
    made: Mapping[str, str]
    told: Mapping[str, Mapping[str, Mapping[str, float | str]]]

    def ranks(self, key: str) -> Mapping[str, Mapping[str, float | str]]:
        """Return what is told of one image, by restorer; perhaps nothing."""
        return self.told.get(key, {})


def captions_of(report: Report) -> list[Captions]:
    """Return the captions of each table of a report."""
    column = ranking_column(report)
    ranked = ranks(report, column) if column else {}
    images: dict[tuple[str, str], dict[ImageKey, None]] = {}
    for row in report.run.rows:
        if row.key:
            images.setdefault((row.dataset, row.recipe), {})[row.key, row.variant] = None
    found = []
    for table in report.tables:
        where = table.dataset, table.recipe
        own = ranked.get(where, {})
        leader = _leader(table, own)
        order = chosen_images(table, own, sorted(images.get(where, ())), leader)
        plans = report.plans.get(where, {})
        found.append(
            Captions(
                tuple(key for key, _ in order),
                leader,
                {
                    key: _made(plans[key, variant])
                    for key, variant in order
                    if (key, variant) in plans
                },
                _told(table, column, own) if column else {},
            )
        )
    return found


def _leader(table: Table, ranked: Mapping[str, Mapping[ImageKey, Rank]]) -> str:
    blind = [line.restorer for line in table.lines if not (line.is_oracle or line.is_baseline)]
    scored = [name for name in blind if ranked.get(name)]
    if not scored:
        return blind[0] if blind else BASELINE
    return max(
        scored, key=lambda name: sum(r.gain for r in ranked[name].values()) / len(ranked[name])
    )


def _made(plan: Plan) -> str:
    words = [
        step.describe()
        for step in plan.steps
        if step.target != "hq" and step.operation not in _SILENT
    ]
    return " · ".join(words) or ("" if plan.recipe == AS_FOUND else "left as it is")


def _told(
    table: Table, column: Column, ranked: Mapping[str, Mapping[ImageKey, Rank]]
) -> dict[str, dict[str, dict[str, float | str]]]:
    names = [each.name for each in table.columns]
    places = most_decimals(table, names.index(column.name))
    told: dict[str, dict[str, dict[str, float | str]]] = {}
    for restorer, images in ranked.items():
        for (key, _), rank in images.items():
            size = f"{abs(rank.gain):.{places}f}"
            better = f"{size} better than" if rank.gain > 0 else f"{size} worse than"
            text = (
                f"{rank.place} of {rank.of} by {column.name.replace('_', ' ')}: "
                f"{rank.value:.{places}f}, {better if rank.gain else 'as good as'} the input"
            )
            told.setdefault(key, {})[restorer] = {
                "place": rank.place, "of": rank.of, "gain": rank.gain, "text": text,
            }  # fmt: skip
    return told
