"""A folder of entries by content: written whole, read only where their own digest agrees.

Knows bytes and keys; what they mean is in `bench.cache`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from degrade.images import atomic_file

__all__ = ["CacheStore", "Usage"]

_MAGIC = b"relume-cache-1\n"
_DIGEST = hashlib.sha256().digest_size
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a cache takes: files and bytes."""

    entries: int
    size: int


class CacheStore:
    """Entries below one folder, ``KIND/ab/abcd...``; any number of processes may share it.

    Parameters
    ----------
    folder
        Made when the first entry is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, kind: str, key: str) -> bytes | None:
        """Return an entry, None where there is none; a damaged one is removed and is none.

        Parameters
        ----------
        kind
            A word.
        key
            64 hexadecimal digits.
        """
        path = self._path(kind, key)
        try:
            stored = path.read_bytes()
        except OSError:
            return None
        head = len(_MAGIC) + _DIGEST
        content = stored[head:]
        if stored[:head] == _MAGIC + hashlib.sha256(content).digest():
            return content
        self.forget(kind, key)
        return None

    def keep(self, kind: str, key: str, content: bytes) -> None:
        """Write an entry, whole or not at all, in place of one that is there."""
        with atomic_file(self._path(kind, key)) as file:
            file.write(_MAGIC + hashlib.sha256(content).digest() + content)

    def forget(self, kind: str, key: str) -> None:
        """Remove an entry, if it is there."""
        self._path(kind, key).unlink(missing_ok=True)

    def usage(self) -> dict[str, Usage]:
        """Return what each kind of entry takes, by kind, sorted."""
        found: dict[str, Usage] = {}
        for path in self._entries():
            kind = path.parent.parent.name
            before = found.get(kind, Usage(0, 0))
            found[kind] = Usage(before.entries + 1, before.size + path.stat().st_size)
        return dict(sorted(found.items()))

    def clear(self, older_than_days: float = 0.0) -> Usage:
        """Remove the entries that were written at least so many days ago; return what went.

        Nothing else in the folder is touched.
        """
        latest = time.time() - older_than_days * _DAY
        entries = size = 0
        for path in list(self._entries()):
            told = path.stat()
            if told.st_mtime <= latest:
                path.unlink(missing_ok=True)
                entries, size = entries + 1, size + told.st_size
        return Usage(entries, size)

    def _path(self, kind: str, key: str) -> Path:
        return self.folder / kind / key[:2] / key

    def _entries(self) -> Iterator[Path]:
        for path in self.folder.glob("*/??/*"):
            name = path.name
            is_key = len(name) == 2 * _DIGEST and set(name) <= set("0123456789abcdef")
            if is_key and path.parent.name == name[:2] and path.is_file():
                yield path
