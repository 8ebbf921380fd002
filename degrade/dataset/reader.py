"""Read what `degrade build` stored: files by name, members of tar files, LQ kept small."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from degrade.dataset.lock import read_lock, source_of
from degrade.dataset.manifest import Row, check_name, read_manifest, storage_of
from degrade.dataset.sources import ImageSource
from degrade.dataset.storage import Storage
from degrade.engine.apply import carry_out, steps_of
from degrade.engine.small import finished
from degrade.errors import ImageError
from degrade.feed.paired_dataset import Pair
from degrade.images import Image, decode_image
from degrade.planner.plan import Plan

__all__ = ["StoredPairs", "read_file", "read_lq"]

_MEMBERS = 3
"""Of a pair in a tar file: HQ, LQ and its record."""


def read_file(storage: Storage, row: Row, name: str) -> bytes:
    """Return one of the files that a row names, from where the row says it is.

    Raises DatasetError when a name leads outside the dataset, ImageError when a tar file does
    not hold what the row says, OSError when there is no such file.
    """
    check_name(storage.location, name)
    if not row.shard:
        return storage.read(name)
    check_name(storage.location, row.shard)
    with storage.reading(row.shard) as file:
        try:
            file.seek(_not_negative(row.shard_offset))
            with tarfile.open(fileobj=file, mode="r:") as tar:
                for _ in range(_MEMBERS):
                    member = tar.next()
                    if member is not None and member.name == name and member.isreg():
                        content = tar.extractfile(member)
                        return content.read() if content is not None else b""
        except (tarfile.TarError, ValueError, EOFError) as error:
            raise ImageError(f"{row.shard} is damaged at {row.shard_offset}: {error}") from None
    raise ImageError(f"{row.shard} does not hold {name} at {row.shard_offset}")


def _not_negative(offset: int) -> int:
    if offset < 0:
        raise ValueError("that is no place in a file")
    return offset


def read_lq(storage: Storage, row: Row, plan: Plan) -> Image:
    """Return the whole LQ of a row, finished if it was kept small.

    Raises ImageError for a damaged picture, ValueError when the plan has no such steps, and
    what `read_file` raises.
    """
    kept = decode_image(read_file(storage, row, row.lq_file_name), row.lq_file_name)
    return finished(plan, kept, row.lq_steps_left)


class StoredPairs:
    """The pairs that `degrade build` made, read as they are stored; picklable.

    Parameters
    ----------
    location
        The folder or URL of the dataset.
    source
        Where the sharp pictures are, for a dataset that does not hold them; by default where
        the build took them from.

    Raises
    ------
    DatasetError
        There is no dataset, it is damaged, or its sharp pictures are not to be found.
    """

    def __init__(self, location: str | Path, source: str | Path | None = None) -> None:
        self._storage = storage_of(location)
        self.rows: tuple[Row, ...] = read_manifest(self._storage).rows
        self._source: ImageSource | None = None
        if any(not row.hq_file_name for row in self.rows):
            self._source = source_of(read_lock(self._storage), source)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Pair:
        row = self.rows[index]
        plan = Plan.from_json(row.plan)
        return Pair(row.key, self._hq(row, plan), read_lq(self._storage, row, plan), plan)

    def __iter__(self) -> Iterator[Pair]:
        return (self[index] for index in range(len(self)))

    def _hq(self, row: Row, plan: Plan) -> Image:
        if self._source is not None:
            return carry_out(plan, self._source.read(row.source), steps_of(plan, "hq"))
        return decode_image(read_file(self._storage, row, row.hq_file_name), row.hq_file_name)
