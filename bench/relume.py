"""The command ``relume``: ``degrade``, ``zoo`` and ``bench`` under one name of their own."""

from __future__ import annotations

import click

import degrade
from degrade.terminal import LazyGroup

_COMMANDS = {
    "degrade": ("degrade.cli:main", "Turn sharp images into realistic bad ones, from a seed."),
    "zoo": ("zoo.cli:main", "List, load and run face restorers."),
    "bench": ("bench.cli:main", "Score restorers so that the number can be trusted."),
}


@click.group(
    cls=LazyGroup,
    commands_from=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(degrade.__version__, prog_name="relume")
def main() -> None:
    """Degrade, restore, score: face restoration with reproducible numbers.

    \b
    Examples:
      relume degrade list
      relume zoo list
      relume bench run demo
    """
