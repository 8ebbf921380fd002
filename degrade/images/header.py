"""What a file claims about itself, checked before any decoder believes it.

A decoder sets memory aside by the size in a file's header, some of them when a file is merely
opened. So the headers of formats whose decoders do that are read here first. The functions look
at headers only; a file that is damaged further on is left to its decoder.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from degrade.errors import ImageError
from degrade.images.decode_policy import LONGEST_SIDE

if TYPE_CHECKING:
    import PIL.Image

MOST_SCANS = 100
"""Scans of a JPEG; each costs a pass over the whole image, and encoders write about ten.

libjpeg-turbo's own tools take such a limit (``djpeg -maxscans``) against the same attack.
"""

MOST_TILES = 4096
"""Tiles of a JPEG 2000 image: OpenJPEG sets aside some 10 KB for each."""

MOST_COMPONENTS = 8
"""Channels of a JPEG 2000 or TIFF image."""

_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""JPEG XL's fixed aspect ratios, width : height (ISO/IEC 18181-1, SizeHeader)."""

_SIDE_BITS = (9, 13, 18, 30)
"""Bits of a JPEG XL side, by selector (ISO/IEC 18181-1, SizeHeader)."""


def check_header(data: bytes, name: str, pixel_limit: int) -> None:
    """Raise ImageError when the header claims more than may be decoded."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        check_size(height, width, name, pixel_limit)
    elif data.startswith(b"qoif") and len(data) >= 14:
        width, height = struct.unpack(">II", data[4:12])  # qoiformat.org, page 1
        check_size(height, width, name, pixel_limit)
    elif data.startswith(b"RIFF") and data[8:16] == b"WEBPVP8X" and len(data) >= 30:
        width = 1 + int.from_bytes(data[24:27], "little")  # RFC 9649, section 2.7
        height = 1 + int.from_bytes(data[27:30], "little")
        check_size(height, width, name, pixel_limit)
    elif data.startswith(b"\xff\xd8"):
        _check_scans(data, name)
    elif data.startswith((b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")):
        _check_jpeg2000(data, name, pixel_limit)


def check_size(height: int, width: int, name: str, pixel_limit: int) -> None:
    """Raise ImageError for an image without pixels, too long a side, or too many pixels."""
    if height * width > pixel_limit:
        raise ImageError(
            f"{name} has {height} × {width} pixels, more than the limit of {pixel_limit:,}"
        )
    if max(height, width) > LONGEST_SIDE:
        raise ImageError(f"{name} is {height} × {width}: sides are 1 to {LONGEST_SIDE} pixels")


def check_opened(opened: PIL.Image.Image, name: str, pixel_limit: int) -> None:
    """Raise ImageError when what Pillow has read of a file, its header, claims too much."""
    check_size(opened.height, opened.width, name, pixel_limit)
    if opened.format != "TIFF":
        return
    tags = opened.tag_v2  # type: ignore[attr-defined]
    # TIFF 6.0, tags 322 and 323 (a tile's sides), 277 (samples a pixel); 32997, ImageDepth,
    # is SGI's: libtiff multiplies what it sets aside by it.
    tile = _whole(tags, 322) * _whole(tags, 323)
    if tile > max(pixel_limit, 1) or _whole(tags, 32997) > 1:
        raise ImageError(f"{name} is a TIFF of tiles beyond {pixel_limit:,} pixels: refused")
    if _whole(tags, 277) > MOST_COMPONENTS:
        raise ImageError(f"{name} has {_whole(tags, 277)} channels: 1 to 4 are read")


def _whole(tags: Any, number: int) -> int:
    value = tags.get(number, 1)
    value = value[0] if isinstance(value, tuple) and value else value
    return value if isinstance(value, int) else 1


def _check_scans(data: bytes, name: str) -> None:
    # In entropy-coded data a byte FF is followed by 00 (ITU-T T.81, F.1.2.3), so FF DA is a scan
    # there; in other segments it may occur by chance, once in 65 536 bytes.
    if data.count(b"\xff\xda") > MOST_SCANS + len(data) // 16384:
        raise ImageError(f"{name} is a JPEG of more than {MOST_SCANS} scans: refused")


def _check_jpeg2000(data: bytes, name: str, pixel_limit: int) -> None:
    start = data.find(b"\xff\x4f\xff\x51")  # the codestream, SOC and SIZ: ITU-T T.800, A.5.1
    if start < 0 or len(data) < start + 42:
        return
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top, components = (
        struct.unpack(">8IH", data[start + 8 : start + 42])
    )
    width, height = right - left, bottom - top
    check_size(height, width, name, pixel_limit)
    across = -(-(right - tile_left) // max(tile_width, 1))
    down = -(-(bottom - tile_top) // max(tile_height, 1))
    if across * down > MOST_TILES:
        raise ImageError(f"{name} has {across * down} tiles, more than {MOST_TILES}: refused")
    if components > MOST_COMPONENTS:
        raise ImageError(f"{name} has {components} channels: 1 to 4 are read")


def jpegxl_size(data: bytes) -> tuple[int, int]:
    """Return ``(height, width)`` as the header of a JPEG XL file says.

    The header is ISO/IEC 18181-1's SizeHeader, at the start of a bare codestream or of the box
    ``jxlc``, or the first ``jxlp``, of a container (ISO/IEC 18181-2).

    Raises ValueError when there is no such header.
    """
    bits = _Bits(_codestream(data)[2:16])
    small = bits.take(1)
    height = 8 * (1 + bits.take(5)) if small else 1 + bits.take(_SIDE_BITS[bits.take(2)])
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio - 1]
        return height, height * across // down
    return height, 8 * (1 + bits.take(5)) if small else 1 + bits.take(_SIDE_BITS[bits.take(2)])


def _codestream(data: bytes) -> bytes:
    if data.startswith(b"\xff\x0a"):
        return data[:64]
    offset = 0
    while offset + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[offset : offset + 8])
        head = 8
        if size == 1:
            if offset + 16 > len(data):
                break
            size, head = struct.unpack(">Q", data[offset + 8 : offset + 16])[0], 16
        if kind in (b"jxlc", b"jxlp"):
            start = offset + head + (4 if kind == b"jxlp" else 0)
            if data[start : start + 2] == b"\xff\x0a":
                return data[start : start + 64]
            break
        if size < head:  # 0: the box runs to the end of the file
            break
        offset += size
    raise ValueError("it has no JPEG XL codestream")


class _Bits:
    """The bits of some bytes, the lowest of each first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        """Return the next ``count`` bits as a number; raises ValueError beyond the end."""
        if count > self._left:
            raise ValueError("its header is cut off")
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return value
