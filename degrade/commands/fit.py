"""``degrade fit``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from degrade.commands.options import json_option, seed_option

if TYPE_CHECKING:
    from degrade.dataset.sources import ImageSource
    from degrade.fit.fit import Fit
    from degrade.fit.measurement import ImageMeasurement


@click.command("fit")
@click.argument("photos", metavar="PHOTOS")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE.yaml",
    help="The recipe to write.",
)  # fmt: skip
@click.option(
    "--sources",
    default="sample-photos",
    show_default=True,
    metavar="FOLDER|NAME",
    help="Clean images of the same kind; for faces, give clean faces.",
)
@click.option(
    "--size",
    type=click.IntRange(16, 65535),
    metavar="PIXELS",
    help="Longest side of HQ; smaller photographs count as shrunk. Default: each its own.",
)
@click.option(
    "--rounds", type=click.IntRange(1, 20), default=3, show_default=True, help="Corrections."
)
@click.option(
    "--generate",
    "count",
    type=click.IntRange(20, 100_000),
    metavar="N",
    help="Images to generate a round. Default: as many as PHOTOS, 100 at least.",
)
@seed_option
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.png",
    help="Where to draw measured against generated. Default: beside the recipe.",
)
@click.option("--allow-failed", is_flag=True, help="Exit 0 even if some photographs failed.")
@json_option
def fit_command(
    photos: str,
    out: Path,
    sources: str,
    size: int | None,
    rounds: int,
    count: int | None,
    seed: int,
    plot: Path | None,
    allow_failed: bool,
    as_json: bool,
) -> None:
    """Measure bad photographs in PHOTOS and write a recipe that makes such images.

    Noise, blur, JPEG quality, resolution and pixelation are measured on every photograph; a
    first recipe is corrected until the images it makes of clean ones measure alike. Fifty
    photographs or more are recommended, 20 are needed. Exit code 1 when some could not be read.

    \b
    degrade fit old-scans/ --out old-scans.yaml --sources portraits/
    degrade build portraits/ pairs/ --recipe old-scans.yaml
    """
    from degrade.dataset.sources import open_source
    from degrade.fit.fit import fit, images_needed
    from degrade.fit.report import draw_fit, fit_text, write_text
    from degrade.images import write_png
    from degrade.terminal import Progress

    folder = open_source(photos)
    measured, failures = _measure_all(folder, size)
    clean = _clean_sources(sources, measured, size)
    with Progress(images_needed(len(measured), count, rounds), "fitting", "image") as progress_bar:
        result = fit(
            measured, clean, count=count, rounds=rounds, seed=seed, on_progress=progress_bar.advance
        )
    chart = plot or out.with_suffix(".png")
    write_text(out, fit_text(result, out.stem, folder.name, clean.name))
    write_png(chart, draw_fit(result.photos, result.generated.measured))
    if as_json:
        click.echo(json.dumps(_record(result, folder, out, chart, failures), indent=2))
    else:
        _print_summary(result, len(failures))
        click.echo(f"wrote {out} and {chart}")
    for failure in failures:
        click.echo(f"failed: {failure}", err=True)
    if failures and not allow_failed:
        raise click.exceptions.Exit(1)


def _measure_all(folder: ImageSource, size: int | None) -> tuple[list[ImageMeasurement], list[str]]:
    """Return the measurements, and why the others could not be measured."""
    from degrade.errors import ImageError
    from degrade.fit.measurement import measure_file
    from degrade.terminal import progress

    measured = []
    failures = [f"{name}: {message}" for name, message in folder.unusable]
    for key in progress(folder.keys, "measuring"):
        try:
            measured.append(measure_file(folder.read_bytes(key), key, full=size or 0))
        except ImageError as error:
            failures.append(str(error))
    return measured, failures


def _clean_sources(name: str, measured: list[ImageMeasurement], size: int | None) -> ImageSource:
    """Return the clean images, none larger than the photographs usually are."""
    from statistics import median

    from degrade.dataset.sources import open_source

    usual = median(max(one.height, one.width) for one in measured) if measured else 512
    return open_source(name, longest=size or round(usual))


def _print_summary(result: Fit, failed: int) -> None:
    from degrade.fit.report import table_lines

    photo_count, generated_count = len(result.photos), len(result.generated.measured)
    click.echo(f"{photo_count} photographs measured, {failed} failed; {generated_count} generated")
    for line in table_lines(result):
        click.echo(line)


def _record(
    result: Fit, folder: ImageSource, out: Path, chart: Path, failures: list[str]
) -> dict[str, object]:
    from degrade.fit.report import quartiles

    return {
        "recipe": str(out),
        "plot": str(chart),
        "photographs": folder.name,
        "n": len(result.photos),
        "failed": failures,
        "quartiles": quartiles(result),
        "measurements": [asdict(one) for one in result.photos],
    }
