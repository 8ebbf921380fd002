"""Writing a photo in the format that was asked for, with all that its source said.

Never less than the photo holds: a format without 16 bits or transparency is refused for a photo
that has them.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degrade.errors import ImageError
from degrade.images.decoding import decoder_errors
from zoo.portrait.composite.compositing import Photo, as_rgb8
from zoo.portrait.files.metadata import Metadata, with_note
from zoo.portrait.files.photo import JpegCoding, PhotoFile

__all__ = ["check_format", "encode_photo"]

_QUALITY = 95
"""Quality of JPEG and lossy WebP where none is asked for; a JPEG's own, where that is finer."""
_LONGEST_WEBP = 16383
"""RFC 9649, section 2.7: 14 bits a side."""
_LONGEST_JPEG = 65500
"""libjpeg's JPEG_MAX_DIMENSION."""
_ORIENTATION, _INNER, _INTEROPERABILITY = 0x0112, (0x8769, 0x8825), 0xA005
"""EXIF 2.32: the orientation, the EXIF and GPS directories, one of theirs that only says how
files of cameras are named."""


def encode_photo(
    photo: PhotoFile,
    pixels: Photo,
    kind: str,
    *,
    note: str = "",
    quality: int | None = None,
) -> bytes:
    """Return a file of ``pixels`` with the metadata of ``photo``.

    Parameters
    ----------
    photo
        Where they come from.
    pixels
        Of the same dtype and channels as the photo's.
    kind
        ``PNG``, ``JPEG``, ``WEBP`` or ``TIFF``.
    note
        Model and version, in the text ``relume`` of a PNG and as ``relume:restored`` in the XMP of
        the others; empty for none.
    quality
        1-100, of JPEG and WebP. None: JPEG at 95 with no step coarser than the source's; WebP
        exactly where the source was exact, else at 95.

    Raises
    ------
    ImageError
        As `check_format`.
    """
    check_format(photo, kind)
    metadata = photo.metadata
    if kind == "PNG":
        return _png(pixels, metadata, note)
    xmp = with_note(metadata.xmp, note) if note else metadata.xmp
    if kind == "TIFF":
        return _tiff(pixels, metadata, xmp)
    options: dict[str, Any] = {
        name: value
        for name, value in (("icc_profile", metadata.icc), ("exif", metadata.exif), ("xmp", xmp))
        if value
    }
    if kind == "WEBP":
        exact = quality is None and photo.lossless
        options |= {"lossless": True, "exact": True} if exact else {"quality": quality or _QUALITY}
        return _by_pillow(pixels, kind, options)
    if metadata.exif:
        options["exif"] = b"Exif\0\0" + metadata.exif
    if metadata.comment:
        options["comment"] = metadata.comment
    if metadata.dpi:
        options["dpi"] = metadata.dpi
    return _by_pillow(pixels, kind, options | _jpeg_options(photo.jpeg, pixels.ndim, quality))


def check_format(photo: PhotoFile, kind: str) -> None:
    """Refuse a format that cannot hold a photo.

    Raises
    ------
    ImageError
        It has not the photo's 16 bits, transparency, size, or room for its metadata.
    """
    pixels, metadata = photo.pixels, photo.metadata
    if kind == "TIFF" and pixels.dtype == np.uint16 and pixels.shape[2:] == (2,):
        raise ImageError("grey of 16 bits with transparency is rare in TIFF: end OUT in .png")
    if kind in ("PNG", "TIFF"):
        return
    advice = "end OUT in .png or .tif"
    if pixels.dtype == np.uint16:
        raise ImageError(f"the photo has 16 bits a channel, {kind} holds 8: {advice}")
    if kind == "JPEG" and pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        raise ImageError(f"the photo has transparency, JPEG holds none: {advice}")
    longest = _LONGEST_JPEG if kind == "JPEG" else _LONGEST_WEBP
    if max(pixels.shape[:2]) > longest:
        raise ImageError(f"sides of {kind} have at most {longest} pixels: {advice}")
    # A JPEG segment has 65 533 bytes; Pillow splits profiles, EXIF and XMP come whole.
    if kind == "JPEG" and max(len(metadata.exif), len(metadata.xmp)) > 65_000:
        raise ImageError(f"the photo's EXIF or XMP is too long for a JPEG: {advice}")


def _jpeg_options(
    source: JpegCoding | None, dimensions: int, quality: int | None
) -> dict[str, Any]:
    options: dict[str, Any] = {"optimize": True}
    if quality is None and source is not None and source.tables:
        options["qtables"] = _finer(source.tables)  # Pillow would scale them by a quality
    else:
        options["quality"] = quality or _QUALITY
    if source is None:
        return options | ({"subsampling": "4:4:4"} if dimensions == 3 else {})
    options["progressive"] = source.progressive
    if source.subsampling and dimensions == 3:
        options["subsampling"] = source.subsampling
    return options


def _finer(tables: tuple[tuple[int, ...], ...]) -> list[list[int]]:
    """Return luma and chroma tables, each step the finer of the source's and quality 95's.

    So what the restorer did not touch comes back nearly as it was however fine the source is, and
    what it painted is not spoiled again however coarse the source is.
    """
    import PIL.Image

    buffer = io.BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(buffer, "JPEG", quality=_QUALITY)
    with PIL.Image.open(buffer) as image:
        standard: dict[int, list[int]] = image.quantization  # type: ignore[attr-defined]
    chroma = tables[min(1, len(tables) - 1)]
    return [
        [min(pair) for pair in zip(table, standard[number], strict=True)]
        for number, table in enumerate((tables[0], chroma))
    ]


def _by_pillow(pixels: NDArray[Any], kind: str, options: dict[str, Any]) -> bytes:
    import PIL.Image

    if kind == "WEBP" and (pixels.ndim == 2 or pixels.shape[2] == 2):  # has no grey
        alpha = pixels[..., 1:] if pixels.ndim == 3 else np.empty((*pixels.shape, 0), np.uint8)
        pixels = np.concatenate((as_rgb8(pixels), alpha), axis=2)
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def _png(pixels: Photo, metadata: Metadata, note: str) -> bytes:
    """Return a PNG whose extra chunks stand behind the header (PNG specification, 5.6)."""
    import imagecodecs

    data = bytes(imagecodecs.png_encode(pixels, level=6))
    chunks = metadata.chunks
    if metadata.icc:
        chunks += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc))
    if metadata.dpi:
        across, down = (round(dots / 0.0254) for dots in metadata.dpi)
        chunks += _chunk(b"pHYs", struct.pack(">LLB", across, down, 1))
    if metadata.exif:
        chunks += _chunk(b"eXIf", metadata.exif)
    if metadata.xmp:
        chunks += _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata.xmp)
    if note:
        chunks += _chunk(b"tEXt", b"relume\0" + note.encode("latin-1", "replace"))
    after_header = 8 + 25
    return data[:after_header] + chunks + data[after_header:]


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(body, zlib.crc32(kind))
    return struct.pack(">L", len(body)) + kind + body + struct.pack(">L", checksum)


def _tiff(pixels: Photo, metadata: Metadata, xmp: bytes) -> bytes:
    """Return a TIFF of one deflated strip; the numbers are TIFF 6.0's tags."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    directory = ImageFileDirectory_v2()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged tags, which are left out
            _tell(directory, metadata.exif)
            directory.tobytes()
    except decoder_errors():
        directory = ImageFileDirectory_v2()
    strip = zlib.compress(pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes())
    _describe(directory, pixels, len(strip))
    if metadata.dpi:
        directory[282], directory[283], directory[296] = *metadata.dpi, 2
    for tag, value in ((34675, metadata.icc), (700, xmp)):
        if value:
            directory.tagtype[tag] = 7 if tag == 34675 else 1  # UNDEFINED, BYTE
            directory[tag] = value
    buffer = io.BytesIO()
    directory.save(buffer)
    return buffer.getvalue() + strip


def _tell(directory: Any, exif: bytes) -> None:
    """Put the tags of an EXIF block into a directory, those of its inner directories too."""
    import PIL.Image

    tags = PIL.Image.Exif()
    tags.load(exif)
    for tag, value in tags.items():
        if tag not in (_ORIENTATION, *_INNER):
            directory[tag] = value
    for tag in _INNER:
        inner = {key: value for key, value in tags.get_ifd(tag).items() if key != _INTEROPERABILITY}
        if inner:
            directory.tagtype[tag] = 4  # LONG: where the inner directory is
            directory[tag] = inner


def _describe(directory: Any, pixels: NDArray[Any], stored: int) -> None:
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    directory[256], directory[257] = width, height
    directory[258] = (8 * pixels.dtype.itemsize,) * channels
    directory[259] = 8  # deflate, Adobe's Photoshop TIFF technical notes, 2002
    directory[262] = 2 if channels >= 3 else 1
    directory[273] = 0  # becomes the place behind the directory
    directory[277], directory[278], directory[279] = channels, height, stored
    directory[284] = 1  # channels of a pixel stand together
    if channels in (2, 4):
        directory[338] = 2  # alpha that the colours were not multiplied by
