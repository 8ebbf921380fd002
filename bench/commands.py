"""What ``bench run``, ``bench report`` and ``bench metrics`` do; imported when one is used.

Reads options, calls the library, prints results; it computes nothing itself.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bench.record import Run

__all__ = ["NAMES", "metrics", "report", "run"]

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)


class _Names(click.ParamType[tuple[str, ...]]):
    name = "NAME,NAME"

    def convert(
        self,
        value: object,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, ...]:
        """Split at commas; an empty name is refused."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in str(value).split(","))
        if not all(names):
            self.fail("give names with commas between them", param, ctx)
        return names


NAMES = _Names()
"""An option of names with commas between them."""


@click.command()
@click.argument("suite")
@click.option("--out", type=_FOLDER, help="The folder of the run.  [default: runs/<suite>]")
@click.option("--restorers", type=NAMES, help="In place of the suite's; or the word all.")
@click.option("--metrics", type=NAMES, help="In place of the suite's.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many images of each set.")
@click.option(
    "--pairs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    help="Score on this stored paired data set instead; may be repeated.",
)
@click.option(
    "--dataset",
    "datasets",
    metavar="FOLDER",
    multiple=True,
    help="Score on the clean images of this folder or named set instead; may be repeated.",
)
@click.option(
    "--reference",
    metavar="FOLDER",
    help="Clean images that set metrics (kd, fd, fid) compare with, in place of the truths.",
)
@click.option(
    "--masks",
    type=click.Choice(["none", "right", "wrong-face", "predicted"]),
    help="The parsing masks that restorers are given, drawn from the landmarks that `zoo align` "
    "wrote.  [default: the suite's, else none]",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes side by side. Only the seconds depend on it.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Of the networks. Values may change in their last digits with it.",
)
@click.option("--allow-failed", is_flag=True, help="Exit with 0 even where images failed.")
@click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON.")
def run(
    suite: str,
    out: Path | None,
    restorers: tuple[str, ...] | None,
    metrics: tuple[str, ...] | None,
    limit: int | None,
    pairs: tuple[Path, ...],
    datasets: tuple[str, ...],
    reference: str | None,
    masks: str | None,
    workers: int,
    threads: int,
    allow_failed: bool,
    as_json: bool,
) -> None:
    """Restore and score every image that SUITE names: a shipped suite or a YAML file.

    A restorer is a name that `zoo list` shows, or a weights file that `zoo train` wrote.

    Every value is kept the moment it is known. After an interruption the same command goes
    on where it stopped; what failed or lacked its weights is tried again.

    \b
    Examples:
      bench run demo
      bench run demo --limit 2 --restorers nlmeans,dejpeg --out runs/two
      bench run my-suite.yaml --metrics psnr,ssim
      bench run demo --pairs my-dataset
      bench run faces-128 --dataset faces/val --reference faces/all --workers 2
      bench run faces-128 --dataset faces/val --restorers style-128,./mine.safetensors

    Exit codes: 0 done; 1 some images failed or could not be used (the rest is done); 2 wrong
    use.
    """
    from bench.runner import run as run_suite

    done = run_suite(
        suite,
        out,
        restorers=restorers,
        metrics=metrics,
        limit=limit,
        datasets=datasets,
        pairs=pairs,
        reference=reference,
        masks=masks,
        threads=threads,
        workers=workers,
    )
    if as_json:
        click.echo(json.dumps(_summary(done)))
    else:
        click.echo(f"{len(done.rows)} rows in {done.folder / 'rows.csv'}")
        click.echo(f"next: bench report {done.folder}")
    if done.failed:
        _tell_failures(done)
    if (done.failed or done.unusable) and not allow_failed:
        raise click.exceptions.Exit(1)


def _summary(run: Run) -> dict[str, object]:
    return {
        "suite": run.suite,
        "folder": str(run.folder),
        "rows": len(run.rows),
        "failed": run.failed,
        "unusable": len(run.unusable),
        "complete": run.complete,
    }


def _tell_failures(run: Run) -> None:
    kinds = {
        (row.restorer, row.metric, row.detail): row for row in run.rows if row.status == "error"
    }
    click.echo(f"{run.failed} rows have no value because something failed:", err=True)
    for restorer, metric, detail in list(kinds)[:5]:
        click.echo(f"  {restorer}, {metric}: {detail}", err=True)
    more = f"  and {len(kinds) - 5} kinds more;" if len(kinds) > 5 else " "
    log = run.folder / "errors.log"
    if log.exists():
        click.echo(f"{more} tracebacks are in {log}", err=True)


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(exists=True, file_okay=False))
@click.option("--html", type=_FILE, help="Write one self-contained HTML file.")
@click.option("--csv", type=_FILE, help="Write the leaderboard in long form.")
@click.option("--markdown", type=_FILE, help="Write the tables for a repository or a comment.")
@click.option("--json", "as_json", is_flag=True, help="Print the files' names as JSON instead.")
def report(
    folder: str, html: Path | None, csv: Path | None, markdown: Path | None, as_json: bool
) -> None:
    """Make the report of the run in folder RUN and print its leaderboard.

    With none of --html, --csv and --markdown all three are written into the run's folder, as
    report.html, leaderboard.csv and report.md.

    \b
    Examples:
      bench report runs/demo
      bench report runs/demo --html report.html

    Exit codes: 0 done; 2 wrong use; 3 the run mixes values that cannot be compared.
    """
    from bench.report import write_report
    from bench.report.plain import terminal_table

    place = Path(folder)
    if not (html or csv or markdown):
        html, csv = place / "report.html", place / "leaderboard.csv"
        markdown = place / "report.md"
    made = write_report(folder, html=html, csv=csv, markdown=markdown)
    written = {
        name: str(path)
        for name, path in (("html", html), ("csv", csv), ("markdown", markdown))
        if path
    }
    if as_json:
        click.echo(json.dumps({**_summary(made.run), "files": written}))
        return
    click.echo(terminal_table(made, shutil.get_terminal_size((100, 24)).columns))
    for path in written.values():
        click.echo(path)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print every fact of each metric as JSON.")
def metrics(as_json: bool) -> None:
    """List the metrics: which way is better, what judges, and whether they can run here.

    \b
    Examples:
      bench metrics
      bench metrics --json
    """
    from bench.metrics.registry import describe_metrics

    entries = describe_metrics()
    if as_json:
        click.echo(json.dumps([entry.as_record() for entry in entries], indent=2))
        return
    rows = [("name", "better", "unit", "kind", "judge", "signature", "available")]
    for entry in entries:
        state = "yes" if entry.available else f"{entry.status}: {entry.detail}"
        facts = (entry.name, entry.direction, entry.unit or "-", entry.kind, entry.judge or "-")
        rows.append((*facts, entry.signature, state))
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:6], widths, strict=True)]
        click.echo("  ".join([*cells, row[6]]).rstrip())
