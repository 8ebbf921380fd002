"""``degrade apply``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from degrade.commands.options import (
    SourceOptions,
    allow_failed_option,
    recipe_option,
    seed_option,
    source_options,
)

if TYPE_CHECKING:
    from degrade.dataset.sources import ImageSource


@click.command("apply")
@click.argument("source", metavar="IN")
@click.argument("out", type=click.Path(path_type=Path), metavar="OUT")
@recipe_option
@seed_option
@click.option(
    "--variant",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Which degraded version.",
)
@source_options
@click.option("--show-plan", is_flag=True, help="Print what was done to each image as JSON.")
@allow_failed_option
def apply_command(
    source: str,
    out: Path,
    recipe: str,
    seed: int,
    variant: int,
    opening: SourceOptions,
    show_plan: bool,
    allow_failed: bool,
) -> None:
    """Degrade the image or folder IN; write PNG to OUT (a .png file for one image).

    The bytes equal the low-quality half that `degrade build` makes with the same recipe, seed
    and variant.

    \b
    degrade apply portrait.jpg bad.png --recipe kuaishou --seed 3
    degrade apply photos/ bad/ --recipe gfpgan
    """
    from degrade.engine.apply import apply
    from degrade.errors import ImageError
    from degrade.images import write_png
    from degrade.planner.draw import plan
    from degrade.recipe.reader import load_recipe
    from degrade.terminal import progress

    loaded = load_recipe(recipe)
    images = opening.open(source)
    targets = _targets(images, out)
    failed = len(images.unusable)
    for _, message in images.unusable:
        click.echo(f"failed: {message}", err=True)
    for key in progress(images.keys, f"degrading {source}"):
        try:
            image = images.read(key)
        except ImageError as error:
            failed += 1
            click.echo(f"failed: {error}", err=True)
            continue
        size = (image.shape[0], image.shape[1])
        image_plan = plan(loaded, seed=seed, image_id=key, size=size, variant=variant)
        write_png(targets[key], apply(image_plan, image))
        if show_plan:
            click.echo(image_plan.to_json())
    if failed and not allow_failed:
        raise click.exceptions.Exit(1)


def _targets(images: ImageSource, out: Path) -> dict[str, Path]:
    """Return where each image goes; refuses to write one over another, or over its source."""
    from degrade.images import EXTENSIONS

    ending = out.suffix.lower()
    if ending in EXTENSIONS and not out.is_dir():
        if len(images) != 1:
            raise click.UsageError(f"OUT {out} is one file, IN holds {len(images)} images")
        if ending != ".png":
            raise click.UsageError(f"OUT {out}: PNG is written, give a name ending in .png")
        targets = {images.keys[0]: out}
    else:
        targets = {key: (out / key).with_suffix(".png") for key in images.keys}
    sources: dict[Path, str] = {}
    for key, target in targets.items():
        other = sources.setdefault(target, key)
        if other != key:
            raise click.UsageError(f"{other!r} and {key!r} would both become {target}: rename one")
        folder = images.storage.local
        if folder is not None and target.resolve() == (folder / key).resolve():
            raise click.UsageError(f"OUT would overwrite {target}: give another folder or name")
    return targets
