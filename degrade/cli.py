"""The command ``degrade``; its commands are imported when they are used."""

from __future__ import annotations

import click

from degrade import __version__
from degrade.terminal import LazyGroup


@click.command(
    cls=LazyGroup,
    commands_from={
        "list": ("degrade.commands.list:list_command", "Show recipes, operations, datasets."),
        "apply": ("degrade.commands.apply:apply_command", "Degrade an image or a folder."),
        "build": ("degrade.commands.build:build_command", "Build a paired dataset."),
        "verify": ("degrade.commands.verify:verify_command", "Check a built dataset."),
        "replay": ("degrade.commands.verify:replay_command", "Rebuild one pair from its row."),
        "fit": ("degrade.commands.fit:fit_command", "Make a recipe of real photographs."),
        "preview": ("degrade.commands.preview:preview_command", "Make a contact sheet."),
        "measure": ("degrade.commands.measure:measure_command", "Measure how hard a recipe is."),
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="relume %(version)s")
def main() -> None:
    """Make reproducible degraded copies of sharp images.

    The same recipe, seed and image give the same bytes, whatever the number of workers.

    \b
    degrade preview portrait.png sheet.png --recipe kuaishou
    degrade build photos/ pairs/ --recipe gfpgan --seed 7 --workers 2
    degrade verify pairs/
    """
