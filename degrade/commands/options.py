"""Options that several commands share; importing them imports nothing that works.

A decorator such as `source_options` adds several options to a command, which gets them as one
argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from degrade.dataset.layout import ENCODINGS, HQ_WAYS, LARGEST_SHARD, LAYOUTS, StorageFormat
from degrade.executors import Engine
from degrade.images.decode_policy import CHOICES, PIXEL_LIMIT, DecodePolicy

if TYPE_CHECKING:
    from degrade.dataset.sources import ImageSource

Command = Callable[..., Any]

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
    help="Degraded versions of each image.",
)
longest_option = click.option(
    "--longest-side",
    type=click.IntRange(1, 65535),
    metavar="PIXELS",
    help="Shrink larger images to this longer side first, by area averaging.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
allow_failed_option = click.option(
    "--allow-failed", is_flag=True, help="Exit 0 even if some inputs could not be used."
)


def _gathered(
    command: Command,
    options: Sequence[Callable[[Command], Command]],
    argument: str,
    gather: Callable[[dict[str, Any]], Any],
) -> Command:
    """Return the command with more options, whose values ``gather`` turns into one argument."""

    @wraps(command)
    def with_options(*args: Any, **values: Any) -> Any:
        gathered = gather(values)
        return command(*args, **{argument: gathered}, **values)

    decorated: Command = with_options
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


def engine_options(command: Command) -> Command:
    """Add the options of where to work; the command gets them as ``engine``, an `Engine`."""
    options = [
        click.option(
            "--workers",
            type=click.IntRange(1, 1024),
            default=1,
            show_default=True,
            help="Processes.",
        ),
        click.option(
            "--scheduler",
            metavar="ADDRESS|FILE",
            help="A running Dask scheduler, tcp://HOST:8786, or the file it wrote; its workers do "
            "the work, --workers does not count.",
        ),
    ]
    return _gathered(
        command,
        options,
        "engine",
        lambda values: Engine(values.pop("workers"), values.pop("scheduler")),
    )


def storage_options(command: Command) -> Command:
    """Add the options of how pairs are stored; the command gets them as ``storage_format``."""
    formats = click.Choice(ENCODINGS)
    options = [
        click.option(
            "--format",
            "layout",
            type=click.Choice(LAYOUTS),
            default="files",
            show_default=True,
            help="hq/ and lq/ folders with equal names, or tar files of WebDataset in shards/.",
        ),
        click.option(
            "--shard-size",
            "shard_images",
            type=click.IntRange(1, LARGEST_SHARD),
            metavar="IMAGES",
            help="Images done, and lost if interrupted, at once; with webdataset, in a tar file.",
        ),
        click.option(
            "--lq-format",
            type=formats,
            default="png",
            show_default=True,
            help="All are without loss; qoi and jxl are written faster and have fewer readers.",
        ),
        click.option(
            "--hq-format", type=formats, default="png", show_default=True, help="As --lq-format."
        ),
        click.option(
            "--hq",
            type=click.Choice(HQ_WAYS),
            default="store",
            show_default=True,
            help="copy keeps the source's file, and its ending, where it is the HQ as it stands; "
            "none leaves HQ out.",
        ),
        click.option(
            "--keep-small",
            is_flag=True,
            help="Store LQ as it is before its last enlarging, where that loses nothing; "
            "degrade.StoredPairs enlarges it, other readers see the small one.",
        ),
    ]
    names = ("layout", "shard_images", "lq_format", "hq_format", "hq", "keep_small")
    return _gathered(
        command,
        options,
        "storage_format",
        lambda values: StorageFormat(**{name: values.pop(name) for name in names}),
    )


_POLICY_HELP = {
    "exif": "Turn images upright by their EXIF orientation, or not.",
    "icc": "Convert embedded colour profiles to sRGB, or take levels for sRGB.",
    "alpha": "Lay transparent pixels on a colour, keep their own, or fail the input.",
    "grey": "Make three channels of one, or fail the input.",
    "sixteen_bit": "Round 16 bits to 8, or fail the input.",
    "cmyk": "Make RGB of CMYK, or fail the input.",
}


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How to read images, where from, and how strictly; `open` opens a source so."""

    longest_side: int | None
    root: str | None
    strict: bool
    policies: dict[str, str | int]

    def open(self, source: str) -> ImageSource:
        """Return the source of a command's argument.

        A named set with another number of images than it is known to have gives a note on
        standard error, and is refused where ``--strict`` was given.
        """
        return self._open(source, self.longest_side)

    def open_testset(self, source: str, recipe: str | None) -> tuple[ImageSource, str]:
        """Return ``(source, recipe)`` of an argument that may be the name of a test set.

        Raises UsageError when neither it nor ``--recipe`` names a recipe, or both do.
        """
        from degrade.dataset.named import find_testset

        testset = find_testset(source)
        if testset is None:
            if recipe is None:
                raise click.UsageError("Missing option '--recipe'.")
            return self.open(source), recipe
        for value, option in ((recipe, "--recipe"), (self.longest_side, "--longest-side")):
            if value is not None:
                raise click.UsageError(f"{option} is what the test set {testset.name} fixes")
        return self._open(testset.dataset, testset.longest_side), testset.recipe

    def _open(self, name: str, longest: int | None) -> ImageSource:
        from degrade.dataset.sources import open_source
        from degrade.errors import DatasetError

        reading = DecodePolicy.from_record(self.policies)
        source = open_source(name, longest=longest, reading=reading, root=self.root)
        count = len(source.keys) + len(source.unusable)
        if source.expected is not None and source.expected != count:
            note = f"{name} has {count:,} images at {source.root}, {source.expected:,} are known"
            if self.strict:
                raise DatasetError(f"{note}: complete it, or leave out --strict", exit_code=1)
            click.echo(f"note: {note}", err=True)
        return source


def source_options(command: Command) -> Command:
    """Add the options of reading; the command gets them as ``opening``, a `SourceOptions`."""
    options = [
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
                help=_POLICY_HELP[name],
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

    def gather(values: dict[str, Any]) -> SourceOptions:
        policies = {name: values.pop(name) for name in (*CHOICES, "pixel_limit")}
        return SourceOptions(
            values.pop("longest_side"), values.pop("root"), values.pop("strict"), policies
        )

    return _gathered(command, options, "opening", gather)
