"""The options of commands whose work may be spread over processes or a cluster."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from degrade.executors import Engine

__all__ = ["engine_options"]

_OPTIONS = (
    click.option(
        "--workers", type=click.IntRange(1, 1024), default=1, show_default=True, help="Processes."
    ),
    click.option(
        "--scheduler",
        metavar="ADDRESS|FILE",
        help="A running Dask scheduler, tcp://HOST:8786, or the file it wrote; its workers do "
        "the work, --workers does not count.",
    ),
)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as ``engine``, an `Engine`."""

    @wraps(command)
    def with_engine(*args: Any, workers: int, scheduler: str | None, **values: Any) -> Any:
        return command(*args, engine=Engine(workers, scheduler), **values)

    for option in reversed(_OPTIONS):
        with_engine = option(with_engine)
    return with_engine
