"""A row of a dataset's manifest, and digests that no file format enters."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One pair, or one input that could not be used.

    ``hq_sha256`` and ``lq_sha256`` are of decoded pixels (`pixel_digest`) of the whole pair,
    however it is stored; ``source_sha256`` is of the source's file. File names are relative to
    the dataset's folder, or are members of the tar file ``shard``, whose first one begins
    ``shard_offset`` bytes in. The stored LQ is complete after the last ``lq_steps_left`` steps of
    the plan's LQ half. ``plan`` is JSON. A failed row has sizes 0, empty digests and names, and
    says why in ``error``.
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
    shard: str = ""
    shard_offset: int = 0
    lq_steps_left: int = 0

    def as_record(self) -> dict[str, str | int]:
        """Return the values by name."""
        return {name: getattr(self, name) for name in COLUMNS}

    def canonical(self) -> str:
        """Return the row as JSON with sorted keys, without the error's wording and the offset.

        Those change with the versions of decoders and encoders; the status and the pixels do
        not. A pair that is stored whole and in files of its own has no further columns.
        """
        record = self.as_record()
        del record["error"], record["shard_offset"]
        for name in ("shard", "lq_steps_left"):
            if not record[name]:
                del record[name]
        return json.dumps(record, sort_keys=True, separators=(",", ":"))


COLUMNS = tuple(entry.name for entry in fields(ManifestRow))
"""The columns, in order."""
LATER_COLUMNS = ("shard", "shard_offset", "lq_steps_left")
"""Those without meaning for pairs that are stored whole, in files of their own."""
WHOLE_COLUMNS = frozenset(entry.name for entry in fields(ManifestRow) if entry.type == "int")
"""Those of whole numbers; the others are texts."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Both tables of a dataset, each sorted by key."""

    rows: tuple[ManifestRow, ...]
    failed: tuple[ManifestRow, ...]

    def digest(self) -> str:
        """Return the dataset's digest."""
        return dataset_digest([*self.rows, *self.failed])


@dataclass(frozen=True, slots=True)
class Summary:
    """What a dataset holds."""

    counts: dict[str, int]  # rows by status: pairs and failed inputs
    copies: int  # inputs whose file has the same bytes as another one's
    digest: str  # the dataset's


def pixel_digest(image: NDArray[np.uint8]) -> str:
    """Return the sha256 of an image's size and pixels, independent of any file format."""
    digest = hashlib.sha256(f"{image.shape[0]}x{image.shape[1]}x{image.shape[2]}:".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def dataset_digest(rows: Iterable[ManifestRow]) -> str:
    """Return the sha256 over the canonical rows, sorted by key and status, a line each."""
    digest = hashlib.sha256()
    for _, _, line in sorted(map(_place_in_order, rows)):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _place_in_order(row: ManifestRow) -> tuple[str, str, str]:
    return row.key, row.status, row.canonical()


class Tally:
    """Counts rows and digests them as they pass, in order; eight bytes of memory a row."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._sources = array("Q")
        self._digest = hashlib.sha256()

    def add(self, row: ManifestRow, line: str) -> None:
        """Take the next row and its canonical form."""
        self._counts[row.status] += 1
        if row.variant == 0 and row.source_sha256:
            self._sources.append(int(row.source_sha256[:16], 16))
        self._digest.update(line.encode() + b"\n")

    def summary(self) -> Summary:
        """Return what has passed."""
        copies = len(self._sources) - len(np.unique(np.frombuffer(self._sources, np.uint64)))
        return Summary(dict(sorted(self._counts.items())), copies, self._digest.hexdigest())
