"""Where the pairs of a shard are put: files of their own, or one tar file.

Files: equal names below ``hq/`` and ``lq/``, what BasicSR's family and Hugging Face read.

Tar files: WebDataset's convention, with the same bytes at every time and place. Members of a pair
stand side by side in a fixed order: ``KEY.hq.png``, ``KEY.lq.png``, ``KEY.json``
(webdataset/webdataset: a sample is the members that share a name up to its first dot). Headers
are USTAR with every time, owner and mode the same; only a name that USTAR cannot hold gets a PAX
header.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Protocol

from degrade.dataset.storage import Storage


@dataclass(frozen=True, slots=True)
class Encoded:
    """One pair, ready to be stored."""

    key: str  # the pair's; slashes make folders, there are no dots
    hq: bytes | None  # encoded files; no HQ is None
    lq: bytes
    hq_ending: str  # of their names, such as ``png``
    lq_ending: str
    # Key of the pair in this shard that has the same HQ and came first; its own if none did
    hq_key: str
    record: bytes  # what a tar file says beside the images: JSON


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a pair went: its part of a `degrade.dataset.rows.ManifestRow`, of the same names."""

    hq_file_name: str
    lq_file_name: str
    shard: str = ""
    shard_offset: int = 0


class PairWriter(Protocol):
    """Stores the pairs of one shard. The same pairs written twice are the same bytes."""

    def add(self, pair: Encoded) -> Stored:
        """Store a pair; it is on disk once the writer's block has ended."""


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
        return writing_tar(storage, shard)
    return writing_files(storage)
