"""From a file's bytes to an image, or to one line that says why not."""

from __future__ import annotations

import ctypes
import io
import struct
import sys
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from degrade.errors import ImageError
from degrade.images.colour import check_kind, round_to_eight_bits, to_rgb, upright
from degrade.images.decode_policy import DecodePolicy, Image
from degrade.images.header import check_header, check_opened, check_size, jpegxl_size
from degrade.images.plain import decode_plain

if TYPE_CHECKING:
    import PIL.Image

_MORE_THAN_LOST = 4


def decode_with(codec: Callable[..., Any], data: bytes, *rest: Any, **options: Any) -> NDArray[Any]:
    """Return ``codec(data, …)`` as an array, raising what it raises.

    The error paths of imagecodecs (2026.3.6: png, tiff, qoi, jpegxl) give away up to two
    references to ``None`` that they do not own. From Python 3.12 on that does nothing (PEP 683);
    before it, some thousands of damaged files in one process end it with "deallocating None", so
    here the references are given back.
    """
    try:
        return np.asarray(codec(data, *rest, **options))
    except BaseException:
        if sys.version_info < (3, 12):
            for _ in range(_MORE_THAN_LOST):
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(None))
        raise


_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000", "GIF")
"""What Pillow may try; the rest of its list would start other programs (EPS) or is rare."""

_JPEG_XL = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
"""A bare JPEG XL codestream, and its container: ISO/IEC 18181-2."""

_QOI_END = bytes(7) + b"\x01"
"""The last bytes of every QOI file (qoiformat.org/qoi-specification.pdf)."""

_CHANNELS = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}

_DEFAULT_READING = DecodePolicy()


def read_image(path: Path, reading: DecodePolicy = _DEFAULT_READING) -> Image:
    """Return the image in a file; ``reading`` says how what files leave open is settled.

    Raises ImageError, one line, when the file is not a whole image; OSError when it
    cannot be opened.
    """
    return decode_image(path.read_bytes(), str(path), reading)


def decode_image(data: bytes, name: str, reading: DecodePolicy = _DEFAULT_READING) -> Image:
    """Return the image in an encoded file's bytes.

    Parameters
    ----------
    data
        PNG, JPEG, WebP, BMP, TIFF, PPM, AVIF, JPEG 2000, GIF, QOI or JPEG XL; recognised by
        their first bytes. Of an animation the first frame counts.
    name
        Of the file, for messages.
    reading
        The policies; by default those of a viewer.

    Returns
    -------
    uint8 (height, width, 3), RGB.

    Raises
    ------
    ImageError
        The file is empty, damaged, in another format, beyond the pixel limit, or of a kind
        that ``reading`` refuses.
    """
    if not data:
        raise ImageError(f"{name} is empty (0 bytes)")
    import PIL.Image

    try:
        check_header(data, name, reading.pixel_limit)
        if data.startswith((b"qoif", *_JPEG_XL)):
            return _of_array(_decode_array(data, name, reading), name, reading)
        plain = decode_plain(data)
        return _decode_with_pillow(data, name, reading) if plain is None else plain
    except PIL.UnidentifiedImageError:
        raise ImageError(f"{name} is not an image in a format that can be read") from None
    except PIL.Image.DecompressionBombError:
        limit = f"{reading.pixel_limit:,}"
        raise ImageError(f"{name} has more pixels than the limit of {limit}") from None
    except decoder_errors() as error:
        raise ImageError(f"{name} is damaged: {error or type(error).__name__}") from None


def decoder_errors() -> tuple[type[Exception], ...]:
    """Return what Pillow and imagecodecs are known to raise on damaged files (by fuzzing)."""
    import imagecodecs

    errors = (OSError, ValueError, SyntaxError, EOFError, TypeError, LookupError, struct.error)
    codecs = (imagecodecs.PngError, imagecodecs.TiffError, zlib.error)
    newer = (imagecodecs.QoiError, imagecodecs.JpegxlError)
    return (*errors, *codecs, *newer, ArithmeticError, AttributeError, RuntimeError)


def _decode_with_pillow(data: bytes, name: str, reading: DecodePolicy) -> Image:
    import PIL.Image

    PIL.Image.init()
    formats = [kind for kind in _FORMATS if kind in PIL.Image.OPEN]  # AVIF needs Pillow 11.3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with PIL.Image.open(io.BytesIO(data), formats=formats) as opened:
            check_opened(opened, name, reading.pixel_limit)
            deep = has_sixteen_bits(opened, data)
            check_kind(name, reading, mode=opened.mode, sixteen_bit=deep)
            whole = _eight_bits(opened, data)
            return to_rgb(upright(whole) if reading.exif == "apply" else whole, name, reading)


def _eight_bits(opened: PIL.Image.Image, data: bytes) -> PIL.Image.Image:
    """Return the image with 8 bits a channel, rounded; Pillow itself cuts 16 bits off."""
    import PIL.Image

    if opened.mode == "F":
        raise ValueError("its levels are fractions: convert it to 8 or 16 bits")
    if opened.mode in ("I;16", "I;16B", "I;16L", "I"):
        levels = np.asarray(opened.convert("I"))
        if levels.min() < 0 or levels.max() > 65535:
            raise ValueError("its levels are beyond 16 bits: convert it to 8 or 16 bits")
        deep = levels.astype(np.uint16)
    elif opened.mode in ("RGB", "RGBA", "LA") and has_sixteen_bits(opened, data):
        deep = decode_deep(opened, data)
    else:
        return opened
    whole = PIL.Image.fromarray(round_to_eight_bits(deep))
    exif = opened.getexif()
    whole.info |= {key: value for key, value in opened.info.items() if key == "icc_profile"}
    whole.getexif().update(exif)
    return whole


def has_sixteen_bits(opened: PIL.Image.Image, data: bytes) -> bool:
    """Return whether a PNG or TIFF file, opened by Pillow, has 16 bits a channel."""
    if opened.format == "PNG":
        return data[24] == 16
    bits = getattr(opened, "tag_v2", {}).get(258, ())  # BitsPerSample, TIFF 6.0 page 29
    return opened.format == "TIFF" and bool(bits) and set(bits) == {16}


def decode_deep(opened: PIL.Image.Image, data: bytes) -> NDArray[np.uint16]:
    """Return all channels of a PNG or TIFF file of 16 bits; may raise `decoder_errors`."""
    import imagecodecs

    if opened.format == "PNG":
        return decode_with(imagecodecs.png_decode, data)
    levels = decode_with(imagecodecs.tiff_decode, data, index=0)
    size = (opened.height, opened.width)
    if levels.ndim == 3 and levels.shape[:2] != size and levels.shape[1:] == size:
        levels = np.moveaxis(levels, 0, -1)  # PlanarConfiguration 2: a plane a channel
    if levels.dtype != np.uint16 or levels.shape[:2] != size:
        raise ValueError("its header and its levels disagree")
    return np.ascontiguousarray(levels)


def _decode_array(data: bytes, name: str, reading: DecodePolicy) -> NDArray[np.uint8 | np.uint16]:
    """Return the levels of a QOI or JPEG XL file, (height, width) or (height, width, channels).

    A profile in a JPEG XL file is not given by its decoder: the levels are taken for sRGB.
    """
    import imagecodecs

    if data.startswith(b"qoif"):
        if not data.endswith(_QOI_END):  # the decoder fills what is missing
            raise ValueError("it is cut short")
        return decode_with(imagecodecs.qoi_decode, data)
    check_size(*jpegxl_size(data), name, reading.pixel_limit)
    keep = reading.exif == "ignore"
    return decode_with(imagecodecs.jpegxl_decode, data, 0, keeporientation=keep, numthreads=1)


def _of_array(levels: NDArray[np.uint8 | np.uint16], name: str, reading: DecodePolicy) -> Image:
    import PIL.Image

    if levels.dtype not in (np.uint8, np.uint16):
        raise ValueError("its levels are fractions: convert it to 8 or 16 bits")
    channels = 1 if levels.ndim == 2 else levels.shape[-1]
    if levels.ndim not in (2, 3) or channels not in _CHANNELS:
        raise ValueError(f"it has {channels} channels: 1 to 4 are read")
    deep = levels.dtype == np.uint16
    check_kind(name, reading, mode=_CHANNELS[channels], sixteen_bit=deep)
    shallow = round_to_eight_bits(levels.astype(np.uint16)) if deep else levels.astype(np.uint8)
    if channels == 3:
        return np.ascontiguousarray(shallow)
    plane = shallow[..., 0] if shallow.shape[2:] == (1,) else shallow
    return to_rgb(PIL.Image.fromarray(plane), name, reading)
