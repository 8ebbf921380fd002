"""On how many photographs a restorer beats doing nothing, and the best of its column."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.report.places import PlaceKey
from bench.stats.paired_tests import why_not_compared, win_rate
from bench.stats.paired_values import CAPS, Side, open_condition
from bench.stats.scores import BASELINE
from bench.store.record import SECONDS, Run

__all__ = ["WinRate", "win_rates"]


@dataclass(frozen=True, slots=True)
class WinRate:
    """One restorer against another, over the same photographs.

    Attributes
    ----------
    dataset, recipe, metric, restorer, against
        Which.
    wins
        Share of the photographs on which the restorer is better, each by the mean over its
        degraded versions, ties counting half; None without a photograph that both have a value of.
    photographs
        How many both have a value of.
    """

    dataset: str
    recipe: str
    metric: str
    restorer: str
    against: str
    wins: float | None
    photographs: int


def win_rates(run: Run, best: Mapping[PlaceKey, Sequence[str]]) -> list[WinRate]:
    """Return every blind restorer's rate against `BASELINE` and against the best.

    Parameters
    ----------
    run
        Finished.
    best
        The restorers of the best mean of each column, of which the first counts; perhaps none.
    """
    blind = [name for name, card in run.record["restorers"].items() if card["blind"]]
    facts = [
        each
        for each in run.record["metrics"].values()
        if each["kind"] == "pair"
        and each["name"] != SECONDS["name"]
        and not why_not_compared(each, run)
    ]
    return list(_rates(run, blind, facts, best))


def _rates(
    run: Run,
    blind: Sequence[str],
    metrics: Sequence[Mapping[str, str]],
    best: Mapping[PlaceKey, Sequence[str]],
) -> Iterator[WinRate]:
    side = Side(run)
    for place in run.record["conditions"]:
        dataset, recipe = place["dataset"], place["recipe"]
        condition = open_condition(side, dataset, recipe, "all")
        for facts in metrics:
            name, cap = facts["name"], CAPS.get(facts["unit"], math.inf)
            wanted = [BASELINE, *best.get((dataset, recipe, name), ())[:1]]
            for against in dict.fromkeys(each for each in wanted if each in blind):
                for restorer in (each for each in blind if each not in (BASELINE, against)):
                    found = condition.pair_values((side, restorer), (side, against), name, cap)
                    wins = win_rate(found, facts["direction"])
                    yield WinRate(dataset, recipe, name, restorer, against, wins, found.photographs)
