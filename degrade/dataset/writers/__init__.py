"""Where the pairs of a shard are put: files of their own, or one tar file."""

from __future__ import annotations

from contextlib import AbstractContextManager

from degrade.dataset.storage import Storage
from degrade.dataset.writers.pair import Encoded, PairWriter, Stored

__all__ = ["Encoded", "PairWriter", "Stored", "open_writer"]


def open_writer(layout: str, storage: Storage, shard: int) -> AbstractContextManager[PairWriter]:
    """Return the writer of one shard; all its pairs are on disk when the block ends well.

    Parameters
    ----------
    layout
        One of `degrade.dataset.layout.LAYOUTS`.
    storage
        The dataset's.
    shard
        The shard's number, from 0.
    """
    if layout == "webdataset":
        from degrade.dataset.writers.webdataset import writing_tar

        return writing_tar(storage, shard)
    from degrade.dataset.writers.files import writing_files

    return writing_files(storage)
