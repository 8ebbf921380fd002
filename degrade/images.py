"""The only place that decodes and encodes pictures.

Public images are uint8, (height, width, 3), RGB, levels 0-255. What a file says besides its
pixels is settled here, once: EXIF orientation is applied, an ICC profile is converted to sRGB,
transparent pixels are laid on white, grey becomes three equal channels, 16 bits (PNG, TIFF,
PPM) are rounded to 8, CMYK becomes RGB (through its profile where it has one), and of an
animation the first frame counts. Levels of 32 bits and fractions have no agreed white: refused.
"""

from __future__ import annotations

import io
import os
import secrets
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from degrade.errors import DatasetError, ImageError

if TYPE_CHECKING:
    import PIL.Image

__all__ = [
    "EXTENSIONS",
    "PIXEL_LIMIT",
    "Image",
    "atomic_file",
    "decode_image",
    "encode_png",
    "list_images",
    "read_image",
    "write_png",
]

Image = NDArray[np.uint8]
"""uint8, (height, width, 3), RGB."""

EXTENSIONS = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".avif", ".jp2"}
)
"""File name endings, lower case, that count as pictures when a folder is read."""

PIXEL_LIMIT = 178_956_970
"""Pictures with more pixels are refused before they are decoded; also Pillow's own limit."""

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000", "GIF")
"""What Pillow may try; the rest of its list would start other programs (EPS) or is rare."""


def list_images(folder: Path) -> list[str]:
    """Return the pictures below ``folder`` as sorted relative POSIX paths.

    Hidden files and folders and links to folders are passed over. Raises DatasetError when
    the folder is missing or holds no picture.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder: give a folder of images")
    found: list[str] = []
    for parent, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(parent).relative_to(folder)
        found += [
            (inside / name).as_posix()
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in EXTENSIONS
        ]
    if not found:
        known = " ".join(sorted(EXTENSIONS))
        raise DatasetError(f"{folder} holds no images: expected files ending in {known}")
    return sorted(found)


def _raise(error: OSError) -> None:
    raise error


def read_image(path: Path, *, pixel_limit: int = PIXEL_LIMIT) -> Image:
    """Return the picture in a file; see the module for how it is read.

    Raises ImageError, one line, when the file is not a whole picture; OSError when it
    cannot be opened.
    """
    return decode_image(path.read_bytes(), str(path), pixel_limit=pixel_limit)


def decode_image(data: bytes, name: str, *, pixel_limit: int = PIXEL_LIMIT) -> Image:
    """Return the picture in an encoded file's bytes; ``name`` is used in messages."""
    if not data:
        raise ImageError(f"{name} is empty (0 bytes)")
    import PIL.Image

    PIL.Image.init()
    formats = [kind for kind in _FORMATS if kind in PIL.Image.OPEN]  # AVIF needs Pillow 11.3
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with PIL.Image.open(io.BytesIO(data), formats=formats) as picture:
                _check_size(picture.height, picture.width, name, pixel_limit)
                return _to_rgb(_upright(_eight_bits(picture, data)))
    except PIL.UnidentifiedImageError:
        raise ImageError(f"{name} is not an image in a format that can be read") from None
    except PIL.Image.DecompressionBombError:
        raise ImageError(f"{name} has more pixels than the limit of {pixel_limit:,}") from None
    except _decoder_errors() as error:
        raise ImageError(f"{name} is damaged: {error or type(error).__name__}") from None


def _decoder_errors() -> tuple[type[Exception], ...]:
    """Return what Pillow and imagecodecs are known to raise on damaged files (by fuzzing)."""
    import imagecodecs

    errors = (OSError, ValueError, SyntaxError, EOFError, TypeError, LookupError, struct.error)
    codecs = (imagecodecs.PngError, imagecodecs.TiffError, zlib.error)
    return (*errors, *codecs, ArithmeticError, AttributeError, RuntimeError)


def _check_size(height: int, width: int, name: str, pixel_limit: int) -> None:
    if height * width > pixel_limit:
        raise ImageError(
            f"{name} has {height} × {width} pixels, more than the limit of {pixel_limit:,}"
        )


def _eight_bits(picture: PIL.Image.Image, data: bytes) -> PIL.Image.Image:
    """Return the picture with 8 bits a channel, rounded; Pillow itself cuts 16 bits off."""
    import PIL.Image

    if picture.mode == "F":
        raise ValueError("its levels are fractions: convert it to 8 or 16 bits")
    if picture.mode in ("I;16", "I;16B", "I;16L", "I"):
        levels = np.asarray(picture.convert("I"))
        if levels.min() < 0 or levels.max() > 65535:
            raise ValueError("its levels are beyond 16 bits: convert it to 8 or 16 bits")
        deep = levels.astype(np.uint16)
    elif picture.mode in ("RGB", "RGBA", "LA") and _has_sixteen_bits(picture, data):
        deep = _decode_deep(picture.format, data)
    else:
        return picture
    whole = PIL.Image.fromarray(_to_eight_bits(deep))
    exif = picture.getexif()
    whole.info |= {key: value for key, value in picture.info.items() if key == "icc_profile"}
    whole.getexif().update(exif)
    return whole


def _has_sixteen_bits(picture: PIL.Image.Image, data: bytes) -> bool:
    if picture.format == "PNG":
        return data[24] == 16
    bits = getattr(picture, "tag_v2", {}).get(258, ())  # BitsPerSample, TIFF 6.0 page 29
    return picture.format == "TIFF" and bool(bits) and set(bits) == {16}


def _decode_deep(kind: str | None, data: bytes) -> NDArray[np.uint16]:
    import imagecodecs

    if kind == "PNG":
        return np.asarray(imagecodecs.png_decode(data))
    return np.asarray(imagecodecs.tiff_decode(data, index=0))


def _upright(picture: PIL.Image.Image) -> PIL.Image.Image:
    import PIL.ImageOps

    return PIL.ImageOps.exif_transpose(picture)


def _to_rgb(picture: PIL.Image.Image) -> Image:
    import PIL.Image

    if "transparency" in picture.info:
        picture = picture.convert("RGBA")
    elif picture.mode == "P":
        picture = picture.convert("RGB")
    picture = _to_srgb(picture)
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        layer = picture.convert("RGBA")
        paper = PIL.Image.new("RGBA", layer.size, (255, 255, 255, 255))
        picture = PIL.Image.alpha_composite(paper, layer)
    return np.array(picture.convert("RGB"), dtype=np.uint8)


def _to_srgb(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Convert by the embedded profile; a profile that cannot be used is passed over."""
    import PIL.ImageCms

    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "RGBA", "L", "CMYK"):
        return picture
    try:
        source = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in PIL.ImageCms.getProfileDescription(source):
            return picture
        mode = "RGBA" if picture.mode == "RGBA" else "RGB"
        target = PIL.ImageCms.createProfile("sRGB")
        converted = PIL.ImageCms.profileToProfile(picture, source, target, outputMode=mode)
    except (PIL.ImageCms.PyCMSError, OSError, ValueError):
        return picture
    return converted if converted is not None else picture


def _to_eight_bits(deep: NDArray[np.uint16]) -> Image:
    return ((deep.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


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
    """Return the picture as PNG; ``text`` becomes ``tEXt`` chunks, ``level`` is zlib's 0-9."""
    import imagecodecs

    data = bytes(imagecodecs.png_encode(np.ascontiguousarray(image), level=level))
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
