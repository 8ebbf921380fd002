"""``degrade preview``."""

from __future__ import annotations

from pathlib import Path

import click

from degrade.commands.options import longest_option, seed_option

__all__ = ["preview_command"]


@click.command("preview")
@click.argument("source", metavar="SOURCE")
@click.argument("out", type=click.Path(path_type=Path), metavar="OUT.png")
@click.option(
    "--recipe",
    "recipes",
    multiple=True,
    required=True,
    metavar="NAME|FILE",
    help="A recipe; several times for several rows.",
)
@seed_option
@click.option(
    "--variants", type=click.IntRange(1, 32), default=4, show_default=True, help="Columns."
)
@click.option(
    "--limit", type=click.IntRange(1, 64), default=1, show_default=True, help="Pictures to show."
)
@click.option(
    "--side",
    type=click.IntRange(64, 2048),
    default=240,
    show_default=True,
    help="Longest side of a picture on the sheet, pixels.",
)
@longest_option
def preview_command(
    source: str,
    out: Path,
    recipes: tuple[str, ...],
    seed: int,
    variants: int,
    limit: int,
    side: int,
    longest_side: int | None,
) -> None:
    """Make a contact sheet: each picture, then degraded variants with their parameters.

    The variants are those that `degrade build` makes with the same recipe and seed.

    \b
    degrade preview portrait.png sheet.png --recipe kuaishou --seed 7
    degrade preview sample-photos sheet.png --recipe kuaishou --recipe gfpgan --limit 3
    """
    from degrade.engine import apply
    from degrade.images import write_png
    from degrade.planning import plan
    from degrade.preview import Cell, contact_sheet
    from degrade.recipe import load_recipe
    from degrade.sources import open_source
    from degrade.terminal import progress

    loaded = [load_recipe(recipe) for recipe in recipes]
    pictures = open_source(source, longest=longest_side)
    rows = []
    for key in progress(pictures.keys[:limit], "drawing"):
        image = pictures.read(key)
        size = (image.shape[0], image.shape[1])
        for recipe in loaded:
            cells = [Cell(image, key, (f"{size[1]} x {size[0]}, original",))]
            for variant in range(variants):
                drawn = plan(recipe, seed=seed, image_id=key, size=size, variant=variant)
                title = f"{recipe.name}, seed {seed}, variant {variant}"
                cells.append(Cell.of_plan(apply(drawn, image), title, drawn))
            rows.append(cells)
    write_png(out, contact_sheet(rows, side))
    click.echo(f"wrote {out}")
