"""One tar file a shard, in WebDataset's convention, with the same bytes at every time and place.

Members of a pair stand side by side in a fixed order: ``KEY.hq.png``, ``KEY.lq.png``, ``KEY.json``
(webdataset/webdataset: a sample is the members that share a name up to its first dot). Headers
are USTAR with every time, owner and mode the same; only a name that USTAR cannot hold gets a PAX
header.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from degrade.dataset.storage import Storage
from degrade.dataset.writers.pair import Encoded, Stored

__all__ = ["shard_name", "writing_tar"]


def shard_name(shard: int) -> str:
    """Return the file name of a shard."""
    return f"shards/shard-{shard:06d}.tar"


@contextmanager
def writing_tar(storage: Storage, shard: int) -> Iterator[_TarWriter]:
    """Give a writer of a tar file, which gets its name, whole and synced, when the block ends.

    A shard without a pair is no file: readers take the first one's members for an example.
    """
    with ExitStack() as files:
        yield _TarWriter(storage, shard_name(shard), files)


class _TarWriter:
    """A `PairWriter`."""

    def __init__(self, storage: Storage, name: str, files: ExitStack) -> None:
        self._storage, self._name, self._files = storage, name, files
        self._tar: tarfile.TarFile | None = None

    def add(self, pair: Encoded) -> Stored:
        tar = self._tar
        if tar is None:
            file: IO[bytes] = self._files.enter_context(self._storage.writing(self._name))
            tar = tarfile.TarFile(fileobj=file, mode="w", encoding="utf-8")
            self._files.enter_context(tar)
            self._tar = tar
        stored = Stored(
            "" if pair.hq is None else f"{pair.key}.hq.{pair.hq_ending}",
            f"{pair.key}.lq.{pair.lq_ending}",
            self._name,
            tar.offset,
        )
        if pair.hq is not None:
            _add(tar, stored.hq_file_name, pair.hq)
        _add(tar, stored.lq_file_name, pair.lq)
        _add(tar, f"{pair.key}.json", pair.record)
        return stored


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(data), 0o644, 0
    member.uid = member.gid = 0
    tar.format = tarfile.USTAR_FORMAT
    try:
        member.tobuf(tar.format, tar.encoding, tar.errors)
    except ValueError:  # too long a name
        tar.format = tarfile.PAX_FORMAT
    tar.addfile(member, io.BytesIO(data))
