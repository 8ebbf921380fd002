"""What ``bench speed`` does; imported when it is used. Reads options, prints results."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from degrade.terminal import Progress


@click.command()
@click.option(
    "--only",
    type=click.Choice(["degrade", "virtual", "build", "scoring"]),
    default="degrade",
    show_default=True,
    help="Which table; scoring needs pyiqa, the others nothing but the core install.",
)
@click.option(
    "--case",
    "cases",
    metavar="NAME",
    multiple=True,
    help="Only this case of degrade or scoring, recipe of virtual, or format of build; may be "
    "repeated.",
)
@click.option(
    "--runs",
    type=click.IntRange(min=1),
    help="Pairs of samples.  [default: 15 a case, 120 a recipe of virtual, 3 a format of build, "
    "40 pairs of scoring]",
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
    only: str,
    cases: tuple[str, ...],
    runs: int | None,
    peer_pythons: tuple[Path, ...],
    memory: str,
    as_json: bool,
) -> None:
    """Time the degradation engine, and scoring, against what people use today, on this machine.

    Four tables, each taken in one run with both sides in turn: single operations and the GFPGAN
    recipe against references (degrade); pairs computed when asked for against pairs read from
    disk, and planning (virtual); a whole build against decoding and encoding alone (build);
    PSNR and SSIM of pairs against pyiqa's metrics in a loop, and a whole run against its work
    alone (scoring).
    512 × 512 RGB. The bars are those the project sets itself; a bar that is not met is reported,
    not an error. In the first table strengths are checked to be equal, and without --peer-python
    each peer is replaced by its published formula.

    \b
    Examples:
      bench speed
      bench speed --case gfpgan --case shot-noise
      bench speed --only virtual
      bench speed --only scoring --case luma --runs 20
      bench speed --peer-python ~/peers/bin/python --json > speed.json

    Exit codes: 0 done; 2 wrong use.
    """
    from bench.speed.timing import keep_memory

    if only != "degrade" and peer_pythons:
        raise click.UsageError("--peer-python is for the table degrade: leave it out")
    memory_kept = memory == "kept" and keep_memory()
    measure: Callable[..., Any]
    if only == "virtual":
        from bench.speed.virtual import RECIPES, measure_virtual

        recipes = cases or RECIPES
        measure = partial(measure_virtual, recipes, pairs=runs or 120)
        count, unit = len(recipes), "recipe"
    elif only == "build":
        from bench.speed.build import measure_build
        from degrade.dataset.layout import ENCODINGS

        unknown = [case for case in cases if case not in ENCODINGS]
        if unknown:
            raise click.UsageError(f"there is no format {unknown[0]}: use {', '.join(ENCODINGS)}")
        encodings = cases or ENCODINGS
        measure = partial(measure_build, encodings=encodings, rounds=runs or 3)
        count, unit = 2 * len(encodings), "build"
    elif only == "scoring":
        from bench.speed.scoring import CASES, measure_scoring

        measure = partial(measure_scoring, cases, pairs=runs or 40)
        count, unit = len(set(cases)) or len(CASES) + 1, "case"
    else:
        from bench.speed.engine import case_names, measure_engine

        measure = partial(
            measure_engine,
            cases,
            runs=runs or 15,
            peer_pythons=peer_pythons,
            memory_kept=memory_kept,
        )
        count, unit = len(set(cases) or case_names()), "case"
    with Progress(count, "speed", unit) as progress:
        report = measure(tell=lambda title: progress.advance(note=title))
    click.echo(json.dumps(report.record(), indent=2) if as_json else report.text())
