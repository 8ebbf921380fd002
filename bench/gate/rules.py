"""The rules of a gate: how much worse is too much, and how sure one must be; read from YAML.

Reads and checks the text only; it opens no run and decides nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import msgspec

from bench.store.record import SECONDS
from degrade.config import load_yaml, to_config
from degrade.errors import UserError

DEFAULT_RULES = Path(__file__).parents[1] / "rules" / "default.yaml"
"""The rules that come with Relume."""

MissingBaseline = Literal["fail", "warn", "pass"]
"""What a gate without a baseline does."""

AbsentMetric = Literal["fail", "skip"]
_LEVEL = 0.01
_MOST_PERCENT = 100.0


class RulesError(UserError):
    """Rules that cannot be read, or a value outside its range."""


@dataclass(frozen=True, slots=True)
class MetricRule:
    """How much worse one metric may become."""

    metric: str  # its name, as runs have it
    # The largest loss that passes: in the metric's unit, or a share of the baseline's mean
    worse_by: float
    relative: bool = False  # whether it is that share
    # The largest value of an image that counts, for a metric where higher is better: beyond it
    # nobody sees a difference. None for no other than the metric's own.
    cap: float | None = None

    def limit(self, base: float) -> float:
        """Return the largest loss that passes, in the metric's unit, at a baseline of ``base``."""
        return self.worse_by * abs(base) if self.relative else self.worse_by

    def text(self) -> str:
        """Return the limit as a person writes it, such as ``0.1`` or ``2.5 %``."""
        return f"{100 * self.worse_by:g} %" if self.relative else f"{self.worse_by:g}"


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that decides what a gate lets pass."""

    metrics: tuple[MetricRule, ...]  # one rule for each metric that is gated
    # A loss counts where Holm's two-sided p over all checks of the gate is at most this
    level: float = _LEVEL
    # The largest share of the images, 0 to 1, that may lose their value
    coverage_falls_by: float = 0.0
    missing_baseline: MissingBaseline = "fail"  # ``fail``, ``warn`` or ``pass``
    # What becomes of a rule for a metric that the baseline does not have: ``skip`` or ``fail``
    absent_metric: AbsentMetric = "fail"


def load_rules(path: str | Path = DEFAULT_RULES) -> Rules:
    """Read rules from a YAML file, by default the shipped ones; RulesError names the line."""
    name = str(path)
    data, lines = load_yaml(Path(path), name, error=RulesError)
    content = to_config(data, _RulesFile, name, lines=lines, error=RulesError)

    def fail(message: str, *key: str) -> NoReturn:
        known = key if key in lines else key[:-1]
        raise RulesError(f"{name} line {lines.get(known, 1)}: {'.'.join(key)}: {message}")

    def share_or_number(value: float | str, *key: str) -> tuple[float, bool]:
        """Return a limit and whether it is a share: ``2.5 %`` is ``(0.025, True)``."""
        text = value.strip() if isinstance(value, str) else ""
        try:
            number = float(text.removesuffix("%")) if text.endswith("%") else float(value or 0)
        except ValueError:
            number = math.nan
        if (text and not text.endswith("%")) or not 0 <= number < math.inf:
            fail(f"expected a number from 0, or a share such as 1 %, got {value!r}", *key)
        if text and number > _MOST_PERCENT:
            fail(f"a loss of {value} would never fail: expected 100 % at most", *key)
        return (number / 100, True) if text else (number, False)

    rules = []
    for metric, keys in content.metrics.items():
        below = ("metrics", metric)
        own_lines = {key[2:]: line for key, line in lines.items() if key[:2] == below}
        own_lines[()] = lines.get(below, 1)
        rule = to_config(keys, _RuleFile, name, lines=own_lines, error=RulesError)
        if metric == SECONDS["name"]:
            fail("depends on the machine and its load: it cannot be gated", "metrics", metric)
        limit, relative = share_or_number(rule.worse_by, "metrics", metric, "worse_by")
        rules.append(MetricRule(metric, limit, relative, rule.cap))
    if not rules:
        fail("expected names with {worse_by: LIMIT}", "metrics")
    falls, is_share = share_or_number(content.coverage_falls_by, "coverage_falls_by")
    if (falls and not is_share) or falls > 1:
        fail("give a share of the images, such as 0.5 %", "coverage_falls_by")
    return Rules(
        tuple(rules), content.level, falls, content.missing_baseline, content.absent_metric
    )


@dataclass(frozen=True, slots=True)
class _RuleFile:
    """The keys of one metric's rule; see `MetricRule`."""

    worse_by: float | str
    # At or below 0 every value would count alike.
    cap: Annotated[float, msgspec.Meta(gt=0)] | None = None


@dataclass(frozen=True, slots=True)
class _RulesFile:
    """The keys of a file of rules; see `Rules`."""

    metrics: dict[str, Any]
    level: Annotated[float, msgspec.Meta(gt=0, le=0.5)] = _LEVEL
    coverage_falls_by: float | str = 0.0
    missing_baseline: MissingBaseline = "fail"
    absent_metric: AbsentMetric = "fail"
