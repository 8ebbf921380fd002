"""How much a cache may hold, and which of its entries go when it holds more.

Arithmetic only, but for the size of the disk; `bench.runner.cache_store` removes files.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from degrade.errors import UserError

__all__ = ["LIMIT", "Entry", "limit_of", "overflow", "size_text"]

LIMIT = "RELUME_CACHE_LIMIT"
"""The environment variable that says how much the cache may hold, such as ``50GB``."""

_MOST = 20 * 2**30
_SHARE_OF_DISK = 0.1
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that has the name and the place of an entry of a cache.

    Attributes
    ----------
    path, size
        Where it is, and its bytes.
    used, written
        When it was last read or written, and written, seconds since the epoch.
    """

    path: Path
    size: int
    used: float
    written: float


def limit_of(folder: Path) -> int:
    """Return how many bytes a cache in ``folder`` may hold.

    As `LIMIT` says; else 20 GiB, but no more than a tenth of the disk that the folder is on.

    Raises
    ------
    UserError
        The variable is set and is no size.
    """
    told = os.environ.get(LIMIT, "").strip()
    if told:
        return _parsed(told)
    place = next((each for each in (folder, *folder.absolute().parents) if each.is_dir()), Path())
    return min(_MOST, int(_SHARE_OF_DISK * shutil.disk_usage(place).total))


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


def _parsed(told: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]?B)", told.upper())
    if found:
        return int(float(found[1]) * _UNITS[found[2]])
    if told == "0":
        return 0
    raise UserError(
        f"{LIMIT} is {told!r}, which is no size: write a number and B, KB, MB, GB or TB, such as "
        "50GB, or 0 to keep nothing"
    )
