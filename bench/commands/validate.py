"""What ``bench calibrate`` and ``bench protocols`` do; imported when one is used.

Reads options, calls the library, prints results; it computes nothing itself.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bench.validate.crosscheck import Agreement


@click.command()
@click.option(
    "--pairs",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder ResultsCalibra of IQA-PyTorch: check the published table too.",
)
@click.option("--every", is_flag=True, help="Print every check, not the worst of each metric.")
@click.option("--json", "as_json", is_flag=True, help="Print every check as JSON.")
def calibrate(pairs: Path | None, every: bool, as_json: bool) -> None:
    """Check that every metric computes here what it is defined to compute.

    Against closed forms, against what is known of a picture and itself, and against the values
    that two other implementations, named with their versions, gave of degraded photographs that
    are made here again. Metrics that lack a package or weights are skipped, and told.

    \b
    Examples:
      bench calibrate
      bench calibrate --every
      bench calibrate --pairs ~/IQA-PyTorch/ResultsCalibra --json

    Exit codes: 0 all right; 1 something is not; 2 wrong use.
    """
    from bench.validate.calibrate import calibrate as check_all
    from bench.validate.calibrate import calibration_text
    from degrade.terminal import Progress

    with Progress(4 if pairs else 3, "calibrate", "kind") as progress:
        results = check_all(pairs, tell=lambda kind: progress.advance(note=kind))
    click.echo(
        json.dumps(results.as_record(), indent=2, allow_nan=False)
        if as_json
        else calibration_text(results, every=every)
    )
    if not results.ok:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print every protocol as JSON.")
def protocols(name: str | None, as_json: bool) -> None:
    """List the protocols: what each repository's scripts compute, column by column.

    With NAME, what that one's scripts do besides, and what a run here does otherwise.

    \b
    Examples:
      bench protocols
      bench protocols vqfr
      bench run demo --protocol vqfr --metrics protocol

    Exit codes: 0 done; 2 wrong use.
    """
    from bench.suite.protocols import (
        PROTOCOLS,
        protocol_of,
        protocol_record,
        protocol_text,
        protocols_text,
    )

    chosen = [protocol_of(name)] if name is not None else list(PROTOCOLS.values())
    if as_json:
        click.echo(json.dumps([protocol_record(each) for each in chosen], indent=2))
    else:
        click.echo(protocols_text(chosen) if name is None else protocol_text(chosen[0]))


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
    from degrade.terminal import Progress, columns

    images = list(stored_pairs(pairs, limit) if pairs else default_pairs(limit))
    with Progress(None, "crosscheck", "comparison") as progress:
        results = compare(images, metrics, lambda note: progress.advance(note=note))
    if as_json:
        click.echo(
            json.dumps([{**asdict(each), "fails": each.fails} for each in results], indent=2)
        )
    else:
        head = ("METRIC", "BESIDE", "N", "DIFFERENCE", "RELATIVE", "ALLOWED", "")
        for line in columns([head, *map(_cells, results)]):
            click.echo(line)
    if any(each.fails for each in results):
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
