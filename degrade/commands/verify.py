"""``degrade verify`` and ``degrade replay``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from degrade.commands.options import engine_options, json_option
from degrade.executors import Engine

if TYPE_CHECKING:
    from degrade.dataset.verify import Verified

_source_option = click.option(
    "--source", metavar="SOURCE", help="Where the source images are now, if they moved."
)


@click.command("verify")
@click.argument("folder", metavar="FOLDER")
@click.option("--quick", is_flag=True, help="Check the files only; do not degrade again.")
@_source_option
@engine_options
@json_option
def verify_command(
    folder: str, quick: bool, source: str | None, engine: Engine, as_json: bool
) -> None:
    """Check a dataset from `degrade build`: every file against its row, every LQ made again.

    Prints the dataset's digest. Exit code 1 when anything differs.

    \b
    degrade verify pairs/
    degrade verify pairs/ --quick --json
    degrade verify s3://faces/pairs --workers 2
    """
    from degrade.dataset.manifest import count_pairs
    from degrade.dataset.verify import verify
    from degrade.terminal import Progress

    with Progress(count_pairs(folder), f"verifying {folder}", "pair") as progress_bar:
        result = verify(
            folder,
            recompute=not quick,
            source=source,
            engine=engine,
            on_progress=progress_bar.advance,
        )
    counts = result.summary.counts
    if as_json:
        record = {
            "digest": result.summary.digest,
            "pairs": counts.get("ok", 0),
            "failed_inputs": counts.get("failed", 0),
            "versions": list(result.notes),
            "mismatches": [f"{entry.key}: {entry.problem}" for entry in result.mismatches],
        }
        click.echo(json.dumps(record, indent=2))
    else:
        _print_result(result)
    if result.mismatches:
        raise click.exceptions.Exit(1)


def _print_result(result: Verified) -> None:
    for note in result.notes:
        click.echo(f"note: {note}", err=True)
    for mismatch in result.mismatches[:_MISMATCHES_SHOWN]:
        click.echo(f"{mismatch.key}: {mismatch.problem}", err=True)
    if len(result.mismatches) > _MISMATCHES_SHOWN:
        click.echo(f"and {len(result.mismatches) - _MISMATCHES_SHOWN} more", err=True)
    pairs = result.summary.counts.get("ok", 0)
    click.echo(f"{result.good} of {pairs} pairs are as the manifest says")
    click.echo(f"digest {result.summary.digest}")


_MISMATCHES_SHOWN = 20
"""Mismatches that are printed without --json."""


@click.command("replay")
@click.argument("folder", metavar="FOLDER")
@click.argument("key", metavar="KEY")
@_source_option
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the rebuilt LQ to this PNG file."
)
def replay_command(folder: str, key: str, source: str | None, out: Path | None) -> None:
    """Rebuild the pair KEY of the dataset in FOLDER from its row and compare every pixel.

    Exit code 0 when both halves are the same bit for bit, 1 when they are not.

    \b
    degrade replay pairs/ astronaut
    degrade replay pairs/ lq/astronaut.png --source photos/ --out again.png
    """
    from degrade.dataset.reader import replay
    from degrade.dataset.rows import pixel_digest
    from degrade.dataset.verify import differing_versions
    from degrade.images import write_png
    from degrade.planner.plan import Plan

    row, hq, lq = replay(folder, key, source)
    if out is not None:
        write_png(out, lq)
    for step in Plan.from_json(row.plan).steps:
        click.echo(f"  {step.describe()}")
    same = (pixel_digest(hq), pixel_digest(lq)) == (row.hq_sha256, row.lq_sha256)
    click.echo(f"{row.key}: {'identical' if same else 'DIFFERENT'}, lq {pixel_digest(lq)}")
    if not same:
        for note in differing_versions(folder):
            click.echo(f"note: {note}", err=True)
        raise click.exceptions.Exit(1)
