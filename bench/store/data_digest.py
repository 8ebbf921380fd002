"""Which pixels a run was about: a digest of every truth and degraded image of a condition.

Names and seeds can be equal where pictures are not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from bench.runner.cache import pixels_of
from bench.store.photographs import ImageKey
from bench.suite.conditions import Pair

__all__ = ["DataDigests"]

Where = tuple[str, str]


class DataDigests:
    """The digests of images as they come by; picklable."""

    def __init__(self) -> None:
        self._found: dict[tuple[Where, ImageKey], str] = {}

    def add(self, where: Where, key: ImageKey, pair: Pair) -> None:
        """Take in one pair, ``where`` being its data set and recipe."""
        self._found[where, key] = f"{pixels_of(pair.hq)} {pixels_of(pair.lq)}"

    def take(self, other: DataDigests) -> None:
        """Take in everything another one holds."""
        self._found.update(other._found)

    def of(self, where: Where, keys: Iterable[ImageKey]) -> str | None:
        """Return one digest of these images, whatever order they came in.

        None where one of them could not be read.
        """
        total = hashlib.sha256()
        for key in sorted(keys):
            found = self._found.get((where, key))
            if found is None:
                return None
            total.update(f"{key[0]}\0{key[1]} {found}\n".encode("utf-8", "surrogateescape"))
        return total.hexdigest()
