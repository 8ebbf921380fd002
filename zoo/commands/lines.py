"""How the commands of ``zoo`` print: tables whose columns line up, and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

__all__ = ["aligned", "echo_json", "json_option"]

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON for a program.")


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows as lines whose columns start at the same place; the last is not padded."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell if last else cell.ljust(width)
            for cell, width, last in zip(row, widths, _last(len(row)), strict=True)
        )
        for row in rows
    ]


def echo_json(content: object) -> None:
    """Print a value as JSON to standard output."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))


def _last(count: int) -> list[bool]:
    return [False] * (count - 1) + [True]
