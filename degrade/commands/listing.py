"""``degrade list``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from degrade.commands.options import json_option

__all__ = ["list_command"]


@click.command("list")
@click.option("--operations", "what", flag_value="operations", help="List the operations.")
@click.option("--datasets", "what", flag_value="datasets", help="List the named datasets.")
@click.option("--recipes", "what", flag_value="recipes", default="recipes", help="The default.")
@json_option
def list_command(what: str, as_json: bool) -> None:
    """Show the recipes, with the median PSNR of what they make (dB, lower is harder).

    A recipe with switches is named with the values wanted, as in gfpgan:correct or
    imagenet-c:glass_blur:5; the others keep their defaults, which the list shows. --json shows
    every value.

    \b
    degrade list
    degrade list --operations
    degrade list --datasets --json
    """
    records = {"operations": _operations, "datasets": _datasets, "recipes": _recipes}[what]()
    if as_json:
        click.echo(json.dumps(records, indent=2))
        return
    for line in _aligned([_in_words(record) for record in records]):
        click.echo(line)


def _recipes() -> list[dict[str, Any]]:
    from degrade.recipe import list_recipes, load_recipe

    return [
        {
            "name": recipe.name,
            "size": "any" if recipe.size is None else str(recipe.size[0]),
            "scale": str(recipe.scale or 1),
            "psnr": "" if recipe.median_psnr is None else f"{recipe.median_psnr:.1f}",
            "switches": {
                switch.name: {"default": switch.default, "values": list(switch.values)}
                for switch in recipe.switches
            },
            "summary": recipe.summary,
        }
        for recipe in map(load_recipe, list_recipes())
    ]


def _operations() -> list[dict[str, Any]]:
    from degrade.operations import OPERATIONS

    return [
        {
            "name": entry.name,
            "version": str(entry.version),
            "portable": "yes" if entry.portable else "no",
            "parameters": " ".join([*entry.parameters, *entry.recipe_only]),
            "summary": entry.summary,
        }
        for entry in OPERATIONS.values()
    ]


def _datasets() -> list[dict[str, Any]]:
    from degrade.sources import list_datasets

    return [
        {
            "name": name,
            "count": str(entry["count"]),
            "summary": entry["summary"],
            "licence": entry["licence"],
            "obtain": entry["obtain"],
        }
        for name, entry in list_datasets().items()
    ]


def _in_words(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with its switches, if it has any, as their default values."""
    if "switches" not in record:
        return record
    defaults = ":".join(switch["default"] for switch in record["switches"].values())
    return record | {"switches": defaults}


def _aligned(records: Sequence[dict[str, Any]]) -> list[str]:
    keys = list(records[0])
    table = [keys, *([record[key] for key in keys] for record in records)]
    widths = [max(len(row[column]) for row in table) for column in range(len(keys))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
