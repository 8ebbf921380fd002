"""The tables of a built dataset: one row a pair, one row a failed input.

``metadata.parquet`` holds the pairs, ``failed.parquet`` the inputs that could not be used (same
columns, with ``error``), both sorted by key. Its ``*_file_name`` columns make a folder of files a
Hugging Face image dataset. Rows are written and read in a stream.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from degrade.dataset.rows import (
    COLUMNS,
    LATER_COLUMNS,
    WHOLE_COLUMNS,
    Manifest,
    ManifestRow,
    Summary,
    Tally,
)
from degrade.dataset.storage import Storage, open_storage
from degrade.errors import DatasetError

PAIRS_FILE = "metadata.parquet"
FAILED_FILE = "failed.parquet"
LINES_FILE = "pairs.jsonl"

_AT_ONCE = 1024
"""Rows in memory, and in a row group of the tables: some 2 MB."""

DatasetLocation = Storage | str | Path
"""A dataset's storage, or its location: a folder or a URL."""


def summarise(location: DatasetLocation) -> Summary:
    """Return what a stored dataset holds, read in a stream; raises DatasetError."""
    storage = storage_of(location)
    tables = (iter_rows(storage, PAIRS_FILE), iter_rows(storage, FAILED_FILE))
    tally, last = Tally(), ("", "")
    for row in heapq.merge(*tables, key=lambda row: (row.key, row.status)):
        if (row.key, row.status) < last:
            raise DatasetError(f"the manifest of {storage.location} is not sorted: build it again")
        tally.add(row, row.canonical())
        last = row.key, row.status
    return tally.summary()


def storage_of(location: DatasetLocation) -> Storage:
    """Return a dataset's storage from what names it."""
    return open_storage(location) if isinstance(location, str | Path) else location


def check_name(location: str, name: str) -> str:
    """Return a file name of a manifest; raises DatasetError if it leads outside the dataset."""
    parts = PurePosixPath(name)
    if not name or parts.is_absolute() or ".." in parts.parts or "\\" in name or ":" in name:
        raise DatasetError(
            f"the manifest of {location} names {name!r}, outside its folder: refused"
        )
    return name


def write_manifest(
    location: DatasetLocation,
    rows: Iterable[ManifestRow],
    *,
    leave_out: Collection[str] = LATER_COLUMNS,
    jsonl: bool = False,
) -> Summary:
    """Write both tables, each whole or not at all; the pairs last.

    Parameters
    ----------
    location
        Where to.
    rows
        Pairs and failed inputs, sorted by key; read once, in a stream.
    leave_out
        Columns that have no meaning for this dataset.
    jsonl
        Also write ``pairs.jsonl``, a line a pair.
    """
    storage = storage_of(location)
    columns = [name for name in COLUMNS if name != "error" and name not in leave_out]
    tally = Tally()
    with ExitStack() as files:  # closes the last one first
        pairs = files.enter_context(_table(storage, PAIRS_FILE, columns))
        failed = files.enter_context(_table(storage, FAILED_FILE, [*columns, "error"]))
        lines = files.enter_context(storage.writing(LINES_FILE)) if jsonl else None
        for row in rows:
            line = row.canonical()
            tally.add(row, line)
            (pairs if row.status == "ok" else failed)(row)
            if lines is not None and row.status == "ok":
                lines.write(line.encode() + b"\n")
    return tally.summary()


@contextmanager
def _table(
    storage: Storage, name: str, columns: list[str]
) -> Iterator[Callable[[ManifestRow], None]]:
    """Give a function that adds a row to a table."""
    import pyarrow
    import pyarrow.parquet

    kinds = {"shard_offset": pyarrow.int64()} | dict.fromkeys(
        WHOLE_COLUMNS - {"shard_offset"}, pyarrow.int32()
    )
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in columns])
    waiting: list[ManifestRow] = []

    def flush() -> None:
        values = {name: [getattr(row, name) for row in waiting] for name in columns}
        writer.write_table(pyarrow.table(values, schema))
        waiting.clear()

    def add(row: ManifestRow) -> None:
        waiting.append(row)
        if len(waiting) == _AT_ONCE:
            flush()

    with (
        storage.writing(name) as file,
        pyarrow.parquet.ParquetWriter(file, schema, write_statistics=False) as writer,
    ):
        yield add
        if waiting:
            flush()


def write_lines(location: DatasetLocation) -> None:
    """Write ``pairs.jsonl`` of a dataset that has its tables, a line a pair."""
    storage = storage_of(location)
    with storage.writing(LINES_FILE) as file:
        for row in iter_rows(storage):
            file.write(row.canonical().encode() + b"\n")


def read_manifest(location: DatasetLocation) -> Manifest:
    """Return both tables of a dataset, sorted by key; `iter_rows` needs less memory.

    Raises DatasetError when there is none, or it is damaged.
    """
    storage = storage_of(location)
    pairs, failed = (
        tuple(sorted(iter_rows(storage, name), key=lambda row: row.key))
        for name in (PAIRS_FILE, FAILED_FILE)
    )
    return Manifest(pairs, failed)


def iter_rows(location: DatasetLocation, name: str = PAIRS_FILE) -> Iterator[ManifestRow]:
    """Yield the rows of one table in the order they are stored, a few thousand in memory.

    Raises DatasetError when there is no manifest, or it is damaged; no ``failed.parquet`` is
    no failed rows.
    """
    storage = storage_of(location)
    _refuse_without_manifest(storage)
    if name != PAIRS_FILE and not storage.exists(name):
        return
    with _opened(storage, name) as table:
        for batch in table.iter_batches(_AT_ONCE):
            yield from map(_row, batch.to_pylist())


def count_pairs(location: DatasetLocation) -> int:
    """Return the number of pairs of a dataset without reading them; raises DatasetError."""
    storage = storage_of(location)
    _refuse_without_manifest(storage)
    with _opened(storage, PAIRS_FILE) as table:
        return int(table.metadata.num_rows)


def _refuse_without_manifest(storage: Storage) -> None:
    if storage.exists(PAIRS_FILE):
        return
    hint = "give a folder from `degrade build`"
    if storage.exists("run.json"):
        hint = "its build was interrupted: run the same `degrade build` again to finish it"
    raise DatasetError(f"{storage.location} holds no {PAIRS_FILE}: {hint}")


@contextmanager
def _opened(storage: Storage, name: str) -> Iterator[Any]:
    """Give a table as a ParquetFile; what is wrong with it becomes one line."""
    import pyarrow
    import pyarrow.parquet

    try:
        with storage.reading(name) as file:
            yield pyarrow.parquet.ParquetFile(file)
    except (pyarrow.ArrowException, OSError, TypeError) as error:
        where = f"{storage.location}/{name}"
        raise DatasetError(f"{where} is damaged or no manifest: {error}") from None


def _row(record: dict[str, Any]) -> ManifestRow:
    row = ManifestRow(**({"hq_file_name": ""} | record))
    for name in COLUMNS:
        value = getattr(row, name)
        if type(value) is not (int if name in WHOLE_COLUMNS else str):
            raise TypeError(f"{name} is {value!r}")
    return row
