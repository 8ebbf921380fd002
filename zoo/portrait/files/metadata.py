"""What a photo's file says besides its pixels, and the note of the model that is added to it.

Everything is kept byte for byte but what would be wrong of the restored photo: its EXIF
orientation, which the pixels have taken, and the thumbnail of the old picture.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr, unescape

if TYPE_CHECKING:
    import PIL.Image

__all__ = ["Metadata", "gather", "settled_exif", "settled_xmp", "with_note"]

_ORIENTATION = 0x0112
"""EXIF 2.32, table 4: which way up the picture is."""
_SHORT = 3
"""A 16-bit number (TIFF 6.0, page 15)."""
_MAGIC = 42
"""What follows the byte order (TIFF 6.0, page 13)."""
_EXIF_PREFIX = b"Exif\0\0"
_ABOUT_THE_PHOTO = (
    0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x013C, 0x0132, 0x8298, 0x8769, 0x8825, 0x4746, 0x4749,
)  # fmt: skip
"""Tags of a TIFF file that speak of the photo and not of how its pixels are stored: description,
make, model, software, artist, host, time, copyright, the EXIF and GPS directories, ratings."""
_METADATA_CHUNKS = (b"gAMA", b"cHRM", b"sRGB", b"cICP", b"tEXt", b"zTXt", b"iTXt", b"tIME")
"""PNG chunks that are kept as they are (PNG specification, third edition, chapter 11)."""
_HELD_ELSEWHERE = (b"raw profile", b"xml:com.adobe.xmp")
"""Beginnings of PNG texts, in small letters, that hold EXIF or XMP."""

_NOTE = re.compile(rb'\brelume:restored="([^"]*)"')
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>\s*))[2-8](?=\s*[\"'<])")
_EMPTY_XMP = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF>'
    b'</x:xmpmeta><?xpacket end="w"?>'
)
"""A packet that says nothing (XMP specification, part 1, 7.3)."""
_NAMESPACE = "urn:relume:1.0:"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says besides its pixels."""

    # The colour profile; empty when there is none. The pixels stay in its colours.
    icc: bytes = b""
    exif: bytes = b""  # A TIFF structure (EXIF 2.32, 4.5), orientation 1, no thumbnail; or empty
    xmp: bytes = b""  # the XMP packet; or empty
    # Dots an inch, across and down; None where the file does not say
    dpi: tuple[float, float] | None = None
    comment: bytes = b""  # A JPEG's comment; or empty
    chunks: bytes = b""  # A PNG's texts and colour chunks, as they stood; or empty


def gather(image: PIL.Image.Image, data: bytes, turned: bool) -> Metadata:
    """Return what the file of a decoded picture says.

    Parameters
    ----------
    picture
        As Pillow opened and loaded it.
    data
        The file.
    turned
        Whether the pixels were turned by a quarter, so that across and down change places.
    """
    info: dict[Any, Any] = image.info
    dpi = _dpi(info.get("dpi"))
    return Metadata(
        icc=bytes(info.get("icc_profile") or b""),
        exif=settled_exif(_exif_of(image)),
        xmp=settled_xmp(_xmp_of(image)),
        dpi=dpi[::-1] if dpi and turned else dpi,
        comment=bytes(info.get("comment", b"")) if image.format in ("JPEG", "MPO") else b"",
        chunks=_metadata_chunks(data) if image.format == "PNG" else b"",
    )


def settled_exif(exif: bytes) -> bytes:
    """Return EXIF with orientation 1 and no thumbnail, else the same bytes; empty if damaged.

    Changed in place, so that a camera's own notes, which point at places in the block, hold.
    """
    settled = bytearray(exif)
    try:
        order = {b"II": "<", b"MM": ">"}[exif[:2]]
        magic, start = struct.unpack_from(f"{order}HL", exif, 2)
        if magic != _MAGIC:
            return b""
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for offset in range(start + 2, start + 2 + 12 * count, 12):
            (tag,) = struct.unpack_from(f"{order}H", exif, offset)
            if tag == _ORIENTATION:
                struct.pack_into(f"{order}HLHH", settled, offset + 2, _SHORT, 1, 1, 0)
        struct.pack_into(f"{order}L", settled, start + 2 + 12 * count, 0)
    except (KeyError, struct.error):
        return b""
    return bytes(settled)


def settled_xmp(xmp: bytes) -> bytes:
    """Return an XMP packet whose orientation, where it names one, is 1."""
    return _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)


def with_note(xmp: bytes, note: str) -> bytes:
    """Return an XMP packet that also says ``relume:restored`` = ``note``, after earlier notes.

    What is no XMP packet is replaced by one.
    """
    earlier = _NOTE.search(xmp)
    if earlier:
        both = f"{unescape(earlier[1].decode('utf-8', 'replace'))}, {note}"
        return xmp[: earlier.start()] + _attribute(both) + xmp[earlier.end() :]
    packet = xmp if b"</rdf:RDF>" in xmp else _EMPTY_XMP
    description = (
        f'<rdf:Description rdf:about="" xmlns:relume="{_NAMESPACE}" '.encode()
        + _attribute(note)
        + b"/>"
    )
    head, end, tail = packet.rpartition(b"</rdf:RDF>")
    return head + description + end + tail


def _attribute(note: str) -> bytes:
    return f"relume:restored={quoteattr(note.replace(chr(34), chr(39)))}".encode()


def _exif_of(image: PIL.Image.Image) -> bytes:
    import PIL.Image

    raw = image.info.get("exif")
    if isinstance(raw, bytes) and image.format != "TIFF":
        return raw.removeprefix(_EXIF_PREFIX)
    exif = image.getexif()  # of a TIFF file's tags, or of a PNG's text
    if not exif or set(exif) == {_ORIENTATION}:  # which Pillow may have from XMP
        return b""
    if image.format != "TIFF":
        return exif.tobytes().removeprefix(_EXIF_PREFIX)
    chunks = PIL.Image.Exif()
    for tag in _ABOUT_THE_PHOTO:
        if tag in (0x8769, 0x8825):
            if exif.get_ifd(tag):
                chunks.get_ifd(tag).update(exif.get_ifd(tag))
        elif tag in exif:
            chunks[tag] = exif[tag]
    return chunks.tobytes().removeprefix(_EXIF_PREFIX) if chunks else b""


def _xmp_of(image: PIL.Image.Image) -> bytes:
    raw: Any = image.info.get("xmp", image.info.get("XML:com.adobe.xmp", b""))
    return raw.encode() if isinstance(raw, str) else bytes(raw)


def _dpi(raw: Any) -> tuple[float, float] | None:
    try:
        across, down = (float(value) for value in raw)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 0 < across < 1e6 and 0 < down < 1e6 else None


def _metadata_chunks(data: bytes) -> bytes:
    chunks, offset = [], 8
    while offset + 12 <= len(data):
        (length,) = struct.unpack_from(">L", data, offset)
        kind, body = data[offset + 4 : offset + 8], data[offset + 8 : offset + 8 + length]
        elsewhere = kind.endswith(b"Xt") and body.lower().startswith(_HELD_ELSEWHERE)
        if kind in _METADATA_CHUNKS and not elsewhere:
            chunks.append(data[offset : offset + 12 + length])
        offset += 12 + length
    return b"".join(chunks)
