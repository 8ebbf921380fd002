"""Reports of a run: CSV, Markdown, LaTeX, JSON, one HTML file, a table for the terminal."""

from __future__ import annotations

from pathlib import Path

from bench.report.model import Report, build_report
from bench.store.record import Run, load_run
from degrade.images import atomic_file

__all__ = ["Report", "build_report", "write_report"]


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
    if csv is not None:
        from bench.report.leaderboard import leaderboard_csv

        _write(Path(csv), leaderboard_csv(report))
    if markdown is not None:
        from bench.report.costs import costs_markdown
        from bench.report.plain import markdown as markdown_text
        from bench.report.severity_text import severity_markdown
        from bench.report.told_apart import groups_markdown
        from bench.report.win_rates_text import win_rates_markdown

        parts = [markdown_text(report), costs_markdown(report.run.record)]
        parts[1:1] = [groups_markdown(report.groups), win_rates_markdown(report.wins)]
        parts += severity_markdown(report.severity)
        _write(Path(markdown), "\n\n".join(part.rstrip() for part in parts if part) + "\n")
    if latex is not None:
        from bench.report.latex import latex as latex_text

        _write(Path(latex), latex_text(report))
    if json is not None:
        from bench.report.records import report_json

        _write(Path(json), report_json(report))
    if severity_csv is not None:
        from bench.report.severity_text import severity_csv as severity_text

        _write(Path(severity_csv), severity_text(report.severity))
    if costs_csv is not None:
        from bench.report.costs import costs_csv as costs_text

        _write(Path(costs_csv), costs_text(report.run.record))
    if html is not None:
        from bench.report.page import html_page

        _write(Path(html), html_page(report))
    return report


def _write(path: Path, text: str) -> None:
    with atomic_file(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))
