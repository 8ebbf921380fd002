"""What ``bench calibrate`` and ``bench protocols`` do; imported when one is used.

Reads options, calls the library, prints results; it computes nothing itself.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

__all__ = ["calibrate", "protocols"]


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
    from bench.validate.table import calibration_text
    from degrade.terminal import Progress

    with Progress(4 if pairs else 3, "calibrate", "kind") as shown:
        found = check_all(pairs, tell=lambda kind: shown.advance(note=kind))
    click.echo(
        json.dumps(found.as_record(), indent=2, allow_nan=False)
        if as_json
        else calibration_text(found, every=every)
    )
    if not found.ok:
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
    from bench.suite.protocols.table import PROTOCOLS
    from bench.suite.protocols.text import protocol_record, protocol_text, protocols_text
    from degrade.config import nearest
    from degrade.errors import UserError

    if name is not None and name not in PROTOCOLS:
        raise UserError(
            f"there is no protocol '{name}'.{nearest(name, PROTOCOLS)} "
            f"Name one of: {', '.join(PROTOCOLS)}"
        )
    chosen = [PROTOCOLS[name]] if name else list(PROTOCOLS.values())
    if as_json:
        click.echo(json.dumps([protocol_record(each) for each in chosen], indent=2))
    else:
        click.echo(protocol_text(chosen[0]) if name else protocols_text(chosen))
