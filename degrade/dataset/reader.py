"""Read what `degrade build` stored: files by name, members of tar files, LQ kept small.

Also rebuilds single pairs from their rows.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from degrade.dataset.lock import read_lock, source_of
from degrade.dataset.manifest import (
    FAILED_FILE,
    DatasetLocation,
    check_name,
    iter_rows,
    read_manifest,
    storage_of,
)
from degrade.dataset.paired_dataset import Pair
from degrade.dataset.rows import ManifestRow
from degrade.dataset.sources import ImageSource
from degrade.dataset.storage import Storage
from degrade.engine.apply import apply_pair, carry_out, steps_of
from degrade.engine.small import finished
from degrade.errors import DatasetError, ImageError
from degrade.images import Image, decode_image
from degrade.planner.plan import Plan
from degrade.random import normalise_path

_MEMBERS = 3
"""Of a pair in a tar file: HQ, LQ and its record."""


def read_file(storage: Storage, row: ManifestRow, name: str) -> bytes:
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
        raise ValueError("a negative offset")
    return offset


def read_lq(storage: Storage, row: ManifestRow, plan: Plan) -> Image:
    """Return the whole LQ of a row, finished if it was kept small.

    Raises ImageError for a damaged image, ValueError when the plan has no such steps, and
    what `read_file` raises.
    """
    stored = decode_image(read_file(storage, row, row.lq_file_name), row.lq_file_name)
    return finished(plan, stored, row.lq_steps_left)


class StoredPairs:
    """The pairs that `degrade build` made, read as they are stored; picklable.

    Parameters
    ----------
    location
        The folder or URL of the dataset.
    source
        Where the sharp images are, for a dataset that does not hold them; by default where
        the build took them from.

    Raises
    ------
    DatasetError
        There is no dataset, it is damaged, or its sharp images are not to be found.
    """

    def __init__(self, location: str | Path, source: str | Path | None = None) -> None:
        self._storage = storage_of(location)
        self.rows: tuple[ManifestRow, ...] = read_manifest(self._storage).rows
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

    def _hq(self, row: ManifestRow, plan: Plan) -> Image:
        if self._source is not None:
            return carry_out(plan, self._source.read(row.source), steps_of(plan, "hq"))
        return decode_image(read_file(self._storage, row, row.hq_file_name), row.hq_file_name)


def plan_of(row: ManifestRow) -> Plan:
    """Return the plan of a row; raises ValueError when it is damaged or of another row."""
    plan = Plan.from_json(row.plan)
    if (plan.image_id, plan.variant) != (normalise_path(row.source), row.variant):
        raise ValueError(f"it is of {plan.image_id}, variant {plan.variant}")
    if plan.to_json() != row.plan:
        raise ValueError("it is not written as Relume writes it")
    return plan


def find_row(location: DatasetLocation, key: str) -> ManifestRow:
    """Return the row of a pair by its key or either file name; raises DatasetError."""
    keys: list[str] = []
    for row in iter_rows(location):
        if key in (row.key, row.hq_file_name, row.lq_file_name):
            return row
        keys.append(row.key)
    from degrade.config import nearest

    for row in iter_rows(location, FAILED_FILE):
        if key in (row.key, row.source):
            raise DatasetError(f"'{key}' has no pair, its input failed: {row.error}")
    raise DatasetError(f"unknown pair '{key}' in the manifest.{nearest(key, keys)}")


def replay(
    location: DatasetLocation, key: str, source: str | Path | None = None
) -> tuple[ManifestRow, Image, Image]:
    """Return ``(row, hq, lq)`` of one pair, rebuilt from its row and the source's image.

    Parameters
    ----------
    location
        The dataset.
    key
        The pair's key, or one of its file names.
    source
        Where the source images are; by default where the build took them from, else the
        stored HQ, when the recipe leaves the HQ as it is.

    Raises
    ------
    DatasetError
        There is no such pair, or no image to start from.
    """
    storage = storage_of(location)
    row = find_row(storage, key)
    try:
        plan = plan_of(row)
    except ValueError as error:
        raise DatasetError(f"the plan of {row.key} is damaged: {error}", exit_code=1) from None
    hq, lq = apply_pair(plan, _source_picture(storage, row, plan, source))
    return row, hq, lq


def _source_picture(
    storage: Storage, row: ManifestRow, plan: Plan, source: str | Path | None
) -> Image:
    lock = read_lock(storage)
    normalise_path(row.source)  # refuses a source outside its folder
    if source is None and row.hq_file_name and not steps_of(plan, "hq"):
        try:
            sources = source_of(lock)
        except DatasetError:
            sources = None
        if sources is None or sources.size_in_bytes(row.source) < 0:
            data = read_file(storage, row, row.hq_file_name)
            return decode_image(data, row.hq_file_name)
        return sources.read(row.source)
    return source_of(lock, source).read(row.source)
