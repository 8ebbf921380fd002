"""Whether a source's own file may stand for the HQ: only if every reader sees the same pixels."""

from __future__ import annotations

import io
import warnings

__all__ = ["plain_ending"]

_ENDINGS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
_ORIENTATION = 0x0112  # EXIF 2.3, table 4
_PNG_DEPTH = 24  # byte of a PNG's bit depth (ISO/IEC 15948, 11.2.2)


def plain_ending(data: bytes, size: tuple[int, ...]) -> str | None:
    """Return the ending for a copy of an encoded picture, or None where it must not be copied.

    Copied are PNG, JPEG and WebP of three channels and 8 bits without transparency, without a
    colour profile and upright: pictures in which there is nothing for a reader to interpret.
    JPEG and lossy WebP are decoded alike but by the same version of a decoder.

    Parameters
    ----------
    data
        A file that was read without an error.
    size
        ``(height, width)`` of the picture it was read as, which may have been shrunk since.
    """
    import PIL.Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with PIL.Image.open(io.BytesIO(data), formats=tuple(_ENDINGS)) as picture:
                kind = str(picture.format)
                upright = picture.getexif().get(_ORIENTATION, 1) == 1
                told = {"icc_profile", "transparency", "gamma", "chromaticity"} & set(picture.info)
                same = (picture.height, picture.width) == size
                plain = picture.mode == "RGB" and same and upright and not told
                single = getattr(picture, "n_frames", 1) == 1
    except (OSError, SyntaxError, ValueError):
        return None
    if kind == "PNG" and data[_PNG_DEPTH] != 8:
        return None
    return _ENDINGS[kind] if plain and single else None
