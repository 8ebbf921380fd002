"""What ``bench speed`` does; imported when it is used. Reads options, prints results."""

from __future__ import annotations

import json
from pathlib import Path

import click

from degrade.terminal import Progress

__all__ = ["speed"]


@click.command()
@click.option(
    "--only",
    type=click.Choice(["degrade"]),
    help="One package's work; degrade needs nothing but the core install.",
)
@click.option("--case", "cases", metavar="NAME", multiple=True, help="Only this; may be repeated.")
@click.option(
    "--runs",
    type=click.IntRange(min=1),
    default=15,
    show_default=True,
    help="Pairs of samples for each case.",
)
@click.option(
    "--peer-python",
    "peer_pythons",
    metavar="PATH",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A Python that has AlbumentationsX or imagecorruptions; may be repeated.",
)
@click.option(
    "--memory",
    type=click.Choice(["kept", "system"]),
    default="kept",
    show_default=True,
    help="Whether malloc keeps freed memory, on both sides, or does as the system has it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def speed(
    only: str | None,
    cases: tuple[str, ...],
    runs: int,
    peer_pythons: tuple[Path, ...],
    memory: str,
    as_json: bool,
) -> None:
    """Time the degradation engine against what people use today, on this machine.

    One thread, 512 × 512 RGB, both sides in turn on one core, equal strength checked first.
    Without --peer-python each peer is replaced by its published formula. The bars are those
    the project sets itself; a bar that is not met is reported, not an error.

    \b
    Examples:
      bench speed
      bench speed --case gfpgan --case shot-noise
      bench speed --peer-python ~/peers/bin/python --json > speed.json

    Exit codes: 0 done; 2 wrong use.
    """
    from bench.speed import timing
    from bench.speed.measure import case_names, measure
    from bench.speed.table import as_record, as_text

    with Progress(len(set(cases) or case_names()), "speed", "case") as shown:
        report = measure(
            cases,
            runs=runs,
            peer_pythons=peer_pythons,
            memory_kept=memory == "kept" and timing.keep_memory(),
            tell=lambda title: shown.advance(note=title),
        )
    click.echo(json.dumps(as_record(report), indent=2) if as_json else as_text(report))
