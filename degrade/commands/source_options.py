"""The options of every command that reads pictures: how, where from, and how strictly."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from degrade.commands.options import longest_option
from degrade.images.reading import CHOICES, PIXEL_LIMIT

if TYPE_CHECKING:
    from degrade.dataset.sources import ImageSource

__all__ = ["Opening", "source_options"]

Command = TypeVar("Command", bound=Callable[..., Any])

_HELP = {
    "exif": "Turn pictures upright by their EXIF orientation, or not.",
    "icc": "Convert embedded colour profiles to sRGB, or take levels for sRGB.",
    "alpha": "Lay transparent pixels on a colour, keep their own, or fail the input.",
    "grey": "Make three channels of one, or fail the input.",
    "sixteen_bit": "Round 16 bits to 8, or fail the input.",
    "cmyk": "Make RGB of CMYK, or fail the input.",
}


@dataclass(frozen=True, slots=True)
class Opening:
    """What the options said; `open` opens a source so."""

    longest_side: int | None
    root: str | None
    strict: bool
    policies: dict[str, str | int]

    def open(self, source: str) -> ImageSource:
        """Return the source of a command's argument.

        A named set with another number of pictures than it is known to have is told on standard
        error, and refused where ``--strict`` was given.
        """
        return self._open(source, self.longest_side)

    def open_testset(self, source: str, recipe: str | None) -> tuple[ImageSource, str]:
        """Return ``(source, recipe)`` of an argument that may be the name of a test set.

        Raises UsageError when neither it nor ``--recipe`` names a recipe, or both do.
        """
        from degrade.dataset.testsets import find_testset

        testset = find_testset(source)
        if testset is None:
            if recipe is None:
                raise click.UsageError("Missing option '--recipe'.")
            return self.open(source), recipe
        for given, option in ((recipe, "--recipe"), (self.longest_side, "--longest-side")):
            if given is not None:
                raise click.UsageError(f"{option} is what the test set {testset.name} fixes")
        return self._open(testset.dataset, testset.longest_side), testset.recipe

    def _open(self, source: str, longest: int | None) -> ImageSource:
        from degrade.dataset.sources import open_source
        from degrade.errors import DatasetError
        from degrade.images import Reading

        reading = Reading.from_record(self.policies)
        opened = open_source(source, longest=longest, reading=reading, root=self.root)
        found = len(opened.keys) + len(opened.unusable)
        if opened.expected is not None and opened.expected != found:
            told = (
                f"{source} has {found:,} pictures at {opened.root}, {opened.expected:,} are known"
            )
            if self.strict:
                raise DatasetError(f"{told}: complete it, or leave out --strict", exit_code=1)
            click.echo(f"note: {told}", err=True)
        return opened


def source_options(command: Command) -> Command:
    """Give a command the options of reading; it gets them as one argument, ``opening``."""

    @functools.wraps(command)
    def with_opening(
        *arguments: Any,
        longest_side: int | None,
        root: str | None,
        strict: bool,
        pixel_limit: int,
        **others: Any,
    ) -> Any:
        policies = {name: others.pop(name) for name in CHOICES} | {"pixel_limit": pixel_limit}
        opening = Opening(longest_side, root, strict, policies)
        return command(*arguments, opening=opening, **others)

    decorated: Any = with_opening
    for option in reversed(_options()):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def _options() -> list[Callable[[Any], Any]]:
    return [
        longest_option,
        click.option("--root", metavar="FOLDER|URL", help="Where the dataset named SOURCE is."),
        click.option(
            "--strict", is_flag=True, help="Refuse a named dataset that has another count."
        ),
        *(
            click.option(
                f"--{name.replace('_', '-')}",
                name,
                type=click.Choice(values),
                default=values[0],
                show_default=True,
                help=_HELP[name],
            )
            for name, values in CHOICES.items()
        ),
        click.option(
            "--pixel-limit",
            type=click.IntRange(1, PIXEL_LIMIT),
            default=PIXEL_LIMIT,
            show_default=True,
            help="Fail inputs of more pixels, before they are decoded.",
        ),
    ]
