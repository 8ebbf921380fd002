"""A calibration as text: one line for each column and source, at its worst case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.report.plain import aligned
from bench.validate.calibrate import Calibration
from bench.validate.check import Check

__all__ = ["calibration_text"]

_HEADER = (
    "check", "metric", "protocols", "case", "n", "expected", "got", "difference", "tolerance", "ok",
    "by",
)  # fmt: skip
_LEFT = (0, 1, 2, 3, 9, 10)


def calibration_text(calibration: Calibration, *, every: bool = False) -> str:
    """Return the table, what was skipped, and the verdict.

    Parameters
    ----------
    every
        One line for each check, instead of the worst of each column and source.
    """
    made = [each for each in calibration.checks if not each.skipped]
    groups = [[each] for each in made] if every else _groups(made)
    parts = [aligned([_HEADER, *(_line(group) for group in groups)], left=_LEFT)]
    parts += _skipped(calibration.skipped)
    for each in calibration.failed:
        if each.detail:
            parts.append(f"{each.column}, {each.case}: {each.detail}")
    failed = len(calibration.failed)
    verdict = f"{failed} failed" if failed else "all right"
    parts.append(f"{len(made)} checks, {verdict}; {len(calibration.skipped)} skipped")
    return "\n".join(parts)


def _groups(checks: Iterable[Check]) -> list[list[Check]]:
    """Return checks of one kind, column and source together, the worst first."""
    found: dict[tuple[str, str, str], list[Check]] = {}
    for each in checks:
        # Every closed form is a case of its own.
        source = each.case if each.kind == "closed form" else each.source
        found.setdefault((each.kind, each.column, source), []).append(each)
    return [sorted(group, key=_badness, reverse=True) for group in found.values()]


def _badness(check: Check) -> float:
    gap = check.difference
    if gap is None or gap != gap:
        return float("inf")
    return abs(gap) / check.tolerance if check.tolerance else float(gap != 0) * 1e300


def _line(group: Sequence[Check]) -> tuple[str, ...]:
    worst = group[0]
    gap = worst.difference
    return (
        worst.kind,
        worst.column,
        ", ".join(worst.protocols) or "-",
        worst.case,
        str(len(group)),
        _number(worst.expected),
        "-" if worst.got is None else _number(worst.got),
        "-" if gap is None else f"{gap:+.1e}" if gap else "0",
        f"{worst.tolerance:g}",
        "yes" if all(each.ok for each in group) else "NO",
        worst.source,
    )


def _number(value: float) -> str:
    return f"{value:.6g}"


def _skipped(checks: Sequence[Check]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for each in checks:
        columns = reasons.setdefault(each.detail, [])
        if each.column not in columns:
            columns.append(each.column)
    return [f"skipped: {', '.join(columns)}: {detail}" for detail, columns in reasons.items()]
