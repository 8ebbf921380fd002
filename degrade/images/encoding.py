"""Encoding pictures as PNG, and files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from degrade.images.picture import Image

__all__ = ["atomic_file", "encode_png", "write_png"]


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside ``path`` that takes its name when the block ends well.

    The bytes are on disk before the rename; an error leaves nothing behind.
    """
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


def encode_png(image: Image, text: Mapping[str, str] | None = None, *, level: int = 1) -> bytes:
    """Return the picture as PNG; ``text`` becomes ``tEXt`` chunks, ``level`` 0-12 libdeflate's."""
    from degrade.images.encodings import encode_png_rows

    data = encode_png_rows(image, level)
    after_header = 8 + 25
    chunks = b"".join(_text_chunk(key, value) for key, value in (text or {}).items())
    return data[:after_header] + chunks + data[after_header:]


def _text_chunk(key: str, value: str) -> bytes:
    body = b"tEXt" + key.encode("latin-1") + b"\0" + value.encode("latin-1", "replace")
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def write_png(path: Path, image: Image, text: Mapping[str, str] | None = None) -> None:
    """Write the picture as PNG, whole or not at all."""
    data = encode_png(image, text)
    with atomic_file(path) as file:
        file.write(data)
