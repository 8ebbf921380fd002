"""``degrade build``."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from degrade.commands.options import (
    json_option,
    longest_option,
    recipe_option,
    seed_option,
    variants_option,
)

__all__ = ["build_command"]


@click.command("build")
@click.argument("source", metavar="SOURCE")
@click.argument("out", type=click.Path(path_type=Path), metavar="OUT")
@recipe_option
@seed_option
@variants_option
@longest_option
@click.option(
    "--workers", type=click.IntRange(1, 1024), default=1, show_default=True, help="Processes."
)
@click.option(
    "--format",
    "layout",
    type=click.Choice(["files"]),
    default="files",
    show_default=True,
    help="hq/ and lq/ folders of PNG with equal names.",
)
@click.option("--jsonl", is_flag=True, help="Also write pairs.jsonl.")
@click.option("--allow-failed", is_flag=True, help="Exit 0 even if some inputs could not be used.")
@json_option
def build_command(
    source: str,
    out: Path,
    recipe: str,
    seed: int,
    variants: int,
    longest_side: int | None,
    workers: int,
    layout: str,
    jsonl: bool,
    allow_failed: bool,
    as_json: bool,
) -> None:
    """Build a paired dataset in OUT from SOURCE: a folder, a file, or a dataset's name.

    OUT gets hq/ and lq/ with equal names, metadata.parquet (a row a pair, with its plan),
    failed.parquet (a row an input that could not be used) and run.json. Interrupted, it goes
    on when the same command is given again. Exit code 1 when some inputs failed.

    \b
    degrade build photos/ pairs/ --recipe gfpgan --seed 7 --workers 2
    degrade build sample-photos pairs/ --recipe kuaishou --variants 4 --longest-side 512
    """
    from degrade.build import build
    from degrade.pairs import PairedDataset
    from degrade.sources import open_source
    from degrade.terminal import Progress

    dataset = PairedDataset(open_source(source, longest=longest_side), recipe, seed, variants)
    start = time.monotonic()
    with Progress(len(dataset), f"building {out}", "pair") as shown:
        result = build(dataset, out, workers=workers, jsonl=jsonl, on_progress=shown.advance)
    seconds = time.monotonic() - start
    failed = result.counts.get("failed", 0)
    if as_json:
        record = {"folder": str(out), "counts": result.counts, "digest": result.digest}
        click.echo(json.dumps(record, indent=2))
    else:
        click.echo(f"{result.counts.get('ok', 0)} pairs, {failed} failed inputs, {seconds:.1f} s")
        click.echo(f"digest {result.digest}")
        click.echo(f"in {out}")
    if failed:
        _tell_failures(out)
        if not allow_failed:
            raise click.exceptions.Exit(1)


def _tell_failures(out: Path) -> None:
    from degrade.manifest import read_manifest

    failed = read_manifest(out).failed
    for row in failed[:10]:
        click.echo(f"failed: {row.error}", err=True)
    if len(failed) > 10:
        click.echo(f"and {len(failed) - 10} more, in {out / 'failed.parquet'}", err=True)
