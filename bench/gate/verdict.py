"""What a gate found: a check for each rule, restorer and condition, and the verdict over all.

Records only; they are made in `bench.gate.gate` and laid out in `bench.gate.text`,
`bench.gate.text` and `bench.gate.junit`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from bench.gate.coverage import Change, Coverage
from bench.gate.rules import Rules
from bench.stats.bootstrap import Interval

__all__ = ["EXIT_CODES", "Check", "Outcome", "Verdict"]


class Outcome(StrEnum):
    """How a gate ended."""

    PASSED = "passed"
    REGRESSION = "regression"
    MISSING_BASELINE = "missing_baseline"
    NOT_COMPARABLE = "not_comparable"


EXIT_CODES = {
    Outcome.PASSED: 0,
    Outcome.REGRESSION: 1,
    Outcome.MISSING_BASELINE: 2,
    Outcome.NOT_COMPARABLE: 3,
}
"""Of the command; a missing baseline is 0 where the policy says ``warn`` or ``pass``."""


@dataclass(frozen=True, slots=True)
class Check:
    """One rule applied to one restorer under one condition.

    Attributes
    ----------
    dataset, recipe, restorer, metric, direction, signature
        What was checked, and which way is better.
    before, after
        Means over the photographs that have a value in both runs; None without any.
    difference
        ``after`` minus ``before`` with its paired 95 % bootstrap interval over photographs.
    limit, limit_text
        The largest loss that passes, in the metric's unit, and as the rule has it.
    p_holm, wilcoxon_holm
        Two-sided, after Holm's correction over all checks; Wilcoxon's is a second opinion.
    photographs, images
        Behind the difference.
    capped
        Images of which one of the two values is larger than what counts, see
        `bench.gate.rules.MetricRule`.
    coverage
        Which images have a value in each run.
    worst
        Where it is worse, the photographs that lost most, the largest loss first; empty for a
        metric of whole sets.
    is_worse
        Whether the loss is above the limit and not chance.
    is_lost
        Whether more images lost their value than the rules allow.
    """

    dataset: str
    recipe: str
    restorer: str
    metric: str
    direction: str
    signature: str
    before: float | None
    after: float | None
    difference: Interval
    limit: float | None
    limit_text: str
    p_holm: float
    wilcoxon_holm: float | None
    photographs: int
    images: int
    capped: int
    coverage: Coverage
    worst: tuple[Change, ...]
    is_worse: bool
    is_lost: bool

    @property
    def failed(self) -> bool:
        """Whether the check alone fails the gate."""
        return self.is_worse or self.is_lost

    @property
    def name(self) -> str:
        """Return what was checked, in one line."""
        return f"{self.restorer}, {self.metric} on {self.dataset} × {self.recipe}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of a gate.

    Attributes
    ----------
    outcome
        See `Outcome`.
    reason
        One line; empty where the checks say it all.
    exit_code
        Of the command.
    checks
        All that were made; empty where nothing could be compared.
    notes
        What was not checked, and why.
    rules
        What was applied.
    """

    outcome: Outcome
    reason: str
    exit_code: int
    checks: tuple[Check, ...]
    notes: tuple[str, ...]
    rules: Rules

    @property
    def failures(self) -> tuple[Check, ...]:
        """Return the checks that failed."""
        return tuple(check for check in self.checks if check.failed)

    def as_record(self) -> dict[str, object]:
        """Return a JSON-ready mapping of every fact."""
        checks = [{**asdict(check), "failed": check.failed} for check in self.checks]
        record = asdict(self)
        return {**record, "outcome": str(self.outcome), "checks": checks}
