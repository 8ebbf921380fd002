"""The options of `degrade build` that say how pairs are stored."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from degrade.dataset.layout import ENCODINGS, HQ_WAYS, LARGEST_SHARD, LAYOUTS, Storing

__all__ = ["storing_options"]

_OPTIONS = (
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
        help="Pictures done, and lost if interrupted, at once; with webdataset, in a tar file.",
    ),
    click.option(
        "--lq-format",
        type=click.Choice(ENCODINGS),
        default="png",
        show_default=True,
        help="All are without loss; qoi and jxl are written faster and have fewer readers.",
    ),
    click.option(
        "--hq-format",
        type=click.Choice(ENCODINGS),
        default="png",
        show_default=True,
        help="As --lq-format.",
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
)


def storing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as ``storing``, a `Storing`."""

    @wraps(command)
    def with_storing(*args: Any, **values: Any) -> Any:
        names = ("layout", "shard_images", "lq_format", "hq_format", "hq", "keep_small")
        storing = Storing(**{name: values.pop(name) for name in names})
        return command(*args, storing=storing, **values)

    for option in reversed(_OPTIONS):
        with_storing = option(with_storing)
    return with_storing
