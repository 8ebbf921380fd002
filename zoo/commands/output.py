"""JSON for programs, as the commands of ``zoo`` print it."""

from __future__ import annotations

import json

import click

__all__ = ["echo_json", "json_option"]

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON for a program.")


def echo_json(content: object) -> None:
    """Print a value as JSON to standard output."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))
