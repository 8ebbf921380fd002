"""A part of a build, as one job of an array does it: every n-th shard."""

from __future__ import annotations

import re
from dataclasses import dataclass

from degrade.errors import UserError

__all__ = ["Part"]

_FORM = re.compile(r"([0-9]{1,9})/([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """Part ``index`` of ``count``, counted from 1, as in ``--shards 2/8``.

    Shards are dealt out in turn, so the parts differ by one shard at most, and a part beyond
    the number of shards is empty. Raises UserError when there is no such part.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise UserError(
                f"there is no part {self.index} of {self.count}: parts count from 1, "
                "as 1/8 … 8/8 (a job array that counts from 0 gives its index + 1)"
            )

    @classmethod
    def parse(cls, text: str) -> Part:
        """Return the part that is written ``2/8``; raises UserError."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise UserError(f"'{text}' is no part: give INDEX/COUNT, as 2/8")
        return cls(int(found[1]), int(found[2]))

    def has(self, shard_index: int) -> bool:
        """Return whether the shard of that index, counted from 0, belongs to this part."""
        return shard_index % self.count == self.index - 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"
