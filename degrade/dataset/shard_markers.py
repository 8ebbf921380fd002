"""What says that a shard is done: its rows, written after its files are on disk."""

from __future__ import annotations

import heapq
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from degrade.dataset.manifest import Row
from degrade.dataset.shards import Shard
from degrade.dataset.storage import Storage
from degrade.errors import DatasetError

__all__ = ["Markers"]

_FOLDER = ".shards"


@dataclass(frozen=True, slots=True)
class Markers:
    """The markers of a build that has no manifest yet."""

    storage: Storage

    def write(self, shard: int, rows: Sequence[Row]) -> None:
        """Say that a shard is done."""
        records = [row.as_record() for row in rows]
        self.storage.write(_name(shard), json.dumps(records).encode())

    def done(self) -> frozenset[int]:
        """Return the numbers of the shards that are done."""
        names = (name.rpartition("/")[2].split(".") for name in self.storage.names(_FOLDER))
        return frozenset(
            int(parts[0]) for parts in names if parts[1:] == ["json"] and parts[0].isdecimal()
        )

    def read(self, shard: int) -> list[Row]:
        """Return a shard's rows.

        Raises FileNotFoundError without a marker, DatasetError for a damaged one.
        """
        try:
            return [Row(**record) for record in json.loads(self.storage.read(_name(shard)))]
        except (ValueError, TypeError):
            raise DatasetError(
                f"{self.storage.location}/{_name(shard)} is damaged: remove it and run the same "
                "command again"
            ) from None

    def rows(self, shards: Iterable[Shard]) -> Iterator[Row]:
        """Yield the rows of all shards in the order of their keys.

        Shards follow each other in that order, so those of one or two are in memory; only a
        picture named like another one's variant can reach into the next.
        """
        waiting: list[tuple[str, str, int, Row]] = []
        for shard in shards:
            while waiting and waiting[0][0] < shard.first_key:
                yield heapq.heappop(waiting)[-1]
            for place, row in enumerate(self.read(shard.index)):
                heapq.heappush(waiting, (row.key, row.status, place, row))
        while waiting:
            yield heapq.heappop(waiting)[-1]

    def remove(self) -> None:
        """Remove every marker; another build of the same folder may do so at the same time."""
        for name in self.storage.names(_FOLDER):
            self.storage.remove(name)
        if self.storage.local is not None:
            shutil.rmtree(self.storage.local / _FOLDER, ignore_errors=True)


def _name(shard: int) -> str:
    return f"{_FOLDER}/{shard:07d}.json"
