"""One check: a column, what it should give, what it gave, and how far apart the two may be."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from bench.metrics.entry import Status
from bench.metrics.metric import Measurement, PairMetric, Sample
from bench.metrics.registry import load_metric
from bench.store.rows import format_number
from bench.suite.protocols import protocols_of

Kind = Literal["closed form", "known answer", "shipped", "published"]


@dataclass(frozen=True, slots=True)
class CalibrationCheck:
    """One comparison of a column's value on a case with what a source expects.

    Values may be infinite; ``got`` is None where there is none. ``tolerance`` is the largest
    difference that is right, in the unit of the metric; ``source`` a formula, an implementation
    with its version, or a table. Of statuses, ``weights_missing`` and ``package_missing`` are no
    fault.
    """

    kind: Kind
    column: str
    case: str
    expected: float
    got: float | None
    tolerance: float
    source: str
    status: Status = Status.OK
    detail: str = ""

    @property
    def difference(self) -> float | None:
        """``got`` minus ``expected``; 0 between equal infinities, None without a value."""
        if self.got is None:
            return None
        return 0.0 if self.got == self.expected else self.got - self.expected

    @property
    def skipped(self) -> bool:
        """Whether it could not be made here: a package or weights are missing."""
        return self.status in (Status.WEIGHTS_MISSING, Status.PACKAGE_MISSING)

    @property
    def ok(self) -> bool:
        """Whether it was made and the two agree; NaN agrees with nothing."""
        difference = self.difference
        return difference is not None and abs(difference) <= self.tolerance

    @property
    def failed(self) -> bool:
        """Whether it was made and the two do not agree, or the column gave no value."""
        return not self.ok and not self.skipped

    @property
    def protocols(self) -> tuple[str, ...]:
        """The protocols that this column belongs to."""
        return protocols_of(self.column)

    def as_record(self) -> dict[str, Any]:
        """Return a JSON-ready mapping; infinities are the string ``inf``."""
        return {
            "kind": self.kind,
            "metric": self.column,
            "protocols": list(self.protocols),
            "case": self.case,
            "expected": _json(self.expected),
            "got": _json(self.got),
            "difference": _json(self.difference),
            "tolerance": self.tolerance,
            "ok": None if self.skipped else self.ok,
            "source": self.source,
            "status": self.status.value,
            "detail": self.detail,
        }


def check_pair(
    kind: Kind, metric: PairMetric, case: str, pair: tuple[Sample, Sample], expected: float,
    tolerance: float, source: str,
) -> CalibrationCheck:  # fmt: skip
    """Measure ``(restored, hq)`` and compare."""
    measured = metric.measure(*pair)
    return check_value(kind, metric.name, case, measured, expected, tolerance, source)


def check_value(
    kind: Kind, column: str, case: str, measured: Measurement | float, expected: float,
    tolerance: float, source: str,
) -> CalibrationCheck:  # fmt: skip
    """Compare what was measured."""
    if not isinstance(measured, Measurement):
        measured = Measurement(measured)
    return CalibrationCheck(
        kind,
        column,
        case,
        expected,
        measured.value,
        tolerance,
        source,
        measured.status,
        measured.detail,
    )


def skipped(kind: Kind, column: str, case: str, status: Status, detail: str) -> CalibrationCheck:
    """Return a check that was not made."""
    return CalibrationCheck(kind, column, case, math.nan, None, 0.0, "", status, detail)


def loader() -> Callable[[str], PairMetric]:
    """Return a function that loads pair metrics, each once."""
    known: dict[str, PairMetric] = {}

    def load(name: str) -> PairMetric:
        if name not in known:
            metric = load_metric(name)
            assert isinstance(metric, PairMetric)
            known[name] = metric
        return known[name]

    return load


def _json(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else format_number(value)
