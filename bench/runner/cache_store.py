"""A folder of entries by content: written whole, read only where their own digest agrees.

Knows bytes and keys; what they mean is in `bench.runner.cache`, how many there may be in
`bench.runner.cache_store`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from degrade.errors import UserError
from degrade.images import atomic_file

_MAGIC = b"relume-cache-1\n"
_DIGEST = hashlib.sha256().digest_size
_DAY = 86_400.0
_KEY = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"\.[0-9a-f]{16}\.part")
"""What `degrade.images.atomic_file` calls a file that is not finished."""
_FREE = 0.05
"""Of the limit: what is free once old entries went, and what a process writes before it looks
again how much there is, as looking takes time."""
_COARSE = 2.0
"""Seconds by which the clock of a file system may be behind."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a cache takes: files and bytes."""

    entries: int
    size: int


class CacheStore:
    """Entries below one folder, ``KIND/ab/abcd...``; any number of processes may share it.

    Near the limit (bytes) the entries go that nobody used for longest, but none that was used since
    this store was opened; where only such are left, nothing more is kept. Several processes do not
    know what the others write: each may pass the limit by a twentieth.
    """

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        self.folder = folder
        self.limit = limit_of(folder) if limit is None else limit
        self._opened = time.time() - _COARSE
        self._room = 0  # the first entry looks: what is there may be all that there may be
        self._closed = False

    def read(self, kind: str, key: str) -> bytes | None:
        """Return an entry by 64 hexadecimal digits, or None; a damaged one is removed."""
        path = self._path(kind, key)
        try:
            stored = path.read_bytes()
        except OSError:
            return None
        head = len(_MAGIC) + _DIGEST
        content = stored[head:]
        if stored[:head] == _MAGIC + hashlib.sha256(content).digest():
            self._note_use(path)
            return content
        self.forget(kind, key)
        return None

    def keep(self, kind: str, key: str, content: bytes) -> None:
        """Write an entry, whole or not at all, in place of one that is there.

        No result depends on it: where the disk is full or the folder cannot be written, this
        tells so once and nothing more is kept.
        """
        head = _MAGIC + hashlib.sha256(content).digest()
        if self._closed or not self._has_room(len(head) + len(content)):
            return
        try:
            with atomic_file(self._path(kind, key)) as file:
                file.write(head + content)
        except OSError as error:
            self._close(error.strerror or str(error))

    def forget(self, kind: str, key: str) -> None:
        """Remove an entry, if it is there and may be removed."""
        _remove(self._path(kind, key))

    def usage(self) -> dict[str, Usage]:
        """Return what each kind of entry takes, by kind, sorted."""
        matched: dict[str, Usage] = {}
        for entry in self._entries():
            kind = entry.path.parent.parent.name
            before = matched.get(kind, Usage(0, 0))
            matched[kind] = Usage(before.entries + 1, before.size + entry.size)
        return dict(sorted(matched.items()))

    def clear(self, older_than_days: float = 0.0) -> Usage:
        """Remove the entries that were written at least so many days ago; return what went.

        And what writers left that were killed. Nothing else in the folder is touched: a file
        must have the name and the place of an entry, and begin as one does.
        """
        latest = time.time() - older_than_days * _DAY
        self._sweep()
        return _removed(entry for entry in self._entries() if entry.written <= latest)

    def tidy(self) -> Usage:
        """Remove what is too much, and what writers left that were killed; return what went."""
        self._sweep()
        entries = list(self._entries())
        unneeded = overflow(entries, (1 - _FREE) * self.limit, self._opened)
        gone = _removed(entry for entry in unneeded if _is_unused_since(entry))
        self._room = self.limit - sum(entry.size for entry in entries) + gone.size
        return gone

    def _has_room(self, size: int) -> bool:
        """Say whether so many bytes may be written, after tidying where need be, and count them."""
        if size > self.limit:
            return False
        if size > self._room:
            self.tidy()
            if size > self._room:
                self._close(f"what this run keeps is all that {size_text(self.limit)} can hold")
                return False
            self._room = min(self._room, max(size, int(_FREE * self.limit)))
        self._room -= size
        return True

    def _close(self, reason: str) -> None:
        self._closed = True
        click.echo(f"nothing more is kept in the cache {self.folder}: {reason}", err=True)

    def _note_use(self, path: Path) -> None:
        """Set the time of the last use, once a run; systems do not keep it of themselves."""
        with contextlib.suppress(OSError):
            status = path.stat()
            if status.st_atime < self._opened:
                os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))

    def _path(self, kind: str, key: str) -> Path:
        return self.folder / kind / key[:2] / key

    def _entries(self) -> Iterator[Entry]:
        for parent, file in self._files():
            name = file.name
            if name[:2] == parent.name and _KEY.fullmatch(name):
                with contextlib.suppress(OSError):  # another process removed it, or not for us
                    status = file.stat()
                    used = max(status.st_atime, status.st_mtime)
                    yield Entry(parent / name, status.st_size, used, status.st_mtime)

    def _sweep(self) -> None:
        """Remove unfinished files of yesterday and before: nobody writes one for a day."""
        for parent, file in self._files():
            if _PART.fullmatch(file.name) and _is_ours(parent / file.name):
                with contextlib.suppress(OSError):
                    if file.stat().st_mtime < time.time() - _DAY:
                        _remove(parent / file.name)

    def _files(self) -> Iterator[tuple[Path, os.DirEntry[str]]]:
        """Yield every file with its folder; what may not be read is passed over, as `read` does."""
        for parent in self.folder.glob("*/[0-9a-f][0-9a-f]"):
            with contextlib.suppress(OSError), os.scandir(parent) as files:
                yield from ((parent, each) for each in files if each.is_file(follow_symlinks=False))


def _removed(entries: Iterator[Entry]) -> Usage:
    count = size = 0
    for entry in entries:
        if _is_ours(entry.path) and _remove(entry.path):
            count, size = count + 1, size + entry.size
    return Usage(count, size)


def _is_ours(path: Path) -> bool:
    """Say whether a file begins as an entry does; one that was cut at once may be empty."""
    try:
        with open(path, "rb", opener=_unnoticed) as file:
            return _MAGIC.startswith(file.read(len(_MAGIC)))
    except OSError:
        return False


def _unnoticed(path: str, flags: int) -> int:
    """Open a file so that its time of use stays, where the system knows how and allows it."""
    try:
        return os.open(path, flags | getattr(os, "O_NOATIME", 0))
    except PermissionError:  # of the files of others
        return os.open(path, flags)


def _is_unused_since(entry: Entry) -> bool:
    """Say whether nobody used an entry since it was listed."""
    try:
        return entry.path.stat().st_atime <= entry.used
    except OSError:
        return False


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False  # another process was first, or it may not be removed
    return True


LIMIT = "RELUME_CACHE_LIMIT"
"""The environment variable that says how much the cache may hold, such as ``50GB``."""

_MOST = 20 * 2**30
_SHARE_OF_DISK = 0.1
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a cache: bytes, and seconds since the epoch when it was last used, and written."""

    path: Path
    size: int
    used: float
    written: float


def limit_of(folder: Path) -> int:
    """Return how many bytes a cache in ``folder`` may hold; UserError where `LIMIT` is no size.

    Unset, 20 GiB, but no more than a tenth of the disk that the folder is on.
    """
    status = os.environ.get(LIMIT, "").strip()
    if status:
        return _parsed(status)
    parent = next((each for each in (folder, *folder.absolute().parents) if each.is_dir()), Path())
    return min(_MOST, int(_SHARE_OF_DISK * shutil.disk_usage(parent).total))


def overflow(entries: Iterable[Entry], limit: float, since: float) -> Iterator[Entry]:
    """Yield the entries that must go for the others to be within ``limit`` bytes.

    Those that nobody used for longest come first; none that was used at ``since`` or later,
    however much there is.
    """
    oldest = sorted(entries, key=lambda entry: (entry.used, entry.path))
    total = sum(entry.size for entry in oldest)
    for entry in oldest:
        if total <= limit or entry.used >= since:
            return
        total -= entry.size
        yield entry


def size_text(size: float) -> str:
    """Return a number of bytes as people read it, such as ``1.5 GB``."""
    for unit, factor in reversed(_UNITS.items()):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return "0 B"


def _parsed(status: str) -> int:
    matched = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]?B)", status.upper())
    if matched:
        return int(float(matched[1]) * _UNITS[matched[2]])
    if status == "0":
        return 0
    raise UserError(
        f"{LIMIT} is {status!r}, which is no size: write a number and B, KB, MB, GB or TB, such as "
        "50GB, or 0 to keep nothing"
    )
