"""What the three commands print: one-line errors, progress, tables, help without imports.

Progress and errors go to standard error; tables are results, for standard output.
"""

from __future__ import annotations

import errno
import os
import sys
import time
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from degrade.errors import UserError
from degrade.lazy import load_attribute

Item = TypeVar("Item")

_FILE_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space and run the same command again",
    errno.EDQUOT: "the disk quota is used up: free some space and run the same command again",
    errno.EACCES: "permission denied: choose a place that you may read and write",
    errno.EPERM: "permission denied: choose a place that you may read and write",
    errno.EROFS: "the file system is read-only: choose a folder you may write to",
    errno.ENOENT: "no such file or folder",
    errno.EISDIR: "that is a folder, a file was expected",
    errno.ENOTDIR: "a part of that path is a file, a folder was expected",
    errno.EEXIST: "a file of that name is in the way",
    errno.ENAMETOOLONG: "that file name is too long",
}

_INTERRUPTED = 128 + 2
"""Exit code after Ctrl-C: what shells report for a command that ended by signal 2, SIGINT."""


def _one_line(message: str, exit_code: int) -> click.ClickException:
    """Return the click error that prints ``Error: message`` and exits with that code."""
    error = click.ClickException(message)
    error.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance
    return error


class LazyGroup(click.Group):
    """A click group whose commands are imported when used and whose errors are one line.

    Parameters
    ----------
    commands_from
        Command name to ``(reference, one-line help)``, the reference as `load_attribute` takes
        it; the help line is kept here so that ``--help`` imports none of the modules.
    """

    def __init__(
        self,
        *args: Any,
        commands_from: Mapping[str, tuple[str, str]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._commands_from = dict(commands_from or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order they were declared."""
        return [*self._commands_from, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command, or None when there is none of that name."""
        if cmd_name not in self._commands_from:
            return super().get_command(ctx, cmd_name)
        command = load_attribute(self._commands_from[cmd_name][0])
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands from the declared help lines."""
        rows = [(name, text) for name, (_, text) in self._commands_from.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn a person's mistakes into one line and an exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise _one_line("interrupted", _INTERRUPTED) from None
        except UserError as error:
            raise _one_line(str(error), error.exit_code) from error
        except ModuleNotFoundError as error:
            raise _missing_package(error) from error
        except OSError as error:
            if error.errno not in _FILE_ADVICE:
                raise
            file_name = f"{error.filename}: " if error.filename else ""
            raise _one_line(f"{file_name}{_FILE_ADVICE[error.errno]}", 2) from error


@contextmanager
def resume_hint() -> Iterator[None]:
    """Say, when Ctrl-C ends the block, that the same command goes on where it stopped."""
    try:
        yield
    except (KeyboardInterrupt, SystemError) as error:
        if not _by_interrupt(error):
            raise
        raise UserError(
            "interrupted: run the same command again to go on", exit_code=_INTERRUPTED
        ) from None


def _by_interrupt(error: BaseException | None) -> bool:
    """Return whether Ctrl-C is at an error's root: compiled code turns it into SystemError."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _missing_package(error: ModuleNotFoundError) -> Exception:
    extras = {"torch": "zoo", "torchvision": "zoo", "timm": "zoo", "safetensors": "zoo"}
    extras |= {"dlib": "zoo", "spandrel": "zoo", "torchmetrics": "bench", "jinja2": "bench"}
    extras |= {"pyiqa": "pyiqa", "distributed": "dask"}
    extras |= {"fsspec": "remote", "s3fs": "remote"}
    name = (error.name or "").partition(".")[0]
    if name not in extras:
        return error
    return _one_line(
        f"the package {name} is not installed: run `pip install 'relume[{extras[name]}]'`", 2
    )


class Progress:
    """A bar on a terminal, a plain line every few seconds elsewhere; always on standard error.

    Parameters
    ----------
    total
        How many units there are; None when unknown.
    label
        What is being done, a few words.
    unit
        What one step is: ``pair``, ``image``, ``face``.
    """

    def __init__(self, total: int | None, label: str, unit: str = "image") -> None:
        self._label, self._unit, self._total = label, unit, total
        self._count, self._before = 0, 0
        self._note = ""
        self._start = self._told = time.monotonic()
        self._bar: Any = None
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            from tqdm import tqdm

            self._bar = tqdm(total=total, desc=label, unit=unit, leave=False, dynamic_ncols=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._count:
            self._tell()

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count ``steps`` more units as done; ``note`` is shown beside the bar or in the line."""
        self._count += steps
        self._note = note or self._note
        if self._bar is not None:
            if note:
                self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(steps)
        elif time.monotonic() - self._told > 5:
            self._tell()

    def begin_at(self, count: int, total: int | None) -> None:
        """Say, before the first step, what an earlier run had done, and of how many."""
        self._count = self._before = count
        self._total = total
        if self._bar is not None:
            self._bar.total, self._bar.initial = total, count
            self._bar.n = count
            self._bar.refresh()

    def _tell(self) -> None:
        self._told = time.monotonic()
        rate = (self._count - self._before) / max(self._told - self._start, 1e-9)
        of = f"/{self._total}" if self._total is not None else ""
        left = ""
        if self._total is not None and rate and self._count < self._total:
            left = f", {_duration((self._total - self._count) / rate)} left"
        note = f", {self._note}" if self._note else ""
        click.echo(
            f"{self._label}: {self._count}{of} {self._unit}s, "
            f"{rate:.1f} {self._unit}s/s{left}{note}",
            err=True,
        )


def _duration(seconds: float) -> str:
    """Return a time as ``42 s``, ``3:05 min`` or ``2:10 h``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole // 60 % 60:02d} h"


def progress(
    items: Iterable[Item], label: str, unit: str = "image", total: int | None = None
) -> Iterator[Item]:
    """Yield every item while showing how far along it is; see `Progress`."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with Progress(total, label, unit) as bar:
        for item in items:
            yield item
            bar.advance()


def columns(rows: Sequence[Sequence[str]], left: Collection[int] | None = None) -> list[str]:
    """Return rows of cells as lines whose columns line up, two spaces apart.

    Parameters
    ----------
    rows
        Rows of equally many cells.
    left
        Positions of the columns to align left, the others are aligned right; None for all.
    """
    widths = [max(map(text_width, cells)) for cells in zip(*rows, strict=True)]
    return [
        "  ".join(
            padded(cell, width, right=left is not None and position not in left)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Return the text with spaces after it, or before it, up to a width in terminal cells."""
    spaces = " " * (width - text_width(text))
    return spaces + text if right else text + spaces


def text_width(text: str) -> int:
    """Return how many terminal cells a text takes: East Asian wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
