"""One file that holds a training set: faces, label maps, boxes of their parts, splits.

It is mapped into memory, so it opens in milliseconds and any number of processes share its pages.

========  ==================================================================================
bytes     what
========  ==================================================================================
0-71      header: magic, version, where the index is and how long, its sha256
72-       records, each from a multiple of 64 bytes on: the face, its label map, its boxes
the end   index: JSON, see `PackIndex`
========  ==================================================================================

A face is ``size × size × 3`` raw levels, or a JPEG; a label map ``(size / 2)²`` raw bytes, or
these compressed by zlib; the boxes are nine little-endian float32.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import struct
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from degrade.dataset.sources import ImageSource
from degrade.dataset.storage import LocalStorage
from degrade.errors import ImageError, UserError
from degrade.images import Image
from zoo.labels import UNKNOWN
from zoo.templates import TEMPLATES
from zoo.training.data.splits import SPLITS

__all__ = ["CODECS", "FacePack", "PackError", "PackIndex", "PackSource", "PackWriter"]

CODECS = ("raw", "jpeg")
_MAGIC = b"relume face pack"
_VERSION = 1
_HEADER = struct.Struct("<16sIIQQ32s")
_ALIGNED = 64
_BOXES = struct.Struct("<9f")


class PackError(UserError):
    """A file that is no pack of faces, is cut short, or is of another version."""


@dataclass(frozen=True, slots=True)
class PackIndex:
    """What a pack says of its faces; lists have one entry a face, sorted by key."""

    size: int  # side of the faces in pixels
    template: str  # how they are aligned, see `zoo.templates`
    parser: str  # what made the label maps, or ``none``: all is unknown
    codec: str  # ``raw`` or ``jpeg``
    inputs: str  # digest of what it was packed from: names, sizes and options
    # How many of the faces that were read have a near copy, see `zoo.training.data.splits`
    near_copies: int
    keys: tuple[str, ...]  # folder name and file
    splits: tuple[str, ...]  # ``train``, ``val`` or ``test``
    weights: tuple[int, ...]  # how often a face comes in each pass over the training split
    records: tuple[tuple[int, int, int], ...]  # offset, bytes of the face, bytes of its label map

    def check(self, end: int) -> None:
        """Raise ValueError for an index that cannot be, of a file whose records end at ``end``."""
        count = len(self.keys)
        if not count or {len(self.splits), len(self.weights), len(self.records)} != {count}:
            raise ValueError("lists of different lengths, or none")
        if not (isinstance(self.size, int) and 2 <= self.size <= 4096 and self.size % 2 == 0):
            raise ValueError("no size")
        if self.codec not in CODECS or self.template not in TEMPLATES:
            raise ValueError("an unknown codec or template")
        if not set(self.splits) <= set(SPLITS) or min(self.weights) < 1:
            raise ValueError("an unknown split or a weight below 1")
        table = np.array(self.records, np.int64)
        if table.shape != (count, 3) or (table < 0).any():
            raise ValueError("no records")
        if (table.sum(axis=1) + _BOXES.size > end).any():
            raise ValueError("a record beyond the end")
        if self.codec == "raw" and (table[:, 1] != 3 * self.size**2).any():
            raise ValueError("a face of another size")


class PackWriter:
    """Writes the records one after another, and at the end the index and the header.

    Parameters
    ----------
    file
        Open to write, empty.
    codec
        ``raw`` or ``jpeg``.
    quality
        Of JPEG, 1 to 100; chroma is kept at full size.
    """

    def __init__(self, file: IO[bytes], codec: str, quality: int = 95) -> None:
        self._file, self._codec, self._quality = file, codec, quality
        file.write(b"\0" * _HEADER.size)
        self.size = _HEADER.size
        """Bytes so far, without the index."""

    def encode(self, face: Image, labels: NDArray[np.uint8]) -> tuple[bytes, bytes]:
        """Return a face and its label map as they are stored; unknown everywhere takes nothing."""
        known = bool((labels != UNKNOWN).any())
        if self._codec == "raw":
            return face.tobytes(), labels.tobytes() if known else b""
        options = [
            *(cv2.IMWRITE_JPEG_QUALITY, self._quality),
            *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
        ]
        _, coded = cv2.imencode(".jpg", cv2.cvtColor(face, cv2.COLOR_RGB2BGR), options)
        return coded.tobytes(), zlib.compress(labels.tobytes()) if known else b""

    def add(self, face: bytes, labels: bytes, boxes: NDArray[np.float32]) -> tuple[int, int, int]:
        """Append what `encode` returned; return the record for the index."""
        offset = -(-self.size // _ALIGNED) * _ALIGNED
        record = face + labels + _BOXES.pack(*boxes.ravel().tolist())
        self._file.write(b"\0" * (offset - self.size) + record)
        self.size = offset + len(record)
        return offset, len(face), len(labels)

    def close(self, index: PackIndex) -> None:
        """Write the index and the header."""
        data = json.dumps(asdict(index), separators=(",", ":"), ensure_ascii=False).encode()
        self._file.write(data)
        digest = hashlib.sha256(data).digest()
        self._file.seek(0)
        self._file.write(_HEADER.pack(_MAGIC, _VERSION, 0, self.size, len(data), digest))


class FacePack:
    """The faces of a pack; picklable, and opened again where it is unpickled.

    Parameters
    ----------
    path
        What `zoo pack` wrote.

    Raises
    ------
    PackError
        It is no such file, is cut short, or is of another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self.index, self.digest = _read_index(file, path)
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise PackError(f"{path} cannot be read: {error.strerror or error}") from None
        self.size, self.template = self.index.size, self.index.template
        self.numbers = {key: i for i, key in enumerate(self.index.keys)}
        """Key to number."""
        self.masked = any(labels for _, _, labels in self.index.records)
        """Whether any face has a label map."""

    def __reduce__(self) -> tuple[type[FacePack], tuple[Path]]:
        return FacePack, (self.path,)

    def __len__(self) -> int:
        return len(self.index.keys)

    def keys(self, split: str | None = None) -> tuple[str, ...]:
        """Return the keys of one split, sorted, or of all faces."""
        return tuple(self.index.keys[i] for i in self.indices(split))

    def indices(self, split: str | None = None) -> tuple[int, ...]:
        """Return the numbers of the faces of one split, or of all."""
        if split is None:
            return tuple(range(len(self)))
        return tuple(i for i, other in enumerate(self.index.splits) if other == split)

    def hq(self, i: int) -> Image:
        """Return face ``i``, uint8 (size, size, 3) RGB, a copy.

        Raises ImageError for a JPEG that is damaged.
        """
        offset, length, _ = self.index.records[i]
        coded = np.frombuffer(self._bytes, np.uint8, length, offset)
        if self.index.codec == "raw":
            # A copy, as what is mapped cannot be written: kernels are compiled for arrays that can.
            return coded.reshape(self.size, self.size, 3).copy()
        decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
        if decoded is None or decoded.shape != (self.size, self.size, 3):
            raise ImageError(f"{self.path}: the JPEG of {self.index.keys[i]} is damaged")
        return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)

    def labels(self, i: int) -> NDArray[np.uint8]:
        """Return the label map of face ``i``, ``(size / 2, size / 2)``; `UNKNOWN` where it is.

        Raises ImageError for one that is damaged.
        """
        offset, length, count = self.index.records[i]
        side = self.size // 2
        if not count:
            return np.full((side, side), UNKNOWN, np.uint8)
        data = self._bytes[offset + length : offset + length + count]
        try:
            plain = zlib.decompress(data) if self.index.codec == "jpeg" else data
            return np.frombuffer(plain, np.uint8).reshape(side, side)
        except (ValueError, zlib.error):
            raise ImageError(
                f"{self.path}: the label map of {self.index.keys[i]} is damaged"
            ) from None

    def parts(self, i: int) -> NDArray[np.float32]:
        """Return the boxes of left eye, right eye and mouth, see `zoo.training.data.packing`."""
        start = sum(self.index.records[i])
        return np.frombuffer(self._bytes, "<f4", 9, start).reshape(3, 3).astype(np.float32)


@dataclass(frozen=True, slots=True)
class PackSource(ImageSource):
    """A split of a pack as a `degrade.feed.data_pool.DataPool` reads it.

    A face of weight 3 comes as three images, ``KEY``, ``KEY~1`` and ``KEY~2``: the degradation
    depends on the name, so each is degraded otherwise.
    """

    pack: FacePack | None = None

    @classmethod
    def of(cls, pack: FacePack, split: str = "train") -> PackSource:
        """Return the source of one split."""
        index = pack.index
        names = [
            f"{index.keys[i]}~{turn}" if turn else index.keys[i]
            for i in pack.indices(split)
            for turn in range(index.weights[i])
        ]
        return cls(str(pack.path), LocalStorage(pack.path.parent), tuple(sorted(names)), pack=pack)

    def number(self, key: str) -> int:
        """Return which face of the pack an image is."""
        assert self.pack is not None
        numbers = self.pack.numbers
        return numbers[key] if key in numbers else numbers[key.rpartition("~")[0]]

    def read(self, key: str) -> Image:
        """Return one face, uint8 (size, size, 3) RGB."""
        assert self.pack is not None
        return self.pack.hq(self.number(key))


def _read_index(file: IO[bytes], path: Path) -> tuple[PackIndex, str]:
    """Return the index and its sha256."""
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size or not header.startswith(_MAGIC):
        raise PackError(f"{path} is no pack of faces: make one with `zoo pack`")
    _, version, _, offset, length, digest = _HEADER.unpack(header)
    if version != _VERSION:
        raise PackError(
            f"{path} is a pack of version {version}, this is version {_VERSION}: run `zoo pack` "
            "again"
        )
    size = file.seek(0, 2)
    if size != offset + length:
        raise PackError(
            f"{path} is cut short ({size:,} of {offset + length:,} bytes): copy it again"
        )
    file.seek(offset)
    data = file.read(length)
    if hashlib.sha256(data).digest() != digest:
        raise PackError(f"{path} is damaged, its index is not the one written: copy it again")
    try:
        index = _index_of(json.loads(data))
        index.check(offset)
    except (LookupError, TypeError, ValueError):
        raise PackError(f"{path} has an index that cannot be: run `zoo pack` again") from None
    return index, digest.hex()


def _index_of(record: dict[str, Any]) -> PackIndex:
    values = {field.name: record[field.name] for field in fields(PackIndex)}
    for name in ("keys", "splits", "weights"):
        values[name] = tuple(values[name])
    values["records"] = tuple((int(o), int(n), int(m)) for o, n, m in values["records"])
    return PackIndex(**values)
