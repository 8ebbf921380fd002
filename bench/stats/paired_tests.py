"""The comparison of pairs of restorers by each metric, all of one condition over the same draws.

Decides how a metric is compared, and which cannot be; corrects nothing for how many there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from bench.stats.comparison import Comparison
from bench.stats.paired_sets import FRECHET_DISTANCES, KERNEL_DISTANCES, pair_sets
from bench.stats.paired_values import CAPS, Condition, Infinite, Paired, Side
from bench.stats.resampling import (
    Statistic,
    mean_of,
    of_photographs,
    pair_mean_of,
    resample,
    wilcoxon,
)
from bench.store.record import Run

__all__ = ["NO_CAPS", "Pair", "compare_pairs", "why_not_compared", "win_rate"]

NO_CAPS: Mapping[str, float] = MappingProxyType({})

Pair = tuple[tuple[Side, str], tuple[Side, str]]
"""``((run, restorer), (run, against))``."""


def compare_pairs(
    condition: Condition,
    pairs: Sequence[Pair],
    metrics: Sequence[Mapping[str, Any]],
    run: Run,
    infinite: Infinite,
    caps: Mapping[str, float] = NO_CAPS,
) -> Iterator[Comparison]:
    """Yield the comparison of every pair by every metric, over the same draws, not corrected.

    Parameters
    ----------
    condition
        From `bench.stats.paired_values.open_condition`.
    pairs
        ``((run, restorer), (run, against))``, runs as `bench.stats.paired_values.Side`.
    metrics
        Their facts, as a run's record has them, of which `why_not_compared` says nothing.
    run
        Whose seed draws.
    """
    paired = [
        (each, pair, _paired(condition, pair, each, _cap(each, infinite, caps)))
        for each in metrics
        for pair in pairs
    ]
    statistics = [_statistic(found) for _, _, found in paired]
    resampled = resample(statistics, len(condition.order), seed=run.record["suite"]["seed"])
    for (facts, pair, found), drawn in zip(paired, resampled, strict=True):
        outcome = of_photographs(drawn, found.photographs)
        (side, restorer), (other_side, against) = pair
        of_images = facts["kind"] == "pair"
        yield Comparison(
            dataset=condition.dataset,
            recipe=condition.recipe,
            metric=facts["name"],
            direction=facts["direction"],
            signature=_signature(facts, infinite, caps),
            restorer=restorer,
            against=against,
            difference=outcome.interval,
            wins=win_rate(found, facts["direction"]) if of_images else None,
            p=outcome.p,
            p_holm=outcome.p,
            wilcoxon=wilcoxon(found.differences) if of_images else None,
            wilcoxon_holm=None,
            photographs=found.photographs,
            images=found.images,
            left_out=found.left_out,
            capped=found.capped,
            unbounded=found.unbounded,
            daggered=_trained_on(side, restorer, facts) or _trained_on(other_side, against, facts),
        )


def _paired(condition: Condition, pair: Pair, facts: Mapping[str, Any], cap: float) -> Paired:
    if facts["kind"] == "set":
        return pair_sets(condition, *pair, facts["name"], facts["feature"])
    return condition.pair_values(*pair, facts["name"], cap)


def _statistic(found: Paired) -> Statistic:
    return (mean_of if found.differences.ndim == 1 else pair_mean_of)(found.differences)


def win_rate(found: Paired, direction: str) -> float | None:
    """Return the share of photographs on which the first is better, ties counting half.

    Parameters
    ----------
    found
        Of a metric of single images.
    direction
        ``higher`` or ``lower``, whichever is better.
    """
    known = found.differences[np.isfinite(found.differences)]
    if not len(known):
        return None
    better = known > 0 if direction == "higher" else known < 0
    return float((better.sum() + (known == 0).sum() / 2) / len(known))


def _cap(facts: Mapping[str, Any], infinite: Infinite, caps: Mapping[str, float]) -> float:
    own = caps.get(facts["name"], math.inf)
    return min(own, CAPS.get(facts["unit"], math.inf) if infinite == "cap" else math.inf)


def _signature(facts: Mapping[str, Any], infinite: Infinite, caps: Mapping[str, float]) -> str:
    """Return a metric's signature and, where its values may be infinite, what became of those."""
    cap = _cap(facts, infinite, caps)
    if math.isfinite(cap):
        return f"{facts['signature']}|cap{cap:.2f}"
    left_out = facts["unit"] in CAPS
    return f"{facts['signature']}|infinite-left-out" if left_out else str(facts["signature"])


def _trained_on(side: Side, restorer: str, facts: Mapping[str, Any]) -> bool:
    return facts["judge"] in side.run.record["restorers"][restorer]["loss_networks"]


def why_not_compared(facts: Mapping[str, Any], run: Run) -> str:
    """Return why a metric has no paired interval, or the empty string."""
    name = facts["name"]
    if not any(row.metric == name and row.value is not None for row in run.rows):
        return f"{name}: no value in this run"
    if facts["kind"] == "pair":
        return ""
    if name not in (*FRECHET_DISTANCES, *KERNEL_DISTANCES):
        return f"{name}: no interval of its differences is known"
    if not run.record.get("reference"):
        return f"{name}: compared with its own truths it is biased; run with --reference"
    return ""
