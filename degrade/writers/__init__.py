"""Where the pairs of a shard are put: files of their own, or one tar file."""

from __future__ import annotations

from contextlib import AbstractContextManager

from degrade.storage import Storage
from degrade.writers.pair import Encoded, PairWriter, Stored

__all__ = ["Encoded", "PairWriter", "Stored", "open_writer"]


def open_writer(layout: str, storage: Storage, shard: int) -> AbstractContextManager[PairWriter]:
    """Return the writer of one shard; all its pairs are on disk when the block ends well.

    Parameters
    ----------
    layout
        One of `degrade.storing.LAYOUTS`.
    storage
        The dataset's.
    shard
        The shard's number, from 0.
    """
    if layout == "webdataset":
        from degrade.writers.webdataset import writing_tar

        return writing_tar(storage, shard)
    from degrade.writers.files import writing_files

    return writing_files(storage)
