"""``degrade build``."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click

from degrade.commands.options import (
    SourceOptions,
    allow_failed_option,
    engine_options,
    json_option,
    optional_recipe_option,
    seed_option,
    source_options,
    storage_options,
    variants_option,
)
from degrade.dataset.layout import StorageFormat
from degrade.executors import Engine

if TYPE_CHECKING:
    from degrade.dataset.build import BuildResult
    from degrade.dataset.shards import ShardSelection


def _part(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> ShardSelection | None:
    from degrade.dataset.shards import ShardSelection

    return None if text is None else ShardSelection.parse(text)


@click.command("build")
@click.argument("source", metavar="SOURCE")
@click.argument("out", metavar="OUT")
@optional_recipe_option
@seed_option
@variants_option
@source_options
@engine_options
@click.option(
    "--shards",
    "part",
    metavar="I/N",
    callback=_part,
    help="Do only part I of N, counted from 1, as one job of an array.",
)
@storage_options
@click.option("--jsonl", is_flag=True, help="Also write pairs.jsonl.")
@allow_failed_option
@json_option
def build_command(
    source: str,
    out: str,
    recipe: str | None,
    seed: int,
    variants: int,
    opening: SourceOptions,
    engine: Engine,
    part: ShardSelection | None,
    storage_format: StorageFormat,
    jsonl: bool,
    allow_failed: bool,
    as_json: bool,
) -> None:
    """Build a paired dataset in OUT from SOURCE: a folder, a file, a URL, or a name.

    Names are those of `degrade list --datasets`, with a split as in ffhq:val, and of
    `degrade list --testsets`, which bring their recipe.

    OUT, a folder or a URL such as s3://BUCKET/NAME, gets the pairs, metadata.parquet (a row a
    pair, with its plan), failed.parquet (a row an input that could not be used) and run.json.
    Interrupted, it goes on when the same command is given again. Exit code 1 when some inputs
    failed.

    \b
    degrade build photos/ pairs/ --recipe gfpgan --seed 7 --workers 2
    degrade build sample-photos pairs/ --recipe kuaishou --variants 4 --longest-side 512
    degrade build photos/ tars/ --recipe gfpgan --format webdataset --lq-format qoi
    degrade build s3://faces/hq s3://faces/pairs --recipe gfpgan --shards 2/8
    degrade build celeba-test-gfpgan test/ --seed 1 --root CelebAMask-HQ/
    """
    from degrade.dataset.build import build
    from degrade.dataset.paired_dataset import PairedDataset
    from degrade.terminal import Progress, resume_hint

    images, recipe = opening.open_testset(source, recipe)
    dataset = PairedDataset(images, recipe, seed, variants)
    start = time.monotonic()
    with resume_hint(), Progress(len(dataset), f"building {out}", "pair") as progress_bar:
        result = build(
            dataset,
            out,
            storage_format=storage_format,
            engine=engine,
            part=part,
            jsonl=jsonl,
            on_progress=progress_bar.advance,
            on_start=progress_bar.begin_at,
        )
    click.echo(json.dumps(_record(result), indent=2) if as_json else _text(result, start))
    if result.counts.get("failed"):
        _print_failures(result)
        if not allow_failed:
            raise click.exceptions.Exit(1)


def _record(result: BuildResult) -> dict[str, Any]:
    record: dict[str, Any] = {
        "folder": result.location,
        "counts": result.counts,
        "digest": result.digest,
    }
    return record | ({"missing_shards": result.missing} if result.missing else {})


def _text(result: BuildResult, start: float) -> str:
    """Return the summary: counts by status, the digest, and where it all is."""
    if result.missing:
        return (
            f"shards still missing: {result.missing}. Run the other parts of --shards; the last "
            f"one writes the manifest of {result.location}"
        )
    pairs, failed = result.counts.get("ok", 0), result.counts.get("failed", 0)
    counts = f"{pairs} pairs, {failed} failed inputs, {time.monotonic() - start:.1f} s"
    if result.copies:
        some = "1 input is a byte-equal copy" if result.copies == 1 else None
        counts += f"; {some or f'{result.copies} inputs are byte-equal copies'} of others"
    where = f"in {result.location}" + (", failed ones in failed.parquet" if failed else "")
    return f"{counts}\ndigest {result.digest}\n{where}"


def _print_failures(result: BuildResult) -> None:
    from itertools import islice

    from degrade.dataset.manifest import FAILED_FILE, iter_rows

    for row in islice(iter_rows(result.location, FAILED_FILE), _FAILURES_SHOWN):
        click.echo(f"failed: {row.error}", err=True)
    if result.counts["failed"] > _FAILURES_SHOWN:
        more = result.counts["failed"] - _FAILURES_SHOWN
        click.echo(f"and {more} more, in {result.location}/{FAILED_FILE}", err=True)


_FAILURES_SHOWN = 10
"""Failures that are printed; all are in the table."""
