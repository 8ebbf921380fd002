"""Rebuild single pairs of a built dataset from their rows."""

from __future__ import annotations

from pathlib import Path

from degrade.dataset.lock import read_lock, source_of
from degrade.dataset.manifest import FAILED_FILE, Place, iter_rows, storage_of
from degrade.dataset.reader import read_file
from degrade.dataset.row_check import plan_of
from degrade.dataset.rows import Row
from degrade.dataset.storage import Storage
from degrade.engine.apply import apply_pair, steps_of
from degrade.errors import DatasetError
from degrade.images import Image, decode_image
from degrade.planner.plan import Plan
from degrade.random import normalise_path

__all__ = ["find_row", "replay"]


def find_row(place: Place, key: str) -> Row:
    """Return the row of a pair by its key or either file name; raises DatasetError."""
    keys: list[str] = []
    for row in iter_rows(place):
        if key in (row.key, row.hq_file_name, row.lq_file_name):
            return row
        keys.append(row.key)
    from degrade.config import nearest

    for row in iter_rows(place, FAILED_FILE):
        if key in (row.key, row.source):
            raise DatasetError(f"'{key}' has no pair, its input failed: {row.error}")
    raise DatasetError(f"there is no pair '{key}' in the manifest.{nearest(key, keys)}")


def replay(place: Place, key: str, source: str | Path | None = None) -> tuple[Row, Image, Image]:
    """Return ``(row, hq, lq)`` of one pair, rebuilt from its row and the source's picture.

    Parameters
    ----------
    place
        The dataset.
    key
        The pair's key, or one of its file names.
    source
        Where the source pictures are; by default where the build took them from, else the
        stored HQ, when the recipe leaves the HQ as it is.

    Raises
    ------
    DatasetError
        There is no such pair, or no picture to start from.
    """
    storage = storage_of(place)
    row = find_row(storage, key)
    try:
        plan = plan_of(row)
    except ValueError as error:
        raise DatasetError(f"the plan of {row.key} is damaged: {error}", exit_code=1) from None
    hq, lq = apply_pair(plan, _source_picture(storage, row, plan, source))
    return row, hq, lq


def _source_picture(storage: Storage, row: Row, plan: Plan, source: str | Path | None) -> Image:
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
