"""What ``bench compare`` and ``bench groups`` do; imported when one is used.

Reads options, calls the library, prints results; it computes nothing itself.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.commands.options import NAMES, SUCCESSORS

if TYPE_CHECKING:
    from bench.stats.paired_values import Infinite

_RUN = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("folder", metavar="RUN", type=_RUN)
@click.argument("after", metavar="[AFTER]", type=_RUN, required=False)
@click.option("--restorer", "--restorers", "restorers", type=NAMES, help="Whom to compare.")
@click.option(
    "--against", type=NAMES, help="With whom, or the word all.  [default: every blind restorer]"
)
@SUCCESSORS
@click.option("--metrics", type=NAMES, help="Only these.  [default: all that judge images]")
@click.option(
    "--subset",
    type=click.Choice(["all", "hardest-third"]),
    default="all",
    show_default=True,
    help="The hardest photographs are those whose inputs have the worst perceptual distance.",
)
@click.option(
    "--infinite",
    type=click.Choice(["cap", "leave-out"]),
    default="cap",
    show_default=True,
    help="What becomes of the PSNR of equal images, as where a recipe left one untouched.",
)
@click.option("--markdown", type=_FILE, help="Write the tables for a README or a card.")
@click.option("--json", "as_json", is_flag=True, help="Print every comparison as JSON.")
def compare(
    folder: Path,
    after: Path | None,
    restorers: tuple[str, ...] | None,
    against: tuple[str, ...] | None,
    successors: dict[str, str],
    metrics: tuple[str, ...] | None,
    subset: str,
    infinite: Infinite,
    markdown: Path | None,
    as_json: bool,
) -> None:
    """Say whether one restorer of RUN is better than others, or than itself in an earlier run.

    Differences are over the same photographs, with paired bootstrap intervals, and every p value
    of the table is corrected for how many there are. With a second run AFTER, restorers that
    both runs have are compared with themselves: AFTER minus RUN.

    \b
    Examples:
      bench compare runs/faces-128 --restorer style-128
      bench compare runs/faces-128 --restorer style-128 --against unet-128,input --metrics psnr
      bench compare runs/faces-128 --restorer style-128 --subset hardest-third
      bench compare runs/without-masks runs/with-masks --restorer style-128
      bench compare runs/main runs/change --as model-v1=model-v2

    Exit codes: 0 done; 2 wrong use; 3 values that cannot be compared.
    """
    from bench.report.comparison import comparison_records, comparison_table, comparison_text
    from bench.stats.compare import compare as compare_within
    from bench.stats.compare import compare_runs
    from bench.stats.successors import renaming_notes, with_successors
    from bench.store.record import load_run
    from degrade.images import atomic_file

    opponents = () if against in (None, ("all",)) else against or ()
    run = load_run(folder)
    if after is not None:
        if against:
            raise click.UsageError("--against is for one run: two runs are compared name by name")
        later = load_run(after)
        before = with_successors(run, later, successors)
        table = compare_runs(
            before, later, restorers or (), metrics=metrics or (), subset=subset, infinite=infinite
        )
        table = replace(table, notes=(*renaming_notes(run, successors), *table.notes))
    elif successors:
        raise click.UsageError("--as is for two runs: give a second one")
    elif restorers is None or len(restorers) != 1:
        raise click.UsageError("name one restorer by --restorer, or give a second run")
    else:
        table = compare_within(
            run, restorers[0], opponents, metrics=metrics or (), subset=subset, infinite=infinite
        )
    if markdown is not None:
        with atomic_file(markdown) as file:
            file.write(comparison_table(table).encode("utf-8", "backslashreplace"))
    click.echo(json.dumps(comparison_records(table)) if as_json else comparison_text(table))


@click.command()
@click.argument("folder", metavar="RUN", type=_RUN)
@click.option(
    "--attributes",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV with a column image and a column for each attribute.",
)
@click.option("--restorer", required=True, help="Whose gain.")
@click.option("--metrics", type=NAMES, help="Only these.  [default: all of single images]")
@click.option("--markdown", type=_FILE, help="Write the tables for a README or a card.")
@click.option("--json", "as_json", is_flag=True, help="Print every group as JSON.")
def groups(
    folder: Path,
    attributes: Path,
    restorer: str,
    metrics: tuple[str, ...] | None,
    markdown: Path | None,
    as_json: bool,
) -> None:
    """Show what a restorer gains over its input in each group of photographs.

    Numbers with many values are cut into thirds; an empty cell is the group `not known`.
    Groups of few photographs have wide intervals, and many groups are looked at: a single
    interval that excludes 0 is a hint, no finding.

    \b
    Examples:
      bench groups runs/faces-128 --restorer style-128 --attributes faces.csv
      bench groups runs/faces-128 --restorer style-128 --attributes faces.csv --metrics psnr

    Exit codes: 0 done; 2 wrong use; 3 values that cannot be compared.
    """
    from dataclasses import asdict

    from bench.report.comparison import group_table, group_text
    from bench.stats.groups import group_scores, read_attributes
    from bench.store.record import load_run
    from degrade.images import atomic_file

    table = read_attributes(attributes)
    scores = group_scores(load_run(folder), restorer, table, metrics=metrics or ())
    if markdown is not None:
        with atomic_file(markdown) as file:
            file.write(group_table(scores).encode("utf-8", "backslashreplace"))
    click.echo(json.dumps([asdict(each) for each in scores]) if as_json else group_text(scores))
