"""How pairs are stored: the layout, the formats, and what is left for the reader to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from degrade.errors import DatasetError

LAYOUTS = ("files", "webdataset")
ENCODINGS = ("png", "qoi", "jxl")
"""Formats without loss by name, which is also the ending of their files; see `encodings`."""
HQ_WAYS = ("store", "copy", "none")
LARGEST_SHARD = 65536
"""Images; a shard is what an interruption loses and what one worker does at a time."""

_IMAGES = {"files": 64, "webdataset": 256}
"""Images in a shard by default: a second or so of work; tar files of some 100 MB at 512²."""
_FEWEST_SHARDS = 16
"""A small set is cut smaller than that, so that several workers have something to do."""


@dataclass(frozen=True, slots=True)
class StorageFormat:
    """How a dataset is stored; recorded in ``run.json``, and a change is refused.

    Raises
    ------
    DatasetError
        A value that is not among those.
    """

    # ``files``: equal names below ``hq/`` and ``lq/``. ``webdataset``: tar files below ``shards/``,
    # each pair as ``KEY.hq.png``, ``KEY.lq.png`` and ``KEY.json``.
    layout: str = "files"
    lq_format: str = "png"  # ``png``, ``qoi`` or ``jxl``, all without loss
    hq_format: str = "png"
    # ``store`` encodes it. ``copy`` keeps the source's own file where its plain pixels are the HQ
    # (in tar files only where that keeps the members' names), and stores the others. ``none``
    # leaves it out: the reader takes it from the source.
    hq: str = "store"
    # Whether an LQ is stored at its size before the recipe's last enlarging, where that loses
    # nothing: the reader does the remaining steps, as many as its row says
    keep_small: bool = False
    # Images in a shard, 1 to 65 536; None chooses by the layout and the number of images
    shard_images: int | None = None

    def __post_init__(self) -> None:
        for name, values in (
            ("layout", LAYOUTS),
            ("lq_format", ENCODINGS),
            ("hq_format", ENCODINGS),
            ("hq", HQ_WAYS),
        ):
            if getattr(self, name) not in values:
                raise DatasetError(
                    f"{name} {getattr(self, name)!r} is not known: one of {', '.join(values)}"
                )
        size = self.shard_images
        if size is not None and (type(size) is not int or not 1 <= size <= LARGEST_SHARD):
            raise DatasetError(f"shard_images {size!r} is not between 1 and {LARGEST_SHARD}")

    def settled(self, images: int, variants: int) -> StorageFormat:
        """Return the same with the size of a shard chosen, from what is built and nothing else."""
        if self.shard_images is not None:
            return self
        most = max(1, _IMAGES[self.layout] // variants)
        return replace(self, shard_images=min(most, max(1, images // _FEWEST_SHARDS)))

    def columns_left_out(self) -> frozenset[str]:
        """Return the manifest's columns that mean nothing for this way of storing."""
        left_out = set() if self.layout == "webdataset" else {"shard", "shard_offset"}
        left_out |= set() if self.keep_small else {"lq_steps_left"}
        # Not an empty name: readers of *_file_name columns would look for it.
        return frozenset(left_out | ({"hq_file_name"} if self.hq == "none" else set()))

    def as_record(self) -> dict[str, Any]:
        """Return the values by name, as a dataset's lock keeps them."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> StorageFormat:
        """Return what a lock says; what it does not name is the default. Raises DatasetError."""
        return cls(**{entry.name: record[entry.name] for entry in fields(cls)
                      if entry.name in record})  # fmt: skip
