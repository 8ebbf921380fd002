"""What mkdocs runs while it builds the site: the page of commands from their own help texts."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

_PAGE = "reference/commands.md"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Append the help text of every command to the page of commands."""
    if page.file.src_uri != _PAGE:
        return markdown
    sections = [markdown]
    for program in ("degrade", "zoo", "bench"):
        group = import_module(f"{program}.cli").main
        context = click.Context(group, info_name=program, max_content_width=88)
        sections.append(f"## {program}\n\n{_block(group, context)}")
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            child = click.Context(command, context, name, max_content_width=88)
            sections.append(f"### {program} {name}\n\n{_block(command, child)}")
    return "\n\n".join(sections)


def _block(command: click.Command, context: click.Context) -> str:
    return f"```text\n{command.get_help(context)}\n```"
