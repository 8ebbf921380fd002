"""What ``bench report`` does; imported when it is used.

Reads options, calls the library, prints results; it computes nothing itself.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click

from bench.commands.run import summary_of

_FILE = click.Path(dir_okay=False, path_type=Path)

_REPORTS = {
    "html": "report.html",
    "csv": "leaderboard.csv",
    "markdown": "report.md",
    "latex": "report.tex",
    "data": "report.json",
    "severity": "severity.csv",
    "costs": "costs.csv",
}
"""Option of ``bench report`` to the file it is written to when no file is named."""


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(exists=True, file_okay=False))
@click.option("--html", type=_FILE, help="Write one self-contained HTML file.")
@click.option("--csv", type=_FILE, help="Write the leaderboard in long form.")
@click.option("--markdown", type=_FILE, help="Write the tables for a repository or a comment.")
@click.option("--latex", type=_FILE, help="Write the tables for a paper.")
@click.option("--data", type=_FILE, help="Write every number as JSON.")
@click.option("--severity", type=_FILE, help="Write the scores by severity as CSV.")
@click.option("--costs", type=_FILE, help="Write latency, memory and parameters as CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print the files' names as JSON instead.")
def report(folder: str, as_json: bool, **files: Path | None) -> None:
    """Make the report of the run in folder RUN and print its leaderboard.

    With none of the files named all are written into the run's folder, as report.html,
    leaderboard.csv, report.md, report.tex, report.json, severity.csv and costs.csv.

    \b
    Examples:
      bench report runs/demo
      bench report runs/demo --html report.html

    Exit codes: 0 done; 2 wrong use; 3 the run mixes values that cannot be compared.
    """
    from bench.report import write_report
    from bench.report.costs import costs_text
    from bench.report.leaderboard import terminal_table
    from bench.report.severity import severity_terminal
    from bench.report.significance import groups_text

    if not any(files.values()):
        files = {option: Path(folder) / name for option, name in _REPORTS.items()}
    report_of_run = write_report(
        folder,
        html=files["html"],
        csv=files["csv"],
        markdown=files["markdown"],
        latex=files["latex"],
        json=files["data"],
        severity_csv=files["severity"],
        costs_csv=files["costs"],
    )
    written = {option: str(files[option]) for option in _REPORTS if files[option]}
    if as_json:
        click.echo(json.dumps({**summary_of(report_of_run.run), "files": written}))
        return
    width = shutil.get_terminal_size((100, 24)).columns
    click.echo(terminal_table(report_of_run, width))
    if report_of_run.severity:
        click.echo(f"{severity_terminal(report_of_run.severity, width)}\n")
    if report_of_run.groups:
        click.echo(groups_text(report_of_run.groups))
    costs = costs_text(report_of_run.run.record)
    if costs:
        click.echo(costs)
    for path in written.values():
        click.echo(path)
