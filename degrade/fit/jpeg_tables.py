"""The quality of a JPEG file, from the quantisation tables it carries; decodes no pixel."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from degrade.ops.codec.jpeg import quantisation_tables

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN, _TABLES, _END = 0xDA, 0xDB, 0xD9
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers of ITU-T T.81, table B.1: frame headers, the ends of what is read here, and those
that stand without a length."""

_SAMPLINGS = {(1, 1): "444", (2, 1): "422", (2, 2): "420"}
"""Luma samples across and down that share a chroma sample."""


@dataclass(frozen=True, slots=True)
class StoredJpeg:
    """How a JPEG file was compressed."""

    quality: int  # 1-100 on the scale of the Independent JPEG Group; the nearest where not standard
    # Whether the tables are those of libjpeg at that quality. Cameras and Photoshop bring tables of
    # their own.
    standard: bool
    # ``444``, ``422`` or ``420``; None for a grey image or another sampling
    subsampling: str | None


def stored_quality(data: bytes) -> float | None:
    """Return the quality that a file's bytes tell, None where they are no JPEG.

    Exact for tables of libjpeg (also of Pillow, OpenCV and libjpeg-turbo); the nearest quality
    plus one half where the tables are of another kind, so that a whole number is exact and a
    fraction is not.
    """
    stored = read_tables(data)
    if stored is None:
        return None
    return float(stored.quality) if stored.standard else min(stored.quality + 0.5, 99.5)


def read_tables(data: bytes) -> StoredJpeg | None:
    """Return how a file was compressed, None where it is no JPEG or has no table or frame.

    Parameters
    ----------
    data
        The whole file or its beginning up to the first scan; damage ends the reading.
    """
    tables: dict[int, NDArray[np.int32]] = {}
    components: list[tuple[int, int, int]] = []
    for marker, body in _segments(data):
        if marker == _TABLES:
            tables |= _read_tables(body)
        elif marker in _FRAMES and len(body) >= 6 + 3 * body[5]:
            components = [_component(body, 6 + 3 * n) for n in range(body[5])]
    used = [tables[table] for _, _, table in components[:2] if table in tables]
    if not used:
        return None
    quality, distance = _nearest(np.stack(used))
    return StoredJpeg(quality, distance == 0.0, _subsampling(components))


def _segments(data: bytes) -> list[tuple[int, bytes]]:
    """Return the marker segments before the first scan, as far as they are whole."""
    segments: list[tuple[int, bytes]] = []
    at = 2 if data[:2] == b"\xff\xd8" else len(data)
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF or marker in _ALONE:  # a fill byte, or a marker without a length
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if marker in (_START_OF_SCAN, _END) or length < 2 or len(body) < length - 2:
            break
        segments.append((marker, body))
        at += 2 + length
    return segments


def _read_tables(body: bytes) -> dict[int, NDArray[np.int32]]:
    """Return the tables of one segment by number, in zigzag order (T.81 B.2.4.1)."""
    tables: dict[int, NDArray[np.int32]] = {}
    at = 0
    while at < len(body):
        wide, number = divmod(body[at], 16)
        form, size = (">64H", 128) if wide else (">64B", 64)
        if at + 1 + size > len(body):
            break
        tables[number] = np.array(struct.unpack_from(form, body, at + 1), np.int32)
        at += 1 + size
    return tables


def _component(body: bytes, at: int) -> tuple[int, int, int]:
    """Return a component's samples across and down and its table's number (T.81 B.2.2)."""
    across, down = divmod(body[at + 1], 16)
    return across, down, body[at + 2]


def _subsampling(components: list[tuple[int, int, int]]) -> str | None:
    if len(components) != 3 or components[1][:2] != (1, 1) or components[2][:2] != (1, 1):
        return None
    return _SAMPLINGS.get(components[0][:2])


def _nearest(tables: NDArray[np.int32]) -> tuple[int, float]:
    """Return the quality whose tables are nearest in ratio, and the mean squared logarithm."""
    # Tables without libjpeg's limit to baseline are clipped as that limit does.
    measured = np.log(np.clip(tables, 1, 255))
    distances = np.square(_standard_logarithms()[:, : len(tables)] - measured).mean(axis=(1, 2))
    best = int(np.argmin(distances))
    return best + 1, float(distances[best])


@cache
def _standard_logarithms() -> NDArray[np.float64]:
    """Return libjpeg's two tables of the qualities 1 to 100, (100, 2, 64), in zigzag order."""
    tables = np.stack([quantisation_tables(quality) for quality in range(1, 101)])
    return np.asarray(np.log(tables[:, :, _ZIGZAG]))


_ZIGZAG = sorted(
    range(64),
    key=lambda k: (k // 8 + k % 8, k // 8 if (k // 8 + k % 8) % 2 else k % 8),
)
"""Row order positions of a block's coefficients in the order of ITU-T T.81, figure A.6."""
