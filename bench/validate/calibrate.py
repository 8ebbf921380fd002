"""Make every check, and say whether all that could be made are right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.report.tables import aligned
from bench.validate.check import CalibrationCheck, loader


@dataclass(frozen=True, slots=True)
class Calibration:
    """Every check that was made or skipped."""

    checks: tuple[CalibrationCheck, ...]

    @property
    def failed(self) -> tuple[CalibrationCheck, ...]:
        """Checks whose column is wrong or gave no value."""
        return tuple(each for each in self.checks if each.failed)

    @property
    def skipped(self) -> tuple[CalibrationCheck, ...]:
        """Checks that lack a package or weights."""
        return tuple(each for each in self.checks if each.skipped)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    def as_record(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        run = len(self.checks) - len(self.skipped)
        return {
            "ok": self.ok,
            "checks": run,
            "failed": len(self.failed),
            "skipped": len(self.skipped),
            "rows": [each.as_record() for each in self.checks],
        }


def calibrate(
    pairs: str | Path | None = None, tell: Callable[[str], None] = lambda note: None
) -> Calibration:
    """Check every column against closed forms, known answers and the shipped set.

    With ``pairs``, the folder of the pictures of the published table, that too (DatasetError where
    they are missing or others). ``tell`` gets the kind of checks that come next.
    """
    from bench.validate.closed_forms import closed_forms, known_answers
    from bench.validate.published import published
    from bench.validate.shipped import shipped

    load = loader()
    checks: list[CalibrationCheck] = []
    if pairs is not None:
        of_pictures = published(load, Path(pairs))  # refuses them before anything is told
        tell("published")
        checks += of_pictures
    for name, kind in (("closed forms", closed_forms), ("shipped", shipped)):
        tell(name)
        checks += kind(load)
    tell("known answers")
    checks += known_answers(load)
    return Calibration(tuple(checks))


_HEADER = (
    "check", "metric", "protocols", "case", "n", "expected", "got", "difference", "tolerance", "ok",
    "by",
)  # fmt: skip
_LEFT = (0, 1, 2, 3, 9, 10)


def calibration_text(calibration: Calibration, *, every: bool = False) -> str:
    """Return the table, what was skipped, and the verdict.

    One line for each check if ``every``, instead of the worst of each column and source.
    """
    run = [each for each in calibration.checks if not each.skipped]
    groups = [[each] for each in run] if every else _groups(run)
    parts = [aligned([_HEADER, *(_line(group) for group in groups)], left=_LEFT)]
    parts += _skipped(calibration.skipped)
    for each in calibration.failed:
        if each.detail:
            parts.append(f"{each.column}, {each.case}: {each.detail}")
    failed = len(calibration.failed)
    verdict = f"{failed} failed" if failed else "all right"
    parts.append(f"{len(run)} checks, {verdict}; {len(calibration.skipped)} skipped")
    return "\n".join(parts)


def _groups(checks: Iterable[CalibrationCheck]) -> list[list[CalibrationCheck]]:
    """Return checks of one kind, column and source together, the worst first."""
    by_column: dict[tuple[str, str, str], list[CalibrationCheck]] = {}
    for each in checks:
        # Every closed form is a case of its own.
        source = each.case if each.kind == "closed form" else each.source
        by_column.setdefault((each.kind, each.column, source), []).append(each)
    return [sorted(group, key=_badness, reverse=True) for group in by_column.values()]


def _badness(check: CalibrationCheck) -> float:
    difference = check.difference
    if difference is None or difference != difference:
        return float("inf")
    return abs(difference) / check.tolerance if check.tolerance else float(difference != 0) * 1e300


def _line(group: Sequence[CalibrationCheck]) -> tuple[str, ...]:
    worst = group[0]
    difference = worst.difference
    return (
        worst.kind,
        worst.column,
        ", ".join(worst.protocols) or "-",
        worst.case,
        str(len(group)),
        _number(worst.expected),
        "-" if worst.got is None else _number(worst.got),
        "-" if difference is None else f"{difference:+.1e}" if difference else "0",
        f"{worst.tolerance:g}",
        "yes" if all(each.ok for each in group) else "NO",
        worst.source,
    )


def _number(value: float) -> str:
    return f"{value:.6g}"


def _skipped(checks: Sequence[CalibrationCheck]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for each in checks:
        columns = reasons.setdefault(each.detail, [])
        if each.column not in columns:
            columns.append(each.column)
    return [f"skipped: {', '.join(columns)}: {detail}" for detail, columns in reasons.items()]
