"""What a writer is given and what it says about where that went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Encoded", "PairWriter", "Stored"]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One pair, ready to be stored.

    Attributes
    ----------
    key
        The pair's; slashes make folders, there are no dots.
    hq, lq
        Encoded files; no HQ is None.
    hq_ending, lq_ending
        Of their names, such as ``png``.
    hq_key
        Key of the pair in this shard that has the same HQ and came first; its own if none did.
    record
        What a tar file says beside the pictures: JSON.
    """

    key: str
    hq: bytes | None
    lq: bytes
    hq_ending: str
    lq_ending: str
    hq_key: str
    record: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a pair went: its part of a `degrade.dataset.manifest.Row`, of the same names."""

    hq_file_name: str
    lq_file_name: str
    shard: str = ""
    shard_offset: int = 0


class PairWriter(Protocol):
    """Stores the pairs of one shard. The same pairs written twice are the same bytes."""

    def add(self, pair: Encoded) -> Stored:
        """Store a pair; it is on disk once the writer's block has ended."""
