"""The measured table of builds as text for a person and as a record for a program."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bench.speed.building import BAR, SIDE, BuildingLine, BuildingReport

__all__ = ["as_record", "as_text"]

_HEADINGS = ("LQ and HQ as", "processes", "pairs/s", "efficiency", "build ms", "codecs ms", "ratio",
             "min-max", "by the clock", "bar", "met", "LQ KB")  # fmt: skip


def as_text(report: BuildingReport) -> str:
    """Return an aligned table with the machine above."""
    facts = report.environment
    lines = [
        f"{facts['cpu']}, Python {facts['python']}, Relume {facts['relume']}",
        f"build of {report.pictures} pictures, {SIDE} × {SIDE}, recipe {report.recipe}, against "
        f"decoding and encoding alone; medians of {report.rounds} rounds in turn; ms are CPU time "
        "of all processes for a pair, start-up included",
        "",
    ]
    rows = [_HEADINGS, *(_cells(report, line) for line in report.lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        first, *others = (cell for cell in row)
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _cells(report: BuildingReport, line: BuildingLine) -> tuple[str, ...]:
    alone = [
        other for other in report.lines if (other.encoding, other.workers) == (line.encoding, 1)
    ]
    share = line.pairs_per_second / (line.workers * alone[0].pairs_per_second) if alone else None
    return (
        line.encoding,
        str(line.workers),
        f"{line.pairs_per_second:.1f}",
        "-" if share is None else f"{share:.0%}",
        f"{line.build_ms:.1f}",
        f"{line.codecs_ms:.1f}",
        f"{line.ratio:.2f}×",
        f"{line.low:.2f}-{line.high:.2f}",
        f"{line.wall_ratio:.2f}×",
        f"{BAR:g}×" if line.met is not None else "",
        {None: "", True: "yes", False: "no"}[line.met],
        f"{line.kilobytes:.0f}",
    )


def as_record(report: BuildingReport) -> dict[str, Any]:
    """Return the report as JSON values; ratios are build ÷ codecs alone."""
    return {
        "environment": report.environment,
        "recipe": report.recipe,
        "pictures": report.pictures,
        "rounds": report.rounds,
        "bar": BAR,
        "lines": [{**asdict(line), "met": line.met} for line in report.lines],
    }
