"""Decide whether a run is worse than a baseline: what is checked, and the verdict over all checks.

The checks themselves are made in `bench.gate.checks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.gate.checks import make_checks
from bench.gate.rules import MetricRule, Rules, RulesError
from bench.gate.verdict import EXIT_CODES, Check, Outcome, Verdict
from bench.stats.compatibility import refuse_other_suite
from bench.stats.resampling import smallest_p
from bench.stats.scores import BASELINE, NotComparableError
from bench.stats.successors import former_name_hint
from bench.store.record import Run
from degrade.config import nearest
from degrade.errors import UserError


def gate(before: Run, after: Run, rules: Rules, restorers: Sequence[str] = ()) -> Verdict:
    """Return whether the run ``after`` is worse than the baseline ``before`` by the rules.

    ``restorers`` names those to check; none for all of the baseline's but `BASELINE`. One that the
    run lacks has lost every image; one that the baseline lacks is noted, and not checked. UserError
    where a run is not finished, it has no restorer or metric to check, or there are so few
    photographs or so many checks that no loss could ever be told.
    """
    gated, notes = _gated(before, after, restorers)
    if not gated:
        return without_baseline(f"the baseline has no {', '.join(restorers)}", rules)
    try:
        refuse_other_suite(before, after)
        measured = {r.metric for r in before.rows if r.restorer in gated and r.value is not None}
        if not measured:
            return without_baseline(f"the baseline has no value of {', '.join(gated)}", rules)
        chosen, absent = _present(measured, after, rules)
        checks, more = make_checks(before, after, gated, replace(rules, metrics=tuple(chosen)))
    except NotComparableError as error:
        outcome = Outcome.NOT_COMPARABLE
        return Verdict(outcome, str(error), EXIT_CODES[outcome], (), tuple(notes), rules)
    if more and rules.absent_metric == "fail":
        raise RulesError(f"the rules cannot be applied: {more[0]}")
    if not checks:
        raise RulesError(f"nothing can be checked: {more[0]}")
    notes += [*absent, *(f"{note}; not checked" for note in more), *_cap_notes(checks, rules)]
    notes += _blind_notes(checks, rules)
    failed = any(check.failed for check in checks)
    outcome = Outcome.REGRESSION if failed else Outcome.PASSED
    return Verdict(outcome, "", EXIT_CODES[outcome], tuple(checks), tuple(notes), rules)


def without_baseline(reason: str, rules: Rules) -> Verdict:
    """Return the verdict where there is nothing to compare with: what the rules' policy says."""
    outcome = Outcome.MISSING_BASELINE
    code = EXIT_CODES[outcome] if rules.missing_baseline == "fail" else 0
    return Verdict(outcome, reason, code, (), (), rules)


def _gated(before: Run, after: Run, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the restorers that are checked, and notes on those that are not."""
    known, new = before.record["restorers"], after.record["restorers"]
    for name in names:
        if name not in known and name not in new:
            hint = former_name_hint(before, name) or nearest(name, {**known, **new})
            raise UserError(f"neither run has a restorer '{name}'.{hint} The run has: {_list(new)}")
    gated = [name for name in names or known if name in known and (names or name != BASELINE)]
    if not gated and not names:
        raise UserError(f"the baseline holds no restorer but '{BASELINE}': nothing to check")
    others = [name for name in names or new if name not in known]
    return gated, [f"{name}: not in the baseline, not checked" for name in others]


def _present(measured: set[str], after: Run, rules: Rules) -> tuple[list[MetricRule], list[str]]:
    """Return the rules whose metric the baseline has a value of, and a note for each other."""
    chosen, notes = [], []
    for rule in rules.metrics:
        if rule.metric in measured:
            chosen.append(rule)
            if rule.metric not in after.record["metrics"]:
                raise NotComparableError(
                    f"the baseline has '{rule.metric}' and the run does not measure it: run the "
                    "same suite, or make a new baseline"
                )
        elif rules.absent_metric == "fail":
            hint = nearest(rule.metric, measured)
            raise RulesError(
                f"the baseline has no value of '{rule.metric}'.{hint} It has: "
                f"{_list(sorted(measured))}; or set absent_metric: skip in the rules"
            )
        else:
            notes.append(f"{rule.metric}: no value in the baseline, not checked")
    if not chosen:
        raise RulesError(
            f"the rules name no metric that the baseline has: it has {_list(sorted(measured))}"
        )
    return chosen, notes


def _cap_notes(checks: Sequence[Check], rules: Rules) -> list[str]:
    """Return how many values the rules' caps cut: where all are, no loss can show."""
    caps = {rule.metric: rule.cap for rule in rules.metrics}
    return [
        f"{check.name}: {check.capped} of {check.images} images have a value above "
        f"{caps[check.metric]:g}, which counts as that"
        for check in checks
        if check.capped and caps[check.metric] is not None
    ]


def _blind_notes(checks: Sequence[Check], rules: Rules) -> list[str]:
    """Return what could never fail for want of photographs; refuse a gate of only that.

    A check that has lost its images fails without any photograph.
    """
    compared = [check for check in checks if check.photographs]
    blind = [c for c in compared if smallest_p(c.photographs, len(compared)) > rules.level]
    if not blind or any(check.is_lost for check in checks):
        return []
    needed = 1
    while smallest_p(needed, len(compared)) > rules.level:
        needed += 1
    if len(blind) == len(compared):
        most = max(check.photographs for check in blind)
        raise UserError(
            f"{most} photographs can never show a loss at level {rules.level:g} with "
            f"{len(compared)} checks: give the suite {needed} or more, or fewer rules"
        )
    return [
        f"{check.name}: {check.photographs} photographs can show no loss, {needed} could"
        for check in blind
    ]


def _list(names: Sequence[str] | dict[str, object]) -> str:
    return ", ".join(names)
