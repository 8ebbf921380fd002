"""The command ``zoo``: its name, its help, and which module each command comes from.

Imports nothing that restores; `zoo.commands` is loaded when a command is used.
"""

from __future__ import annotations

import click

from degrade.terminal import LazyGroup

__all__ = ["main"]

_COMMANDS = {
    "list": (
        "zoo.commands.list:list_restorers",
        "Show every restorer: kind, size, licences, speed.",
    ),
    "card": ("zoo.commands.list:show_card", "Show what to know before using one restorer."),
    "restore": ("zoo.commands.restore:restore", "Restore a photo, a clip, or a folder of photos."),
    "app": ("zoo.commands.app:app_command", "Show a page to drop a photo on."),
    "align": ("zoo.commands.train:align_command", "Cut aligned faces to train on."),
    "pack": ("zoo.commands.pack:pack_command", "Put aligned faces into one file to train on."),
    "train": ("zoo.commands.train:train_command", "Train a restorer on aligned faces."),
    "synth": ("zoo.commands.synth:synth", "Draw faces of nobody with a generator."),
    "add": ("zoo.commands.add:add", "Add somebody else's restorer: weights or a program."),
    "remove": ("zoo.commands.add:remove", "Forget a restorer that was added."),
    "export": ("zoo.commands.export:export", "Write a trained restorer as an ONNX file."),
    "fetch": ("zoo.commands.fetch:fetch", "Download published weights and check them."),
}

_HELP = """Restorers behind one call, each with a card that says what it may be used for.

\b
Examples:
  zoo list
  zoo card nlmeans
  zoo restore photo.jpg restored.jpg
"""


@click.group(
    cls=LazyGroup,
    commands_from=_COMMANDS,
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def main() -> None:
    """Run one of the commands below."""
