"""Encoding without loss, and files that appear whole or not at all.

The formats were chosen by measurement (512 × 512 LQ of recipe gfpgan, `bench speed --only build`
shows the whole): PNG with the filter "up" and libdeflate's first level is four times faster than
libpng at zlib's first level, smaller, and faster to decode by every reader; QOI is faster still
and larger; JPEG XL's first effort writes fastest and smallest and decodes slowest.
"""

from __future__ import annotations

import os
import secrets
import stat
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from degrade.images.decode_policy import Image


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside ``path`` that takes its name when the block ends well.

    The bytes are on disk before the rename; an error leaves nothing behind. Only a regular file is
    replaced: a link keeps leading to its file, and a device or pipe is written to.
    """
    if _is_stream(path):
        with path.open("wb") as stream:
            yield stream
        return
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{secrets.token_hex(8)}.part"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _is_stream(path: Path) -> bool:
    """Return whether a path names a device or pipe, or one of this process's open files."""
    if path.as_posix().startswith(("/dev/std", "/dev/fd/", "/proc/")):
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def encode_png(image: Image, text: Mapping[str, str] | None = None, *, level: int = 1) -> bytes:
    """Return the image as PNG; ``text`` becomes ``tEXt`` chunks, ``level`` 0-12 libdeflate's."""
    from degrade.images.encoding import encode_png_rows

    data = encode_png_rows(image, level)
    after_header = 8 + 25
    chunks = b"".join(_text_chunk(key, value) for key, value in (text or {}).items())
    return data[:after_header] + chunks + data[after_header:]


def _text_chunk(key: str, value: str) -> bytes:
    body = b"tEXt" + key.encode("latin-1") + b"\0" + value.encode("latin-1", "replace")
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def write_png(path: Path, image: Image, text: Mapping[str, str] | None = None) -> None:
    """Write the image as PNG, whole or not at all."""
    data = encode_png(image, text)
    with atomic_file(path) as file:
        file.write(data)


_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UP = 2  # PNG specification (ISO/IEC 15948), 9.2: each byte less the one above it
_TRUECOLOUR = 2  # and 11.2.2: red, green, blue


def encode(image: NDArray[np.uint8], encoding: str) -> bytes:
    """Return a uint8 (height, width, 3) RGB image in one of the formats, without loss."""
    return _ENCODERS[encoding](np.ascontiguousarray(image))


def encode_png_rows(image: NDArray[np.uint8], level: int = 1) -> bytes:
    """Return a uint8 (height, width, 3) RGB image as PNG; ``level`` is libdeflate's, 0-12."""
    import imagecodecs

    height, width, _ = image.shape
    rows = np.ascontiguousarray(image).reshape(height, 3 * width)
    filtered = np.empty((height, 1 + 3 * width), np.uint8)
    filtered[:, 0] = _UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])  # modulo 256, as the format wants
    header = struct.pack(">IIBBBBB", width, height, 8, _TRUECOLOUR, 0, 0, 0)
    contents: Any = filtered  # typed as bytes; any buffer will do, uncopied
    data = bytes(imagecodecs.deflate_encode(contents, level=level))
    parts = (_chunk(b"IHDR", header), _chunk(b"IDAT", data), _chunk(b"IEND", b""))
    return _SIGNATURE + b"".join(parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(body, zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(body)), kind, body, struct.pack(">I", check)))


def _qoi(image: NDArray[np.uint8]) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.qoi_encode(image))


def _jpeg_xl(image: NDArray[np.uint8]) -> bytes:
    import imagecodecs

    options: dict[str, Any] = {"lossless": True, "effort": 1, "numthreads": 1}
    return bytes(imagecodecs.jpegxl_encode(image, **options))


_ENCODERS: Mapping[str, Callable[[NDArray[np.uint8]], bytes]] = {
    "png": encode_png_rows,
    "qoi": _qoi,
    "jxl": _jpeg_xl,
}
