"""What ``bench run`` does; imported when it is used.

Reads options, calls the library, prints results; it computes nothing itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.commands.options import NAMES

if TYPE_CHECKING:
    from bench.store.record import Run

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("suite")
@click.option("--out", type=_FOLDER, help="The folder of the run.  [default: runs/<suite>]")
@click.option("--restorers", type=NAMES, help="In place of the suite's; or the word all.")
@click.option("--metrics", type=NAMES, help="In place of the suite's.")
@click.option(
    "--protocol",
    type=NAMES,
    help="Whose arithmetic psnr, identity and the like stand for; `bench protocols` lists them.  "
    "[default: the suite's, else strict]",
)
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
    help="The parsing masks that restorers are given with aligned faces: of the clean face, of "
    "another one, or of the degraded face.  [default: the suite's, else none]",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes side by side. Only the seconds depend on it.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS|FILE",
    help="A running Dask scheduler, tcp://HOST:8786, or the file it wrote; its workers score, "
    "--workers does not count.",
)
@click.option(
    "--cache",
    type=_FOLDER,
    help="Where restored images and values of all runs are kept.  [default: the user's cache]",
)
@click.option("--no-cache", is_flag=True, help="Restore and measure everything anew.")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Of the networks. Values may change in their last digits with it.",
)
@click.option(
    "--device",
    metavar="cpu|cuda|cuda:N",
    default="cpu",
    show_default=True,
    help="Where networks restore; metrics stay on the CPU. Each of --workers loads a copy.",
)
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Images that a network restores at once. Values may change in their last digits with it.",
)
@click.option("--allow-failed", is_flag=True, help="Exit with 0 even where images failed.")
@click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON.")
def run(
    suite: str,
    out: Path | None,
    restorers: tuple[str, ...] | None,
    metrics: tuple[str, ...] | None,
    protocol: tuple[str, ...] | None,
    limit: int | None,
    pairs: tuple[Path, ...],
    datasets: tuple[str, ...],
    reference: str | None,
    masks: str | None,
    workers: int,
    scheduler: str | None,
    cache: Path | None,
    no_cache: bool,
    threads: int,
    device: str,
    batch: int,
    allow_failed: bool,
    as_json: bool,
) -> None:
    """Restore and score every image that SUITE names: a shipped suite or a YAML file.

    A restorer is a name that `zoo list` shows, or a weights file that `zoo train` wrote.

    Every value is kept the moment it is known. After an interruption the same command goes
    on where it stopped; what failed or lacked its weights is tried again. What any other run
    has restored or measured of the same pixels comes from the cache; see `bench cache`.

    \b
    Examples:
      bench run demo
      bench run demo --limit 2 --restorers nlmeans,dejpeg --out runs/two
      bench run my-suite.yaml --metrics psnr,ssim
      bench run demo --protocol vqfr --metrics protocol
      bench run demo --pairs my-dataset
      bench run faces-128 --dataset faces/val --reference faces/all --workers 2
      bench run faces-128 --dataset faces/val --restorers style-128,./mine.safetensors
      bench run celeba-test --restorers gfpgan,codeformer --device cuda --batch 16

    Exit codes: 0 done; 1 some images failed or could not be used (the rest is done); 2 wrong
    use.
    """
    from bench.runner.cache import default_cache
    from bench.runner.run import run as run_suite

    if cache and no_cache:
        raise click.UsageError("--cache and --no-cache exclude each other: leave one out")
    finished = run_suite(
        suite,
        out,
        restorers=restorers,
        metrics=metrics,
        limit=limit,
        datasets=datasets,
        pairs=pairs,
        reference=reference,
        masks=masks,
        protocol=protocol or (),
        threads=threads,
        workers=workers,
        scheduler=scheduler,
        cache=None if no_cache else cache or default_cache(),
        device=device,
        batch=batch,
    )
    if as_json:
        click.echo(json.dumps(summary_of(finished)))
    else:
        click.echo(f"{len(finished.rows)} rows in {finished.folder / 'rows.csv'}")
        click.echo(f"next: bench report {finished.folder}")
    _tell_missing(finished)
    if finished.failed:
        _tell_failures(finished)
    if (finished.failed or finished.unusable) and not allow_failed:
        raise click.exceptions.Exit(1)


def summary_of(run: Run) -> dict[str, object]:
    """Return what ``--json`` prints of a run."""
    return {
        "suite": run.suite,
        "folder": str(run.folder),
        "rows": len(run.rows),
        "failed": run.failed,
        "unusable": len(run.unusable),
        "complete": run.complete,
    }


def _tell_missing(run: Run) -> None:
    """Name the metrics that have no value here for want of weights or a package: a line each."""
    lacking = ("weights_missing", "package_missing")
    details = {row.metric: row.detail for row in run.rows if row.status in lacking}
    for metric, detail in details.items():
        click.echo(f"{metric} has no values: {detail}", err=True)


def _tell_failures(run: Run) -> None:
    kinds: dict[tuple[str, str], list[str]] = {}
    for row in run.rows:
        if row.status == "error":
            kinds.setdefault((row.restorer, row.detail), []).append(row.metric)
    count = "1 row has" if run.failed == 1 else f"{run.failed} rows have"
    click.echo(f"{count} no value because something failed:", err=True)
    for (restorer, detail), metrics in list(kinds.items())[:5]:
        click.echo(f"  {restorer}, {', '.join(dict.fromkeys(metrics))}: {detail}", err=True)
    more = f"  and {len(kinds) - 5} other kinds;" if len(kinds) > 5 else " "
    log = run.folder / "errors.log"
    if log.exists():
        click.echo(f"{more} tracebacks are in {log}", err=True)
