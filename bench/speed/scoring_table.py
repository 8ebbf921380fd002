"""The table of scoring as text for a person and as a record for a program."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bench.report.plain import aligned
from bench.speed.scoring import BAR, SHARE, ScoringReport

__all__ = ["as_record", "as_text"]

_HEADINGS = ("metrics", "ours ms", "pyiqa ms", "ratio", "min-max", "bar", "met")
_HARNESS = ("run", "run ms", "loop ms", "harness", "bar", "met")


def as_text(report: ScoringReport) -> str:
    """Return aligned tables with the machine above."""
    facts = report.environment
    bound = "one thread" if report.core is None else f"one thread on core {report.core}"
    lines = [
        f"{facts['cpu']}, Python {facts['python']}, Relume {facts['relume']}, "
        f"pyiqa {facts['libraries'].get('pyiqa', 'not installed')}",
        f"512 × 512 PNG; {bound}; CPU time, medians, both sides in turn",
    ]
    if report.lines:
        rows = [
            (
                f"{' + '.join(line.case.theirs)} of pyiqa",
                f"{line.ratio.ours_ms:.1f}",
                f"{line.ratio.reference_ms:.1f}",
                f"{line.ratio.median:.1f}×",
                f"{line.ratio.low:.1f}-{line.ratio.high:.1f}",
                f"{BAR:g}×",
                "yes" if line.met else "no",
            )
            for line in report.lines
        ]
        lines += ["", f"scoring a pair, both images read; n = {report.pairs} pairs, equal values"]
        lines.append(aligned([_HEADINGS, *rows]))
    if report.harness:
        lines += [
            "",
            "a restored image in a run (read, degrade, restore, write, PSNR, SSIM) and in a loop "
            f"that does the same; n = {report.harness[0].images} restored images",
        ]
        lines.append(aligned([_HARNESS, *(_harness_cells(each) for each in report.harness)]))
    return "\n".join(lines)


def _harness_cells(line: Any) -> tuple[str, ...]:
    barred = line.name != "full cache"
    return (
        line.name,
        f"{line.run_ms:.1f}",
        f"{line.work_ms:.1f}",
        f"{line.share:.1%}" if line.share > 0 else "-",
        f"{SHARE:.0%}" if barred else "",
        ("yes" if line.share <= SHARE else "no") if barred else "",
    )


def as_record(report: ScoringReport) -> dict[str, Any]:
    """Return the report as JSON values; ``ratio`` is pyiqa / ours, ``share`` of the run."""
    return {
        "environment": report.environment,
        "core": report.core,
        "pairs": report.pairs,
        "bars": {"ratio": BAR, "share": SHARE},
        "lines": [{**asdict(line), "met": line.met} for line in report.lines],
        "harness": [{**asdict(each), "share": each.share} for each in report.harness],
    }
