"""A person's photo as it lies on disk: read with all that must be kept, or refused in one line.

Unlike `degrade.images`, which makes 8-bit RGB of everything, this keeps grey grey, 16 bits 16,
and transparency, and does not convert colours. `zoo.portrait.files.photo_encoding` writes.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from degrade.errors import DependencyError, ImageError
from degrade.images import PIXEL_LIMIT
from degrade.images.decoding import (
    decode_deep,
    decoder_errors,
    has_sixteen_bits,
)
from degrade.images.header import check_header, check_opened
from zoo.portrait.composite.compositing import Photo
from zoo.portrait.files.metadata import Metadata, gather

if TYPE_CHECKING:
    import PIL.Image

__all__ = [
    "FORMATS",
    "HEIF_ENDINGS",
    "JpegCoding",
    "PhotoFile",
    "decode_photo",
    "format_of",
    "read_photo",
]

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        ".png": "PNG",
        ".jpg": "JPEG",
        ".jpeg": "JPEG",
        ".jpe": "JPEG",
        ".jfif": "JPEG",
        ".webp": "WEBP",
        ".tif": "TIFF",
        ".tiff": "TIFF",
    }
)
"""Endings of photos that are read and written, and their formats."""

HEIF_ENDINGS = (".heic", ".heif", ".hif")
"""Endings of photos of telephones, which are read with the extra ``heic`` and become JPEG."""
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""Of the file type box of HEVC images and of image files at large (ISO/IEC 23008-12)."""

_AS_THEY_ARE = ("L", "LA", "RGB", "RGBA")
_BECOME = {"1": "L", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB", "PA": "RGBA"}
"""Modes of Pillow that are the same picture in another guise."""
_SUBSAMPLING = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class JpegCoding:
    """How a JPEG was stored."""

    # ``4:4:4``, ``4:2:2``, ``4:2:0``, or empty where it is another or there is no colour
    subsampling: str
    tables: tuple[tuple[int, ...], ...]  # its quantisation tables, 64 steps each, by number
    progressive: bool  # whether it comes in several scans


@dataclass(frozen=True, slots=True, eq=False)
class PhotoFile:
    """A photo and how it was stored."""

    # uint8 or uint16, (height, width) or (height, width, 2 to 4), upright, in the colours of the
    # file's own profile
    pixels: Photo
    format: str  # ``PNG``, ``JPEG``, ``WEBP``, ``TIFF`` or ``HEIF``
    lossless: bool  # whether the file holds its pixels exactly
    metadata: Metadata  # what else it says
    jpeg: JpegCoding | None  # how a JPEG was stored; None for other formats


def format_of(name: str) -> str:
    """Return the format that a file name's ending stands for.

    Raises
    ------
    ImageError
        The ending is of another format, or there is none.
    """
    ending = Path(name).suffix.lower()
    if ending not in FORMATS:
        shown_ending = f"ends in {ending}" if ending else "has no ending"
        raise ImageError(
            f"{name} {shown_ending}: photos are PNG, JPEG, WebP or TIFF, with the ending .png, "
            ".jpg, .webp or .tif"
        )
    return FORMATS[ending]


def read_photo(path: Path, name: str) -> tuple[PhotoFile, bytes]:
    """Return the photo in a file, and the file's bytes.

    Raises
    ------
    ImageError
        It cannot be opened, or as `decode_photo`; the message begins with ``name``.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{name} cannot be opened: {error.strerror}") from error
    return decode_photo(data, name), data


def decode_photo(data: bytes, name: str) -> PhotoFile:
    """Return the photo in a file's bytes; the format is told by the bytes, not by the name.

    Raises
    ------
    ImageError
        Empty, damaged, too large, of another format or kind, or of several pages.
    """
    if not data:
        raise ImageError(f"{name} is empty (0 bytes)")
    import PIL.Image

    try:
        check_header(data, name, PIXEL_LIMIT)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with _opened(data) as image:
                check_opened(image, name, PIXEL_LIMIT)
                return _decoded(image, data, name)
    except PIL.UnidentifiedImageError:
        raise ImageError(
            f"{name} is no PNG, JPEG, WebP, TIFF or HEIC picture: convert it to one of these"
        ) from None
    except PIL.Image.DecompressionBombError:
        raise ImageError(f"{name} has more pixels than the limit of {PIXEL_LIMIT:,}") from None
    except decoder_errors() as error:
        raise ImageError(f"{name} is damaged: {error or type(error).__name__}") from None


def _opened(data: bytes) -> PIL.Image.Image:
    import PIL.Image

    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        try:
            import pillow_heif
        except ImportError as error:
            raise DependencyError(
                "photos of the kind HEIC need pillow-heif: run `pip install 'relume[heic]'`"
            ) from error
        # It turns the picture upright itself, and takes the mark out of its EXIF data.
        opened: Any = pillow_heif.HeifImageFile
        image: PIL.Image.Image = opened(io.BytesIO(data))
        return image
    return PIL.Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", "TIFF"))


def _decoded(image: PIL.Image.Image, data: bytes, name: str) -> PhotoFile:
    # An MPO file is a JPEG of a camera with a smaller or second view behind it.
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    if kind not in ("JPEG", "HEIF") and getattr(image, "n_frames", 1) > 1:
        raise ImageError(f"{name} holds several pictures: split it into single ones")
    jpeg = _jpeg_coding(image) if kind == "JPEG" else None
    # WebP: the chunk VP8L is the lossless one (RFC 9649, section 2.6).
    lossless = kind in ("PNG", "TIFF") or (kind == "WEBP" and b"VP8L" in data[12:256])
    levels = _levels(image, data, name)
    orientation = image.getexif().get(_ORIENTATION, 1)
    upright = _upright(levels, orientation)
    metadata = gather(image, data, turned=orientation in (5, 6, 7, 8))
    return PhotoFile(np.ascontiguousarray(upright), kind, lossless, metadata, jpeg)


def _levels(image: PIL.Image.Image, data: bytes, name: str) -> Photo:
    if image.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        raise ImageError(f"{name} is {image.mode}, not RGB or grey: convert it to RGB")
    if image.mode in ("F", "I"):
        raise ImageError(f"{name} has more than 16 bits a channel: convert it to 8 or 16 bits")
    if image.mode.startswith("I;16") or has_sixteen_bits(image, data):
        return _sixteen_bits(image, data, name)
    if image.mode == "P" or "transparency" in image.info:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    mode = _BECOME.get(image.mode, image.mode)
    if mode not in _AS_THEY_ARE:
        raise ImageError(f"{name} is of the kind {image.mode}: convert it to RGB")
    return np.asarray(image if image.mode == mode else image.convert(mode), np.uint8)


def _sixteen_bits(image: PIL.Image.Image, data: bytes, name: str) -> NDArray[np.uint16]:
    if image.format == "TIFF":
        # TIFF 6.0, PhotometricInterpretation: 1 black is zero, 2 RGB; ExtraSamples: 1 is alpha
        # that the colours were multiplied by.
        tags: Any = image.tag_v2  # type: ignore[attr-defined]
        if tags.get(262) not in (1, 2) or 1 in tags.get(338, ()):
            raise ImageError(
                f"{name} is a 16-bit TIFF that is neither plain grey nor plain RGB: convert it"
            )
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    return decode_deep(image, data)


def _jpeg_coding(image: PIL.Image.Image) -> JpegCoding:
    from PIL.JpegImagePlugin import get_sampling

    tables: dict[int, list[int]] = image.quantization  # type: ignore[attr-defined]
    return JpegCoding(
        subsampling=_SUBSAMPLING.get(get_sampling(image), "") if image.mode == "RGB" else "",
        tables=tuple(tuple(tables[number]) for number in sorted(tables)),
        progressive=bool(image.info.get("progressive")),
    )


def _upright(levels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return the picture as it is to be seen (EXIF 2.32, table 6)."""
    if orientation in (5, 6, 7, 8):
        levels = levels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        levels = levels[::-1]
    if orientation in (2, 3, 6, 7):
        levels = levels[:, ::-1]
    return levels
