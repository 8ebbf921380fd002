"""Equal names below ``hq/`` and ``lq/``: what BasicSR's family and Hugging Face read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from degrade.dataset.storage import Storage
from degrade.dataset.writers.pair import Encoded, Stored

__all__ = ["writing_files"]


@contextmanager
def writing_files(storage: Storage) -> Iterator[_FilesWriter]:
    """Give a writer of files; what it wrote is brought to disk at the end, all at once.

    A file under its final name is whole at any time.
    """
    writer = _FilesWriter(storage)
    yield writer
    storage.sync(writer.names)


class _FilesWriter:
    """A `PairWriter`; an HQ of several variants is one file with several names."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.names: list[str] = []

    def add(self, pair: Encoded) -> Stored:
        hq_name = f"hq/{pair.key}.{pair.hq_ending}"
        lq_name = f"lq/{pair.key}.{pair.lq_ending}"
        if pair.hq is None:
            hq_name = ""
        elif pair.hq_key == pair.key:
            self._storage.write(hq_name, pair.hq, sync=False)
        else:
            self._storage.link(f"hq/{pair.hq_key}.{pair.hq_ending}", hq_name)
        self._storage.write(lq_name, pair.lq, sync=False)
        self.names += [hq_name, lq_name] if hq_name else [lq_name]
        return Stored(hq_name, lq_name)
