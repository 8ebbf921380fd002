"""The measured table as text for a person and as a record for a program."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bench.speed.measure import Line, Report

__all__ = ["as_record", "as_text"]

_HEADINGS = ("work", "ours ms", "reference ms", "ratio", "min-max", "bar", "met", "against")
_NUMERIC = range(1, 6)


def as_text(report: Report) -> str:
    """Return an aligned table with the machine above and the remarks below."""
    facts = report.environment
    bound = "one thread" if report.core is None else f"one thread on core {report.core}"
    lines = [
        f"{facts['cpu']}, Python {facts['python']}, Relume {facts['relume']}",
        ", ".join(f"{name} {version}" for name, version in facts["libraries"].items()),
        f"{report.image}; {bound}; CPU time, medians, both sides in turn",
        "freed memory kept by both sides" if report.memory_kept else "malloc as the system has it",
        "",
    ]
    rows = [_HEADINGS, *(_cells(line) for line in report.lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        cells = [
            cell.rjust(width) if column in _NUMERIC else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    remarks = [remark for line in report.lines for remark in _remarks(line)]
    return "\n".join([*lines, *([""] if remarks else []), *remarks])


def _cells(line: Line) -> tuple[str, ...]:
    bar = "" if line.bar is None else f"{line.bar:g}×"
    if line.ratio is None:
        return (line.title, "-", "-", "-", "-", bar, "-", "-")
    ratio = line.ratio
    return (
        line.title,
        f"{ratio.ours_ms:.2f}",
        f"{ratio.reference_ms:.2f}",
        f"{ratio.median:.1f}×",
        f"{ratio.low:.1f}-{ratio.high:.1f}",
        bar,
        {None: "", True: "yes", False: "no"}[line.met],
        line.reference,
    )


def _remarks(line: Line) -> list[str]:
    remarks = []
    if line.note:
        because = line.note if line.ratio is None else f"formula, not the peer: {line.note}"
        remarks.append(f"{line.title}: {because}")
    if line.ratio is not None and not line.equal:
        remarks.append(
            f"{line.title}: not equally strong, so not comparable: standard deviation of the change"
            f" {line.strength:.2f} (ours), {line.reference_strength:.2f} (reference) levels"
        )
    return remarks


def as_record(report: Report) -> dict[str, Any]:
    """Return the report as JSON values; ratios are reference / ours."""
    return {
        "environment": report.environment,
        "image": report.image,
        "core": report.core,
        "memory_kept": report.memory_kept,
        "cases": [
            {**asdict(line), "equal": line.ratio and line.equal, "met": line.met}
            for line in report.lines
        ],
    }
