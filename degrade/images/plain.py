"""PNG files that leave nothing open, decoded without a detour.

Most PNG files of a dataset are 8-bit RGB with neither profile, transparency nor orientation. For
these every policy of `degrade.images.DecodePolicy` gives the same pixels, so they are inflated
(libdeflate) and unfiltered (`degrade.images.png_kernels`) straight into an array. What is in any
way unusual or damaged is left to the careful reader, and to its words. Every checksum is compared,
of the chunks and of the levels, so what is taken here is what was written.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

from degrade.images.decode_policy import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MEANINGLESS = (b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"pHYs", b"bKGD", b"tIME", b"hIST")
"""Chunks that the careful reader passes over (PNG specification, third edition, 11.3)."""
_ORIENTATION_TEXTS = (b"raw profile", b"xml:")
"""Beginnings of the keywords of texts that may hold an orientation or a profile."""
_EXPANSION = 1032
"""DEFLATE makes at most so many bytes of one (RFC 1951: 258 bytes of a quarter of one)."""


def decode_plain(data: bytes) -> Image | None:
    """Return the image of a plain PNG file, uint8 (height, width, 3) RGB, else None.

    The size that its header claims is to be checked before (`degrade.images.header`).
    """
    # IHDR: bit depth 8, colour type 2, no interlacing (11.2.1).
    if data[:8] != _SIGNATURE or data[12:16] != b"IHDR" or data[24:29] != b"\x08\x02\0\0\0":
        return None
    packed = _packed_rows(data)
    width, height = struct.unpack(">II", data[16:24])
    size = height * (1 + 3 * width)
    if packed is None or not width or not height or size > _EXPANSION * len(packed):
        return None
    import imagecodecs

    from degrade.images.png_kernels import undo_filters
    from degrade.ops.kernels.compile import announce_compilation

    try:
        rows = imagecodecs.deflate_decode(packed, out=size)
    except imagecodecs.DeflateError:
        return None
    if len(rows) != size:
        return None
    image = np.empty((height, width, 3), np.uint8)
    with announce_compilation():
        filtered = np.frombuffer(rows, np.uint8).reshape(height, 1 + 3 * width)
        valid = undo_filters(filtered, image.reshape(height, 3 * width))
    return image if valid else None


def _packed_rows(data: bytes) -> bytes | None:
    """Return the zlib stream of a PNG, or None where another chunk might change a pixel."""
    parts: list[bytes] = []
    offset = 8
    while offset + 12 <= len(data):
        (length,) = struct.unpack(">I", data[offset : offset + 4])
        kind, body = data[offset + 4 : offset + 8], data[offset + 8 : offset + 8 + length]
        checksum = data[offset + 8 + length : offset + 12 + length]
        offset += 12 + length
        if kind == b"IEND":
            return b"".join(parts) if not length else None
        if offset > len(data) or zlib.crc32(body, zlib.crc32(kind)).to_bytes(4, "big") != checksum:
            return None
        if kind == b"IDAT":
            parts.append(body)
        elif parts or not _is_harmless(kind, body):
            return None
    return None


def _is_harmless(kind: bytes, body: bytes) -> bool:
    """Return whether a chunk before the pixels says nothing about them."""
    if kind == b"tEXt":
        return not body.lower().startswith(_ORIENTATION_TEXTS)
    return kind == b"IHDR" or kind in _MEANINGLESS
