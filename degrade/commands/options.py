"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = [
    "json_option",
    "longest_option",
    "optional_recipe_option",
    "recipe_option",
    "seed_option",
    "variants_option",
]

Command = TypeVar("Command", bound=Callable[..., Any])

recipe_option = click.option(
    "--recipe",
    required=True,
    metavar="NAME|FILE",
    help="A recipe's name (see `degrade list`) or a YAML file.",
)
optional_recipe_option = click.option(
    "--recipe",
    metavar="NAME|FILE",
    help="A recipe's name (see `degrade list`) or a YAML file; a test set brings its own.",
)
seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    default=0,
    show_default=True,
    help="The dataset's seed; any 64-bit number.",
)
variants_option = click.option(
    "--variants",
    type=click.IntRange(1, 65536),
    default=1,
    show_default=True,
    help="Degraded versions of each picture.",
)
longest_option = click.option(
    "--longest-side",
    type=click.IntRange(1, 65535),
    metavar="PIXELS",
    help="Shrink larger pictures to this longer side first, by area averaging.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
