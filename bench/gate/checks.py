"""Make the checks of a gate: for each condition, restorer and rule the change and the coverage.

The comparison is `bench.stats.compare`'s: the same photographs, one set of draws, one correction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bench.gate.coverage import Change, changes, coverage, worst
from bench.gate.rules import MetricRule, Rules, RulesError
from bench.gate.verdict import Check
from bench.stats.bootstrap import Interval
from bench.stats.compare import compare_runs
from bench.stats.comparison import Comparison
from bench.stats.compatibility import refuse_other_images, refuse_unfinished
from bench.stats.paired_values import Address, Side
from bench.stats.resampling import DRAWS
from bench.store.record import Run
from degrade.errors import UserError

_NOTHING = Interval(None, None, None)


def make_checks(
    before: Run, after: Run, restorers: Sequence[str], rules: Rules
) -> tuple[list[Check], list[str]]:
    """Return a check for each condition, restorer and rule, and notes on what has none.

    A restorer of the baseline that the run lacks has lost every image. The rules are of metrics
    that both runs have. Raises NotComparableError where images, degradations or signatures
    differ; UserError for an unfinished run, a cap where lower is better, and more checks than
    the draws can correct for.
    """
    for each in (before, after):
        refuse_unfinished(each)
    metrics = [rule.metric for rule in rules.metrics]
    refuse_other_images(before, after, metrics)  # also where no restorer is left to be compared
    shared = [name for name in restorers if name in after.record["restorers"]]
    _refuse_caps_of_lower_is_better(rules, before)
    conditions = [(each["dataset"], each["recipe"]) for each in before.record["conditions"]]
    _refuse_too_many(len(conditions) * len(shared) * len(rules.metrics), rules.level)
    comparisons: dict[Address, Comparison] = {}
    notes: tuple[str, ...] = ()
    if shared:
        caps = {rule.metric: rule.cap for rule in rules.metrics if rule.cap is not None}
        table = compare_runs(before, after, shared, metrics=metrics, caps=caps)
        comparisons = {(c.dataset, c.recipe, c.restorer, c.metric): c for c in table.rows}
        notes = table.notes
    sides = Side(before), Side(after)
    checks = [
        _check(sides, (*condition, name, rule.metric), rule, rules, comparisons)
        for condition in conditions
        for name in restorers
        for rule in rules.metrics
        if not any(note.startswith(f"{rule.metric}: ") for note in notes)
    ]
    empty = [check for check in checks if not check.coverage.before]
    unknown = [f"{check.name}: no value in the baseline" for check in empty]
    return [check for check in checks if check.coverage.before], [*notes, *unknown]


def is_worse(
    difference: float | None, limit: float | None, p_holm: float, direction: str, level: float
) -> bool:
    """Say whether a loss is above its limit and its p at most the level.

    No difference is never worse (it is lost). The limit is in the same unit.
    """
    if difference is None or limit is None:
        return False
    loss = -difference if direction == "higher" else difference
    return loss > limit and p_holm <= level


def _refuse_too_many(checks: int, level: float) -> None:
    most = int(level * (DRAWS + 1) / 2)
    if checks > most:
        raise UserError(
            f"{checks} checks are more than {most}, for which {DRAWS} draws suffice at level "
            f"{level:g}: name fewer --restorers, or fewer metrics in the rules"
        )


def _refuse_caps_of_lower_is_better(rules: Rules, run: Run) -> None:
    for rule in rules.metrics:
        if rule.cap is not None and run.record["metrics"][rule.metric]["direction"] != "higher":
            raise RulesError(
                f"'{rule.metric}' has a cap, which only a metric where higher is better can have: "
                "its worst values would count as the cap"
            )


def _check(
    sides: tuple[Side, Side],
    address: Address,
    rule: MetricRule,
    rules: Rules,
    comparisons: Mapping[Address, Comparison],
) -> Check:
    entry = sides[0].metrics[rule.metric]
    cap = min(math.inf if rule.cap is None else rule.cap, entry.ceiling)
    compared, covered = comparisons.get(address), coverage(*sides, address)
    changed = changes(*sides, address, cap)
    base = _base(changed, sides[0], address)
    change = compared.difference if compared else _NOTHING
    limit = None if base is None else rule.limit(base)
    p = compared.p_holm if compared else 1.0
    known = base is not None and change.mean is not None
    failed = is_worse(change.mean, limit, p, entry.direction, rules.level)
    dataset, recipe, restorer, metric = address
    return Check(
        dataset=dataset,
        recipe=recipe,
        restorer=restorer,
        metric=metric,
        direction=entry.direction,
        signature=compared.signature if compared else entry.signature,
        before=base,
        after=base + change.mean if base is not None and change.mean is not None else None,
        difference=change if known else _NOTHING,
        limit=limit,
        limit_text=rule.text(),
        p_holm=p,
        wilcoxon_holm=compared.wilcoxon_holm if compared else None,
        photographs=compared.photographs if compared else 0,
        images=compared.images if compared else 0,
        capped=compared.capped if compared else 0,
        coverage=covered,
        worst=worst(changed, entry.direction) if failed else (),
        is_worse=failed,
        is_lost=covered.fall > rules.coverage_falls_by,
    )


def _base(changed: Sequence[Change], before: Side, address: Address) -> float | None:
    """Return the baseline's mean over the photographs compared, or its value of the whole set."""
    if changed:
        return math.fsum(each.before for each in changed) / len(changed)
    of_set = before.rows(address).get(("", 0))
    return of_set.value if of_set else None
