"""Paired comparison of restorers: which is better, by how much, and whether that can be told.

Every comparison is over the same photographs, all comparisons of a table share their draws, and
all of its p values are corrected together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from bench.comparable import refuse_mixed_signatures, refuse_other_images, refuse_unfinished
from bench.comparison import SIGNIFICANT, Comparison, Comparisons
from bench.metrics.kd_efficientnet import KD
from bench.metrics.kid import KID, KID_CLEAN
from bench.pairing import CAPS, Condition, Infinite, Paired, Side, open_condition
from bench.record import SECONDS, Run
from bench.resampling import (
    DRAWS,
    Statistic,
    holm,
    mean_of,
    of_photographs,
    pair_mean_of,
    resample,
    wilcoxon,
)
from bench.scores import BASELINE
from degrade.errors import UserError
from degrade.yaml_lines import nearest

__all__ = ["compare", "compare_pairs", "compare_runs", "why_not_compared", "win_rate"]

_KERNEL_DISTANCES = (KD.name, KID.name, KID_CLEAN.name)
"""Set metrics whose differences can be resampled."""

_NO_CAPS: Mapping[str, float] = MappingProxyType({})

_MOST = int(SIGNIFICANT * (DRAWS + 1) / 2)
"""Comparisons beyond which the smallest p that the draws can give is not significant."""


def compare(
    run: Run,
    restorer: str,
    against: Sequence[str] = (),
    *,
    metrics: Sequence[str] = (),
    subset: str = "all",
    infinite: Infinite = "cap",
) -> Comparisons:
    """Compare one restorer of a run with others of the same run.

    Parameters
    ----------
    against
        Names; none for every blind restorer of the run.
    metrics
        Names; none for all that judge images.
    subset
        One of `bench.pairing.SUBSETS`.
    infinite
        Whether values beyond `bench.pairing.CAPS` count as that, or infinite ones are left out
        (and counted); the signature says which.

    Raises
    ------
    UserError
        The run is not finished, a name that it does not have, or more comparisons than the
        draws can correct for.
    DatasetError
        The feature vectors of the run are missing.
    """
    refuse_unfinished(run)
    cards = run.record["restorers"]
    blind = [name for name, card in cards.items() if card["blind"] and name != restorer]
    for name in (restorer, *against):
        _known(name, cards, "restorer")
    side = Side(run)
    refuse_mixed_signatures(run)
    pairs = [((side, restorer), (side, other)) for other in against or blind if other != restorer]
    return _table(pairs, run, metrics, subset, infinite)


def compare_runs(
    before: Run,
    after: Run,
    restorers: Sequence[str] = (),
    *,
    metrics: Sequence[str] = (),
    subset: str = "all",
    infinite: Infinite = "cap",
    caps: Mapping[str, float] = _NO_CAPS,
) -> Comparisons:
    """Compare restorers with themselves in an earlier run on the same degraded images.

    The difference is ``after`` minus ``before``. The hardest third is that of ``before``.

    Parameters
    ----------
    restorers
        Names; none for all that both runs have but `BASELINE`.
    caps
        Metric to the largest value that counts, where it is another than that of its unit in
        `bench.pairing.CAPS`; the signature says which.

    Raises
    ------
    UserError
        One of the runs is not finished.
    NotComparableError
        The runs have other images or degradations, or compute a metric in another way.
    """
    for each in (before, after):
        refuse_unfinished(each)
    refuse_other_images(before, after)
    wanted = [
        name for name in metrics or before.record["metrics"] if name in after.record["metrics"]
    ]
    shared = [name for name in before.record["restorers"] if name in after.record["restorers"]]
    for name in restorers:
        _known(name, dict.fromkeys(shared), "restorer")
    chosen = restorers or [name for name in shared if name != BASELINE]
    if not chosen:
        raise UserError("the two runs share no restorer: name runs of the same restorers")
    first, second = Side(before), Side(after)
    return _table(
        [((second, n), (first, n)) for n in chosen], before, wanted, subset, infinite, caps
    )


_Pair = tuple[tuple[Side, str], tuple[Side, str]]


def _table(
    pairs: Sequence[_Pair],
    run: Run,
    metrics: Sequence[str],
    subset: str,
    infinite: Infinite,
    caps: Mapping[str, float] = _NO_CAPS,
) -> Comparisons:
    facts = run.record["metrics"]
    for name in metrics:
        _known(name, facts, "metric")
    chosen = [facts[name] for name in metrics or facts if name != SECONDS["name"]]
    notes = [why_not_compared(each, run) for each in chosen]
    kept = [each for each, note in zip(chosen, notes, strict=True) if not note]
    rows: list[Comparison] = []
    for place in run.record["conditions"]:
        base = pairs[0][1][0] if pairs else Side(run)
        condition = open_condition(base, place["dataset"], place["recipe"], subset)
        rows += compare_pairs(condition, pairs, kept, run, infinite, caps)
    if len(rows) > _MOST:
        raise UserError(
            f"{len(rows)} comparisons are more than {_MOST}, for which {DRAWS} draws suffice: "
            "name fewer by --against or --metrics"
        )
    return Comparisons(_corrected(rows), subset, tuple(note for note in notes if note))


def compare_pairs(
    condition: Condition,
    pairs: Sequence[_Pair],
    metrics: Sequence[Mapping[str, Any]],
    run: Run,
    infinite: Infinite,
    caps: Mapping[str, float] = _NO_CAPS,
) -> Iterator[Comparison]:
    """Yield the comparison of every pair by every metric, over the same draws, not corrected.

    Parameters
    ----------
    condition
        From `bench.pairing.open_condition`.
    pairs
        ``((run, restorer), (run, against))``, runs as `bench.pairing.Side`.
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
        of_images = found.differences.ndim == 1
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


def _paired(condition: Condition, pair: _Pair, facts: Mapping[str, Any], cap: float) -> Paired:
    if facts["kind"] == "set":
        return condition.kernel_values(*pair, facts["name"], facts["feature"])
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


def _corrected(rows: Sequence[Comparison]) -> tuple[Comparison, ...]:
    tested = [place for place, row in enumerate(rows) if row.wilcoxon is not None]
    second = dict(zip(tested, holm([rows[i].wilcoxon or 0.0 for i in tested]), strict=True))
    first = holm([row.p for row in rows])
    return tuple(
        replace(row, p_holm=first[place], wilcoxon_holm=second.get(place))
        for place, row in enumerate(rows)
    )


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
    if name not in _KERNEL_DISTANCES:
        return f"{name}: a Fréchet distance of resampled images is biased; see {KD.name}"
    if not run.record.get("reference"):
        return f"{name}: compared with its own truths it is biased; run with --reference"
    return ""


def _known(name: str, names: Mapping[str, Any], what: str) -> None:
    if name not in names:
        raise UserError(
            f"the run has no {what} '{name}'.{nearest(name, names)} It has: {', '.join(names)}"
        )
