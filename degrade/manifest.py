"""The record of a built dataset: one row a pair, one row a failed input, and one digest.

``metadata.parquet`` holds the pairs, ``failed.parquet`` the inputs that could not be used (same
columns, with ``error``). Its ``*_file_name`` columns make the folder a Hugging Face image
dataset. The digest is over the rows' canonical form, never over Parquet's bytes, which differ
between versions of its writer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degrade.errors import DatasetError
from degrade.images import atomic_file

__all__ = [
    "FAILED_FILE",
    "PAIRS_FILE",
    "Manifest",
    "Row",
    "dataset_digest",
    "inside",
    "pixel_digest",
    "read_manifest",
    "write_jsonl",
    "write_manifest",
]

PAIRS_FILE = "metadata.parquet"
FAILED_FILE = "failed.parquet"


@dataclass(frozen=True, slots=True)
class Row:
    """One pair, or one input that could not be used.

    ``hq_sha256`` and ``lq_sha256`` are of decoded pixels (`pixel_digest`), ``source_sha256`` of
    the source's file. File names are relative to the dataset's folder. ``plan`` is JSON.
    A failed row has sizes 0, empty digests and names, and says why in ``error``.
    """

    key: str
    source: str
    source_sha256: str
    variant: int
    hq_file_name: str
    lq_file_name: str
    hq_height: int
    hq_width: int
    lq_height: int
    lq_width: int
    hq_sha256: str
    lq_sha256: str
    plan: str
    status: str
    error: str = ""

    def canonical(self) -> str:
        """Return the row as JSON with sorted keys, without the error's wording.

        The wording is the decoder's and changes with its version; the status does not.
        """
        record = asdict(self)
        del record["error"]
        return json.dumps(record, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Manifest:
    """Both tables of a dataset, each sorted by key."""

    rows: tuple[Row, ...]
    failed: tuple[Row, ...]

    def digest(self) -> str:
        """Return the dataset's digest."""
        return dataset_digest([*self.rows, *self.failed])


def pixel_digest(image: NDArray[np.uint8]) -> str:
    """Return the sha256 of a picture's size and pixels, independent of any file format."""
    digest = hashlib.sha256(f"{image.shape[0]}x{image.shape[1]}x{image.shape[2]}:".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def dataset_digest(rows: Iterable[Row]) -> str:
    """Return the sha256 over the canonical rows, sorted by key and status, a line each."""
    lines = sorted((row.key, row.status, row.canonical()) for row in rows)
    text = "".join(f"{line}\n" for _, _, line in lines)
    return hashlib.sha256(text.encode()).hexdigest()


def inside(folder: Path, name: str) -> Path:
    """Return the path of a file that a manifest names; raises DatasetError if it leads outside."""
    parts = PurePosixPath(name)
    if not name or parts.is_absolute() or ".." in parts.parts or "\\" in name or ":" in name:
        raise DatasetError(f"the manifest of {folder} names {name!r}, outside its folder: refused")
    return folder / parts


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write both tables, each whole or not at all; the pairs last."""
    failed = _table(manifest.failed, with_error=True)
    pairs = _table(manifest.rows, with_error=False)
    import pyarrow.parquet

    for name, table in ((FAILED_FILE, failed), (PAIRS_FILE, pairs)):
        with atomic_file(folder / name) as file:
            pyarrow.parquet.write_table(table, file)


def write_jsonl(folder: Path, manifest: Manifest) -> None:
    """Write ``pairs.jsonl``, a line a pair."""
    with atomic_file(folder / "pairs.jsonl") as file:
        for row in manifest.rows:
            file.write(row.canonical().encode() + b"\n")


def _table(rows: tuple[Row, ...], *, with_error: bool) -> Any:
    import pyarrow

    names = [entry.name for entry in fields(Row) if with_error or entry.name != "error"]
    columns = {}
    for name in names:
        whole = name == "variant" or name.endswith(("height", "width"))
        kind = pyarrow.int32() if whole else pyarrow.string()
        columns[name] = pyarrow.array([getattr(row, name) for row in rows], kind)
    return pyarrow.table(columns)


def read_manifest(folder: Path) -> Manifest:
    """Return both tables of a built folder.

    Raises DatasetError when there is none, or it is damaged.
    """
    if not (folder / PAIRS_FILE).is_file():
        hint = "give a folder from `degrade build`"
        if (folder / "run.json").is_file():
            hint = "its build was interrupted: run the same `degrade build` again to finish it"
        raise DatasetError(f"{folder} holds no {PAIRS_FILE}: {hint}")
    failed = folder / FAILED_FILE
    return Manifest(_read(folder / PAIRS_FILE), _read(failed) if failed.is_file() else ())


def _read(path: Path) -> tuple[Row, ...]:
    import pyarrow
    import pyarrow.parquet

    try:
        records = pyarrow.parquet.ParquetFile(path).read().to_pylist()
        rows = [Row(**record) for record in records]
        whole = {entry.name for entry in fields(Row) if entry.type == "int"}
        for name, value in (item for record in records for item in record.items()):
            if not isinstance(value, int if name in whole else str):
                raise TypeError(f"{name} is {value!r}")
    except (pyarrow.ArrowException, OSError, TypeError) as error:
        raise DatasetError(f"{path} is damaged or no manifest: {error}") from None
    return tuple(sorted(rows, key=lambda row: row.key))
