"""``degrade preview``."""

from __future__ import annotations

from pathlib import Path

import click

from degrade.commands.options import SourceOptions, seed_option, source_options


def _numbers(
    context: click.Context, option: click.Parameter, written: str | None
) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in written.split(",")) if written else ()
    except ValueError:
        raise click.BadParameter(f"{written!r} is not a list of numbers: 5,10,20") from None


@click.command("preview")
@click.argument("source", metavar="SOURCE")
@click.argument("out", type=click.Path(path_type=Path), metavar="OUT.png")
@click.option(
    "--recipe",
    "recipes",
    multiple=True,
    metavar="NAME|FILE",
    help="A recipe; several times for several rows.",
)
@click.option(
    "--operation",
    "operations",
    multiple=True,
    metavar="NAME",
    help="One operation from mild to severe, in place of a recipe; several for several rows.",
)
@click.option(
    "--values",
    callback=_numbers,
    metavar="A,B,...",
    help="Strengths of the operation in place of those that it has here.",
)
@seed_option
@click.option(
    "--variants",
    type=click.IntRange(1, 32),
    help="Columns.  [default: 4 of a recipe, 6 of an operation]",
)
@click.option(
    "--limit", type=click.IntRange(1, 64), default=1, show_default=True, help="Images to show."
)
@click.option(
    "--side",
    type=click.IntRange(64, 2048),
    default=240,
    show_default=True,
    help="Longest side of an image on the sheet, pixels.",
)
@source_options
def preview_command(
    source: str,
    out: Path,
    recipes: tuple[str, ...],
    operations: tuple[str, ...],
    values: tuple[float, ...],
    seed: int,
    variants: int | None,
    limit: int,
    side: int,
    opening: SourceOptions,
) -> None:
    """Make a contact sheet: each image, then degraded variants with their parameters.

    The variants are those that `degrade build` makes with the same recipe and seed. With
    --operation the columns are one operation from mild to severe, named by its value; without
    --recipe and --operation the recipe is kuaishou. Below the images stands a detail at full
    size where they are shown smaller.

    \b
    degrade preview portrait.png sheet.png --recipe kuaishou --seed 7
    degrade preview sample-photos sheet.png --recipe kuaishou --recipe gfpgan --limit 3
    degrade preview portrait.png ladder.png --operation gaussian_noise --operation jpeg
    degrade preview portrait.png ladder.png --operation jpeg --values 90,60,30,10
    """
    from degrade.commands.preview_sheet import ladder_row, variants_row
    from degrade.images import write_png
    from degrade.images.contact_sheet import contact_sheet
    from degrade.recipe.reader import load_recipe
    from degrade.terminal import progress

    if values and (len(operations) != 1 or recipes):
        raise click.UsageError("--values are the strengths of one --operation: give one alone")
    loaded = [load_recipe(recipe) for recipe in recipes or (() if operations else ("kuaishou",))]
    images = opening.open(source)
    rows = []
    for key in progress(images.keys[:limit], "drawing"):
        image = images.read(key)
        rows += [variants_row(image, key, recipe, seed, variants or 4) for recipe in loaded]
        rows += [ladder_row(image, key, name, seed, variants or 6, values) for name in operations]
    write_png(out, contact_sheet(rows, side))
    click.echo(f"wrote {out}")
