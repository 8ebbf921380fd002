"""``degrade measure``."""

from __future__ import annotations

import json
import math

import click
import numpy as np

from degrade.commands.options import (
    json_option,
    longest_option,
    recipe_option,
    seed_option,
    variants_option,
)
from degrade.images import Image


def psnr(lq: Image, hq: Image) -> float:
    """Return 10 log10(255² / mean squared difference) in dB over all values; inf when equal."""
    error = float(np.mean((lq.astype(np.float64) - hq.astype(np.float64)) ** 2))
    return math.inf if error == 0 else 10.0 * math.log10(255.0**2 / error)


@click.command("measure")
@click.argument("source", metavar="SOURCE")
@recipe_option
@seed_option
@variants_option
@longest_option
@json_option
def measure_command(
    source: str, recipe: str, seed: int, variants: int, longest_side: int | None, as_json: bool
) -> None:
    """Measure how hard a recipe is: quartiles of the PSNR of its untouched low-quality images.

    Nothing is written. RGB, all pixels, dB; lower is harder.

    \b
    degrade measure sample-photos --recipe kuaishou --variants 32 --longest-side 512
    """
    from degrade.dataset.paired_dataset import PairedDataset
    from degrade.dataset.sources import open_source
    from degrade.errors import ImageError, RecipeError
    from degrade.terminal import Progress

    dataset = PairedDataset(open_source(source, longest=longest_side), recipe, seed, variants)
    values, failed = [], 0
    with Progress(len(dataset), "measuring", "pair") as progress_bar:
        for image_id in dataset.source.keys:
            try:
                image = dataset.source.read(image_id)
            except ImageError as error:
                failed += 1
                click.echo(f"failed: {error}", err=True)
                continue
            for variant in range(variants):
                pair = dataset.compute(image_id, variant, image)
                if pair.lq.shape != pair.hq.shape:
                    raise RecipeError(f"{recipe} leaves LQ at another size than HQ: no PSNR")
                values.append(psnr(pair.lq, pair.hq))
                progress_bar.advance()
    # "inverted_cdf" takes values that occur, so an infinite PSNR does not spoil its neighbours.
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75], method="inverted_cdf")
    record = {
        "recipe": dataset.recipe.name,
        "n": len(values),
        "failed": failed,
        "psnr_quartiles": [round(float(value), 2) for value in (lower, median, upper)],
    }
    if as_json:
        click.echo(json.dumps(record))
    else:
        click.echo(
            f"{dataset.recipe.name}: median PSNR {median:.2f} dB, "
            f"quartiles {lower:.2f} and {upper:.2f}, n = {len(values)}"
        )
    if failed:
        raise click.exceptions.Exit(1)
