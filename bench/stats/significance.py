"""Which restorers of a leaderboard differ significantly, and on how many images each one wins.

Restorers that do not differ significantly share a letter. Every two blind restorers are compared as
`bench.stats.compare` does; the p values of a column are corrected together (Holm), for a column is
read by itself.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.metrics.entry import MetricEntry
from bench.stats.comparison import (
    SIGNIFICANT,
    Comparison,
    compare_pairs,
    why_not_compared,
    win_rate,
)
from bench.stats.compatibility import refuse_mixed_signatures, refuse_unfinished
from bench.stats.paired_values import ConditionValues, Side, open_condition
from bench.stats.resampling import holm, smallest_p
from bench.stats.scores import BASELINE, ColumnKey
from bench.store.images import ImageKey, per_photograph
from bench.store.record import SECONDS, Run


@dataclass(frozen=True, slots=True)
class Grouping:
    """One column of a leaderboard.

    ``letters`` has each blind restorer's, such as ``ab``: two that share a letter do not differ
    significantly at 5 % over the column's comparisons. ``a`` is the group of the best mean over the
    images that all have a value of. Restorers ``without_value`` have none, and no restorer has one
    where no pair could differ whatever its values. ``photographs`` are the fewest behind any of the
    comparisons. ``beyond_telling`` of the pairs could not reach 5 % after Holm's correction if
    every photograph of every pair spoke for the same side.
    """

    dataset: str
    recipe: str
    metric: str
    letters: Mapping[str, str]
    without_value: tuple[str, ...]
    photographs: int
    most_photographs: int
    pairs: int
    beyond_telling: int


def significance_groups(run: Run) -> list[Grouping]:
    """Return the groups of every column in which two restorers have values.

    Kernel distances are left to `bench.stats.compare.compare`: their draws take a time that grows
    with the square of the photographs, and with the square of the restorers here. UserError where
    the run is not finished, or mixes values that cannot be compared.
    """
    refuse_unfinished(run)
    refuse_mixed_signatures(run)
    blind = [name for name, card in run.record["restorers"].items() if card["blind"]]
    metrics = [
        each
        for each in run.metrics.values()
        if each.name != SECONDS["name"]
        and each.distance != "kernel"
        and not why_not_compared(each, run)
    ]
    if len(blind) < 2:
        return []
    side, groupings = Side(run), []
    pairs = [((side, one), (side, other)) for one, other in itertools.combinations(blind, 2)]
    for facts in run.record["conditions"]:
        condition = open_condition(side, facts["dataset"], facts["recipe"], "all")
        rows = list(compare_pairs(condition, pairs, metrics, run, "cap"))
        for each in metrics:
            own = [row for row in rows if row.metric == each.name]
            is_set = each.kind == "set"
            order = _ordered_sets(own, each) if is_set else _ordered(side, condition, blind, each)
            own = [row for row in own if {row.restorer, row.against} <= set(order)]
            if own:
                corrected = holm([row.p for row in own])
                own = [replace(row, p_holm=p) for row, p in zip(own, corrected, strict=True)]
                absent = tuple(name for name in blind if name not in order)
                groupings.append(_grouping(own, order, absent))
    return groupings


def _ordered(
    side: Side, condition: ConditionValues, names: Sequence[str], metric: MetricEntry
) -> list[str]:
    """Return the restorers that have a value, that of the best mean first.

    The means are over the images that all of them have, or each one's own where there is none.
    """
    cap = metric.ceiling
    values: dict[str, dict[ImageKey, float]] = {}
    for name in names:
        rows = side.rows((condition.dataset, condition.recipe, name, metric.name))
        for key in condition.names:
            value = rows[key].value if key in rows else None
            if value is not None and math.isfinite(min(value, cap)):
                values.setdefault(name, {})[key] = min(value, cap)
    if not values:
        return []
    shared = set.intersection(*(set(own) for own in values.values()))
    means = {}
    for name, own in values.items():
        shared_values = {key: value for key, value in own.items() if key in shared or not shared}
        means[name] = statistics.fmean(per_photograph(shared_values, condition.names).values())
    sign = -1 if metric.direction == "higher" else 1
    return sorted(means, key=lambda name: sign * means[name])  # stable: equal ones as listed


def _ordered_sets(rows: Sequence[Comparison], metric: MetricEntry) -> list[str]:
    """Return the restorers whose set has a distance, the best first.

    Distances of different numbers of images cannot be put in order, but the differences of two
    are of equal numbers. So the order is that of the mean difference from the others; where all
    have every image, it is that of the distances.
    """
    apart: dict[str, list[float]] = {}
    for row in rows:
        if row.difference.mean is not None:
            apart.setdefault(row.restorer, []).append(row.difference.mean)
            apart.setdefault(row.against, []).append(-row.difference.mean)
    sign = -1 if metric.direction == "higher" else 1
    return sorted(apart, key=lambda name: sign * statistics.fmean(apart[name]))


def _grouping(
    rows: Sequence[Comparison], order: Sequence[str], absent: tuple[str, ...]
) -> Grouping:
    """Return the letters of one column, of the restorers in ``order``, the best first."""
    first, photographs = rows[0], [row.photographs for row in rows]
    # Holm's adjusted p falls with any p, so these are the least there can be.
    least = holm([smallest_p(count, 1) for count in photographs])
    beyond = sum(p > SIGNIFICANT for p in least)
    decided = [row for row in rows if row.verdict != "cannot tell"]
    apart = {frozenset((row.restorer, row.against)) for row in decided}
    letters = group_letters(order, apart) if beyond < len(rows) else {}
    return Grouping(
        first.dataset, first.recipe, first.metric, letters, absent,
        min(photographs), max(photographs), len(rows), beyond,
    )  # fmt: skip


def group_letters(names: Sequence[str], apart: set[frozenset[str]]) -> dict[str, str]:
    """Return a letter display: two names share a letter if and only if they are not apart.

    Letters are given in the order of the names, best first. The groups are the maximal cliques of
    the names that do not differ significantly, as in H.-P. Piepho, "An algorithm for a letter-based
    representation of all-pairwise comparisons", JCGS 13 (2004).
    """
    alike = {
        name: frozenset(n for n in names if n != name and frozenset((n, name)) not in apart)
        for name in names
    }
    groups = list(_cliques(frozenset(), frozenset(names), frozenset(), alike))
    groups.sort(key=lambda group: sorted(names.index(name) for name in group))
    letters = {name: "" for name in names}
    for number, group in enumerate(groups):
        for name in group:
            letters[name] += _letter(number)
    return {name: letters[name] for name in names}


def _cliques(
    chosen: frozenset[str],
    open_names: frozenset[str],
    excluded: frozenset[str],
    alike: Mapping[str, frozenset[str]],
) -> Iterator[frozenset[str]]:
    """Yield the maximal cliques that hold ``chosen`` (Bron and Kerbosch 1973).

    Branches on the names that are not alike the one most others are alike (the pivot of Tomita,
    Tanaka and Takahashi 2006): without it, n restorers that are all alike take 2^n steps.
    """
    if not open_names and not excluded:
        yield chosen
        return
    if not open_names:
        return
    pivot = max(sorted(open_names | excluded), key=lambda name: len(alike[name] & open_names))
    for name in sorted(open_names - alike[pivot]):
        yield from _cliques(
            chosen | {name}, open_names & alike[name], excluded & alike[name], alike
        )
        open_names, excluded = open_names - {name}, excluded | {name}


def _letter(number: int) -> str:
    """Return a, b, ... z, then a1, b1, ..."""
    round_, facts = divmod(number, 26)
    return chr(ord("a") + facts) + (str(round_) if round_ else "")


@dataclass(frozen=True, slots=True)
class WinRate:
    """One restorer against another, over the photographs that both have a value of.

    ``wins`` is the share of the photographs on which the restorer is better, each by the mean over
    its degraded versions, ties counting half; None without a photograph.
    """

    dataset: str
    recipe: str
    metric: str
    restorer: str
    against: str
    wins: float | None
    photographs: int


def win_rates(run: Run, best: Mapping[ColumnKey, Sequence[str]]) -> list[WinRate]:
    """Return every blind restorer's rate against `BASELINE` and against the first of ``best``.

    The run is finished; ``best`` are the restorers of the best mean of each column, perhaps none.
    """
    blind = [name for name, card in run.record["restorers"].items() if card["blind"]]
    metrics = [
        each
        for each in run.metrics.values()
        if each.kind == "pair" and each.name != SECONDS["name"] and not why_not_compared(each, run)
    ]
    return list(_rates(run, blind, metrics, best))


def _rates(
    run: Run,
    blind: Sequence[str],
    metrics: Sequence[MetricEntry],
    best: Mapping[ColumnKey, Sequence[str]],
) -> Iterator[WinRate]:
    side = Side(run)
    for facts in run.record["conditions"]:
        dataset, recipe = facts["dataset"], facts["recipe"]
        condition = open_condition(side, dataset, recipe, "all")
        for metric in metrics:
            name, cap = metric.name, metric.ceiling
            opponents = [BASELINE, *best.get((dataset, recipe, name), ())[:1]]
            for against in dict.fromkeys(each for each in opponents if each in blind):
                for restorer in (each for each in blind if each not in (BASELINE, against)):
                    paired = condition.pair_values((side, restorer), (side, against), name, cap)
                    wins = win_rate(paired, metric.direction)
                    yield WinRate(
                        dataset, recipe, name, restorer, against, wins, paired.photographs
                    )
