"""``degrade list``."""

from __future__ import annotations

import json
from typing import Any

import click

from degrade.commands.options import json_option
from degrade.terminal import columns


@click.command("list")
@click.option("--operations", "what", flag_value="operations", help="List the operations.")
@click.option("--datasets", "what", flag_value="datasets", help="List the named datasets.")
@click.option("--testsets", "what", flag_value="testsets", help="List the test sets.")
@click.option("--dataset", metavar="NAME", help="Show all that is known of one dataset.")
@click.option("--recipes", "what", flag_value="recipes", default="recipes", help="The default.")
@json_option
def list_command(what: str, dataset: str | None, as_json: bool) -> None:
    """Show the recipes, with the median PSNR of what they make (dB, lower is harder).

    A recipe with switches is named with the values wanted, as in gfpgan:correct or
    imagenet-c:glass_blur:5; the others keep their defaults, which the list shows. --json shows
    every value.

    \b
    degrade list
    degrade list --operations
    degrade list --datasets
    degrade list --dataset celeba-hq
    """
    if dataset is not None:
        _show(_dataset(dataset), as_json)
        return
    records = {
        "operations": _operations,
        "datasets": _datasets,
        "testsets": _testsets,
        "recipes": _recipes,
    }[what]()
    if as_json:
        click.echo(json.dumps(records, indent=2))
        return
    records = [_with_default_switches(record) for record in records]
    for line in columns([list(records[0]), *(list(record.values()) for record in records)]):
        click.echo(line)


def _recipes() -> list[dict[str, Any]]:
    from degrade.recipe.reader import list_recipes, load_recipe

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
    from degrade.ops import OPERATIONS

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
    from degrade.dataset.named import list_datasets, locate

    return [
        {
            "name": name,
            "count": str(entry.count),
            "splits": " ".join(entry.splits or ()),
            "role": entry.role,
            "licence": entry.licence,
            "where": location or f"not here: {entry.page}",
            "summary": entry.summary,
        }
        for name, entry in list_datasets().items()
        for location in [locate(name)]
    ]


def _dataset(name: str) -> dict[str, Any]:
    """Return all that is known of one set, and what is found of it on this machine."""
    from degrade.config import nearest
    from degrade.dataset.named import (
        configuration,
        find_dataset,
        list_datasets,
        locate,
    )
    from degrade.errors import DatasetError

    table = list_datasets()
    if name not in table:
        raise DatasetError(
            f"unknown dataset '{name}': `degrade list --datasets` shows them.{nearest(name, table)}"
        )
    record = table[name].as_record()
    location = locate(name)
    if not location:
        own = configuration()
        return record | {"where": f"not here: --root, RELUME_DATA/{name}, or a line in {own}"}
    _, listing, _ = find_dataset(name)
    testsets = len(listing.names) + len(listing.unusable)
    return record | {"where": location, "found": testsets}


def _testsets() -> list[dict[str, Any]]:
    from degrade.dataset.named import find_testset, list_testsets

    testsets = [find_testset(name) for name in list_testsets()]
    return [
        {
            "name": testset.name,
            "dataset": testset.dataset,
            "recipe": testset.recipe,
            "longest_side": str(testset.longest_side or ""),
            "summary": testset.summary,
        }
        for testset in testsets
        if testset is not None
    ]


def _show(record: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(record, indent=2))
        return
    width = max(map(len, record))
    for key, value in record.items():
        if isinstance(value, dict):
            for name, known in value.items():
                words = known if isinstance(known, str) else _words(known)
                click.echo(f"{key:{width}}  {name}: {words}")
        else:
            words = ", ".join(value) if isinstance(value, list) else value
            click.echo(f"{key:{width}}  {words}")


def _words(split: dict[str, Any]) -> str:
    first, last = split["numbers"]
    return f"{split['count']} images, numbers {first} to {last} ({split['source']})"


def _with_default_switches(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with its switches, if it has any, as their default values."""
    if "switches" not in record:
        return record
    defaults = ":".join(switch["default"] for switch in record["switches"].values())
    return record | {"switches": defaults}
