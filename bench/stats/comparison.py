"""What a comparison of two restorers found, and the verdict that follows from it.

Records only; they are made in `bench.stats.compare` and laid out in `bench.report.comparison`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from bench.metrics.entry import MetricEntry
from bench.stats.bootstrap import Interval
from bench.stats.paired_sets import pair_sets
from bench.stats.paired_values import ConditionValues, Infinite, Paired, Side
from bench.stats.resampling import (
    Statistic,
    mean_of,
    of_photographs,
    pair_mean_of,
    resample,
    wilcoxon,
)
from bench.store.record import Run

SIGNIFICANT = 0.05
"""The share of tables in which chance alone may call any comparison better or worse."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of two restorers under one condition.

    ``signature`` is the metric's, with what was done to infinite values. ``difference`` is the mean
    over photographs of the mean over each one's versions, restorer minus against, with its paired
    95 % bootstrap interval over photographs; for a distance between sets the difference of the two
    distances. ``wins`` is the share of the photographs on which the restorer is better, ties
    counting half; None for a distance between sets. ``p_holm`` is corrected over the whole table;
    ``wilcoxon``, the signed-rank test on the photographs' means, is a second opinion, corrected by
    itself. For the counts see `bench.stats.paired_values.Paired`. ``daggered``: the judge is a
    network that one of the two was trained against.
    """

    dataset: str
    recipe: str
    metric: str
    direction: str
    signature: str
    restorer: str
    against: str
    difference: Interval
    wins: float | None
    p: float
    p_holm: float
    wilcoxon: float | None
    wilcoxon_holm: float | None
    photographs: int
    images: int
    left_out: int
    capped: int
    unbounded: int
    daggered: bool

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``cannot tell``.

        It can be told when the interval excludes 0 and Holm's p is at most `SIGNIFICANT`.
        """
        low, high = self.difference.low, self.difference.high
        if low is None or high is None or low <= 0 <= high or self.p_holm > SIGNIFICANT:
            return "cannot tell"
        return "better" if (low > 0) == (self.direction == "higher") else "worse"


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Comparisons by condition, metric and opponent, corrected together.

    ``subset`` is ``all`` or ``hardest-third``; ``notes`` says what was not compared, and why.
    """

    rows: tuple[Comparison, ...]
    subset: str
    notes: tuple[str, ...]


NO_CAPS: Mapping[str, float] = MappingProxyType({})

Pair = tuple[tuple[Side, str], tuple[Side, str]]
"""``((run, restorer), (run, against))``."""


def compare_pairs(
    condition: ConditionValues,
    pairs: Sequence[Pair],
    metrics: Sequence[MetricEntry],
    run: Run,
    infinite: Infinite,
    caps: Mapping[str, float] = NO_CAPS,
) -> Iterator[Comparison]:
    """Yield the comparison of every pair by every metric, over the same draws, not corrected.

    A pair is ``((run, restorer), (run, against))``; `why_not_compared` says nothing of the metrics;
    the seed that draws is that of ``run``.
    """
    paired = [
        (each, pair, _paired(condition, pair, each, _cap(each, infinite, caps)))
        for each in metrics
        for pair in pairs
    ]
    statistics = [_statistic(paired_values) for _, _, paired_values in paired]
    resampled = resample(statistics, len(condition.order), seed=run.record["suite"]["seed"])
    for (entry, pair, paired_values), outcome_of_draws in zip(paired, resampled, strict=True):
        outcome = of_photographs(outcome_of_draws, paired_values.photographs)
        (side, restorer), (other_side, against) = pair
        of_images = entry.kind == "pair"
        yield Comparison(
            dataset=condition.dataset,
            recipe=condition.recipe,
            metric=entry.name,
            direction=entry.direction,
            signature=_signature(entry, infinite, caps),
            restorer=restorer,
            against=against,
            difference=outcome.interval,
            wins=win_rate(paired_values, entry.direction) if of_images else None,
            p=outcome.p,
            p_holm=outcome.p,
            wilcoxon=wilcoxon(paired_values.differences) if of_images else None,
            wilcoxon_holm=None,
            photographs=paired_values.photographs,
            images=paired_values.images,
            left_out=paired_values.left_out,
            capped=paired_values.capped,
            unbounded=paired_values.unbounded,
            daggered=_trained_on(side, restorer, entry) or _trained_on(other_side, against, entry),
        )


def _paired(condition: ConditionValues, pair: Pair, entry: MetricEntry, cap: float) -> Paired:
    if entry.kind == "set":
        return pair_sets(condition, *pair, entry)
    return condition.pair_values(*pair, entry.name, cap)


def _statistic(paired_values: Paired) -> Statistic:
    return (mean_of if paired_values.differences.ndim == 1 else pair_mean_of)(
        paired_values.differences
    )


def win_rate(paired_values: Paired, direction: str) -> float | None:
    """Return the share of photographs on which the first is better, ties counting half."""
    known = paired_values.differences[np.isfinite(paired_values.differences)]
    if not len(known):
        return None
    better = known > 0 if direction == "higher" else known < 0
    return float((better.sum() + (known == 0).sum() / 2) / len(known))


def _cap(entry: MetricEntry, infinite: Infinite, caps: Mapping[str, float]) -> float:
    own = caps.get(entry.name, math.inf)
    return min(own, entry.ceiling if infinite == "cap" else math.inf)


def _signature(entry: MetricEntry, infinite: Infinite, caps: Mapping[str, float]) -> str:
    """Return a metric's signature and, where its values may be infinite, what became of those."""
    cap = _cap(entry, infinite, caps)
    if math.isfinite(cap):
        return f"{entry.signature}|cap{cap:.2f}"
    return entry.signature if entry.cap is None else f"{entry.signature}|infinite-left-out"


def _trained_on(side: Side, restorer: str, entry: MetricEntry) -> bool:
    return entry.judge in side.run.record["restorers"][restorer]["loss_networks"]


def why_not_compared(entry: MetricEntry, run: Run) -> str:
    """Return why a metric has no paired interval, or the empty string."""
    name = entry.name
    if not any(row.metric == name and row.value is not None for row in run.rows):
        return f"{name}: no value in this run"
    if entry.kind == "pair":
        return ""
    if not entry.distance:
        return f"{name}: no interval of its differences is known"
    if not run.record.get("reference"):
        return f"{name}: biased when compared with the HQ of the same images; run with --reference"
    return ""
