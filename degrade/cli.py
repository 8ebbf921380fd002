"""The command ``degrade``; its commands are imported when they are used."""

from __future__ import annotations

import click

from degrade import __version__
from degrade.terminal import LazyGroup

__all__ = ["main"]

_COMMANDS = "degrade.commands"


@click.command(
    cls=LazyGroup,
    commands_from={
        "list": (f"{_COMMANDS}.list", "list_command", "Show recipes, operations, datasets."),
        "apply": (f"{_COMMANDS}.apply", "apply_command", "Degrade a picture or a folder."),
        "build": (f"{_COMMANDS}.build", "build_command", "Build a paired dataset."),
        "verify": (f"{_COMMANDS}.verify", "verify_command", "Check a built dataset."),
        "replay": (f"{_COMMANDS}.verify", "replay_command", "Rebuild one pair from its row."),
        "fit": (f"{_COMMANDS}.fit", "fit_command", "Make a recipe of real photographs."),
        "preview": (f"{_COMMANDS}.preview", "preview_command", "Make a contact sheet."),
        "measure": (f"{_COMMANDS}.measure", "measure_command", "Tell how hard a recipe is."),
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="relume %(version)s")
def main() -> None:
    """Make reproducible degraded copies of sharp pictures.

    The same recipe, seed and picture give the same bytes, whatever the number of workers.

    \b
    degrade preview portrait.png sheet.png --recipe kuaishou
    degrade build photos/ pairs/ --recipe gfpgan --seed 7 --workers 2
    degrade verify pairs/
    """
