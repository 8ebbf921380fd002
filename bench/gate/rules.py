"""The rules of a gate: how much worse is too much, and how sure one must be; read from YAML.

Reads and checks the text only; it opens no run and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from bench.store.record import SECONDS
from degrade.config import KeyPath, load_yaml, nearest
from degrade.errors import UserError

__all__ = [
    "DEFAULT_RULES",
    "MISSING_BASELINE",
    "AbsentMetric",
    "MetricRule",
    "MissingBaseline",
    "Rules",
    "RulesError",
    "load_rules",
]

DEFAULT_RULES = Path(__file__).parents[1] / "rules" / "default.yaml"
"""The rules that come with Relume."""

MissingBaseline = Literal["fail", "warn", "pass"]
MISSING_BASELINE: tuple[MissingBaseline, ...] = ("fail", "warn", "pass")
"""What a gate without a baseline does."""

AbsentMetric = Literal["fail", "skip"]
_ABSENT_METRIC: tuple[AbsentMetric, ...] = ("fail", "skip")
_METRIC_KEYS = ("worse_by", "cap")
_LEVEL = 0.01


class RulesError(UserError):
    """Rules that cannot be read, or a value outside its range."""


@dataclass(frozen=True, slots=True)
class MetricRule:
    """How much worse one metric may become.

    Attributes
    ----------
    metric
        Its name, as runs have it.
    worse_by
        The largest loss that passes: in the metric's unit, or a share of the baseline's mean.
    relative
        Whether it is that share.
    cap
        The largest value of an image that counts, for a metric where higher is better: beyond
        it nobody sees a difference. None for no other than `bench.stats.paired_values.CAPS`.
    """

    metric: str
    worse_by: float
    relative: bool = False
    cap: float | None = None

    def limit(self, base: float) -> float:
        """Return the largest loss that passes, in the metric's unit, at a baseline of ``base``."""
        return self.worse_by * abs(base) if self.relative else self.worse_by

    def text(self) -> str:
        """Return the limit as a person writes it, such as ``0.1`` or ``2.5 %``."""
        return f"{100 * self.worse_by:g} %" if self.relative else f"{self.worse_by:g}"


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that decides what a gate lets pass.

    Attributes
    ----------
    metrics
        One rule for each metric that is gated.
    level
        A loss counts where Holm's two-sided p over all checks of the gate is at most this.
    coverage_falls_by
        The largest share of the images, 0 to 1, that may lose their value.
    missing_baseline
        ``fail``, ``warn`` or ``pass``.
    absent_metric
        What becomes of a rule for a metric that the baseline does not have: ``skip`` or
        ``fail``.
    """

    metrics: tuple[MetricRule, ...]
    level: float = _LEVEL
    coverage_falls_by: float = 0.0
    missing_baseline: MissingBaseline = "fail"
    absent_metric: AbsentMetric = "fail"


def load_rules(path: str | Path = DEFAULT_RULES) -> Rules:
    """Read rules from a YAML file; the shipped ones when no path is given.

    Raises
    ------
    RulesError
        There is no such file, or its text is wrong; the line is named.
    """
    data, lines = load_yaml(Path(path), error=RulesError)
    return _Reader(str(path), lines).rules(data)


@dataclass(frozen=True, slots=True)
class _Reader:
    source: str
    lines: Mapping[KeyPath, int]

    def rules(self, data: object) -> Rules:
        fields = Rules.__dataclass_fields__
        known = self.mapping(data, (), fields, "rules")
        if "metrics" not in known:
            raise self.error((), "the key 'metrics' is missing: name what is gated")
        metrics = known["metrics"]
        if not isinstance(metrics, dict) or not metrics:
            raise self.error(("metrics",), "'metrics' must map names to {worse_by: LIMIT}")
        level = known.get("level", _LEVEL)
        if not _is_number(level) or not 0 < level <= 0.5:
            raise self.error(("level",), f"'level' must be a number above 0, at most 0.5: {level}")
        falls, share = self.limit(known.get("coverage_falls_by", 0), ("coverage_falls_by",))
        if (falls and not share) or falls > 1:
            raise self.error(("coverage_falls_by",), "give a share of the images, such as 0.5 %")
        missing = self.choice(known, "missing_baseline", MISSING_BASELINE)
        absent = self.choice(known, "absent_metric", _ABSENT_METRIC)
        return Rules(
            metrics=tuple(self.rule(name, metrics[name]) for name in metrics),
            level=float(level),
            coverage_falls_by=falls,
            missing_baseline=cast(MissingBaseline, missing),
            absent_metric=cast(AbsentMetric, absent),
        )

    def rule(self, name: object, value: object) -> MetricRule:
        path = "metrics", str(name)
        if not isinstance(name, str) or not name:
            raise self.error(path, f"{name!r} is no metric's name: put it in quotes")
        if name == SECONDS["name"]:
            raise self.error(
                path, "'seconds' depends on the machine and its load: it cannot be gated"
            )
        known = self.mapping(value, path, _METRIC_KEYS, f"the rule of '{name}'")
        if "worse_by" not in known:
            raise self.error(path, f"'{name}' needs 'worse_by': the largest loss that passes")
        worse_by, relative = self.limit(known["worse_by"], (*path, "worse_by"))
        cap = known.get("cap")
        if "cap" in known and not (_is_number(cap) and math.isfinite(cast(float, cap))):
            raise self.error((*path, "cap"), f"'cap' must be a number in the metric's unit: {cap}")
        return MetricRule(name, worse_by, relative, None if cap is None else float(cap))

    def mapping(
        self, data: object, path: tuple[str, ...], keys: Any, what: str
    ) -> Mapping[str, Any]:
        if not isinstance(data, dict):
            raise self.error(path, f"{what} must be a mapping of {', '.join(keys)}")
        for key in data:
            if key not in keys:
                hint = nearest(key, keys) or f" Valid keys: {', '.join(keys)}."
                raise self.error((*path, str(key)), f"'{key}' is no key of {what}.{hint}")
        return data

    def limit(self, value: object, path: tuple[str, ...]) -> tuple[float, bool]:
        """Return a limit and whether it is a share: ``2.5 %`` is ``(0.025, True)``."""
        text = value.strip() if isinstance(value, str) else ""
        relative = text.endswith("%")
        try:
            number = float(text.removesuffix("%")) if relative else value
        except ValueError:
            number = None
        if not _is_number(number) or not 0 <= cast(float, number) < float("inf"):
            raise self.error(
                path, f"'{path[-1]}' must be a number from 0, or a share such as 1 %: {value!r}"
            )
        found = float(cast(float, number))
        return (found / 100, True) if relative else (found, False)

    def choice(self, data: Mapping[str, Any], key: str, allowed: tuple[str, ...]) -> str:
        value = data.get(key, allowed[0])
        if value not in allowed:
            raise self.error((key,), f"'{key}' must be one of {', '.join(allowed)}, not {value!r}")
        return str(value)

    def error(self, path: tuple[str, ...], message: str) -> RulesError:
        place: tuple[str, ...] = path
        while place not in self.lines and place:
            place = place[:-1]
        return RulesError(f"{self.source} line {self.lines.get(place, 1)}: {message}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
