"""Reports of a run: CSV, Markdown, LaTeX, JSON, one HTML file, a table for the terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

from bench.report.model import Report, build_report
from bench.store.record import Run, load_run
from degrade.images import atomic_file
from degrade.lazy import load_attribute

__all__ = ["Report", "build_report", "write_report"]

_WRITERS = {
    "csv": "bench.report.leaderboard:leaderboard_csv",
    "markdown": "bench.report.leaderboard:markdown_document",
    "latex": "bench.report.latex:latex",
    "json": "bench.report.records:report_json",
    "severity_csv": "bench.report.severity:severity_csv",
    "costs_csv": "bench.report.costs:costs_csv",
    "html": "bench.report.page:html_page",
}
"""Option of `write_report` to the function of a report that returns the file's text."""


def write_report(
    run: Run | str | Path,
    *,
    html: str | Path | None = None,
    csv: str | Path | None = None,
    markdown: str | Path | None = None,
    latex: str | Path | None = None,
    json: str | Path | None = None,
    severity_csv: str | Path | None = None,
    costs_csv: str | Path | None = None,
) -> Report:
    """Write the report of a run, or of the run in a folder, to the files that are named.

    Raises
    ------
    UserError
        The folder holds no run, or the run mixes values that cannot be compared.
    OSError
        A file cannot be written; nothing half-written is left.
    """
    report = build_report(run if isinstance(run, Run) else load_run(run))
    paths = {
        "csv": csv, "markdown": markdown, "latex": latex, "json": json,
        "severity_csv": severity_csv, "costs_csv": costs_csv, "html": html,
    }  # fmt: skip
    for name, path in paths.items():
        if path is not None:
            writer = cast(Callable[[Report], str], load_attribute(_WRITERS[name]))
            text = writer(report)
            with atomic_file(Path(path)) as file:
                file.write(text.encode("utf-8", "backslashreplace"))
    return report
