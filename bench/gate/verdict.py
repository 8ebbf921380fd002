"""What a gate found: a check for each rule, restorer and condition, and the verdict over all.

Records only; they are made in `bench.gate.gate`, and laid out in `bench.gate.text` and
`bench.gate.junit`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from bench.gate.coverage import Change, Coverage
from bench.gate.rules import Rules
from bench.stats.bootstrap import Interval


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

    ``before`` and ``after`` are means over the photographs with a value in both runs, and
    ``difference`` their paired 95 % bootstrap interval; None without any. ``limit`` is in the
    metric's unit, ``limit_text`` as the rule has it. Both p are two-sided after Holm's correction
    over all checks. ``capped`` counts images with a value beyond what counts, see
    `bench.gate.rules.MetricRule`. ``worst`` holds the photographs that lost most, the largest loss
    first; empty for a metric of whole sets. ``is_lost``: more images lost their value than the
    rules allow.
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
    """The end of a gate: outcome, exit code, and a reason where the checks do not say it all.

    ``checks`` is empty where nothing could be compared; ``notes`` says what was not checked, and
    why.
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
