"""What ``bench crosscheck`` does; imported when it is used. Reads options, prints results."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bench.validate.crosscheck import Agreement

__all__ = ["crosscheck"]


@click.command()
@click.option(
    "--metric", "metrics", metavar="NAME", multiple=True, help="Only this one; may be repeated."
)
@click.option(
    "--pairs",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Images in FOLDER/restored and FOLDER/hq, or dist and ref, or lq and hq, under equal "
    "names.  [default: scikit-image's photographs, degraded]",
)
@click.option(
    "--limit",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    help="At most so many pairs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print every number as JSON.")
def crosscheck(metrics: tuple[str, ...], pairs: Path | None, limit: int, as_json: bool) -> None:
    """Print where Relume's metrics and scikit-image, torchmetrics and pyiqa differ.

    Each line is one metric beside one other implementation: the largest difference over the
    pairs, and the largest relative one. What the other defines otherwise is no fault and says
    which of our metrics is the same. Nothing is downloaded: what lacks weights or a package is
    listed with the command that mends it.

    \b
    Examples:
      bench crosscheck
      bench crosscheck --metric psnr --metric ssim
      bench crosscheck --pairs calibration --json

    Exit codes: 0 all that could be compared agree; 1 one differs by more than it may, or
    failed; 2 wrong use.
    """
    from bench.validate.crosscheck import crosscheck as compare
    from bench.validate.crosscheck import default_pairs, stored_pairs
    from degrade.terminal import Progress
    from zoo.commands.lines import aligned

    images = list(stored_pairs(pairs, limit) if pairs else default_pairs(limit))
    with Progress(None, "crosscheck", "comparison") as shown:
        found = compare(images, metrics, lambda note: shown.advance(note=note))
    if as_json:
        click.echo(json.dumps([{**asdict(each), "fails": each.fails} for each in found], indent=2))
    else:
        head = ("METRIC", "BESIDE", "N", "DIFFERENCE", "RELATIVE", "ALLOWED", "")
        for line in aligned([head, *map(_cells, found)]):
            click.echo(line)
    if any(each.fails for each in found):
        raise click.exceptions.Exit(1)


def _cells(each: Agreement) -> tuple[str, ...]:
    numbers = ["-" if x is None else f"{x:.2g}" for x in (each.absolute, each.relative)]
    allowed = "-" if each.tolerance is None else f"{each.tolerance:.0e}"
    if each.absolute is None:
        verdict = f"{each.status}: {each.detail}"
    elif each.tolerance is None:
        verdict = f"another definition: {each.detail}"
    else:
        verdict = "differs" if each.fails else "agrees"
        verdict += f" ({each.detail})" if each.detail else ""
    return (each.metric, each.backend, str(each.n), *numbers, allowed, verdict)
