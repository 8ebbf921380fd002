import io
import random
import struct
import zlib

import imagecodecs
import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import pytest

from degrade.images import DecodePolicy, decode_image, encode_png
from degrade.images.decoding import _decode_with_pillow as decode_with_pillow
from degrade.images.plain import decode_plain
from degrade.images.png_kernels import undo_filters

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def picture(height=40, width=33):
    noise = np.random.default_rng(2).integers(0, 256, (5, 5, 3)).astype(np.uint8)
    return np.kron(noise, np.ones((height // 5, -(-width // 5), 1), np.uint8))[:, :width]


def saved(image, **options):
    file = io.BytesIO()
    PIL.Image.fromarray(image).save(file, "PNG", **options)
    return file.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(kind, body, data=None):
    data = encode_png(picture()) if data is None else data
    return data[:33] + chunk(kind, body) + data[33:]


def text(key, value, **options):
    info = PIL.PngImagePlugin.PngInfo()
    info.add_text(key, value, **options)
    return info


PLAIN = {
    "ours": encode_png(picture()),
    "ours with a tag": encode_png(picture(), {"Software": "relume"}),
    "one pixel": encode_png(picture()[:1, :1]),
    "Pillow": saved(picture()),
    "Pillow, several chunks": saved(np.tile(picture(), (9, 9, 1)), compress_level=0),
    "Pillow, dpi": saved(picture(), dpi=(72, 72)),
    "imagecodecs": bytes(imagecodecs.png_encode(picture(), level=9)),
    "gamma": with_chunk(b"gAMA", struct.pack(">I", 45455)),
}

EXIF = PIL.Image.Exif()
EXIF[274] = 6
LEFT = {
    "grey": saved(picture()[..., 0]),
    "transparent": saved(np.dstack([picture(), picture()[..., :1]])),
    "transparent colour": with_chunk(b"tRNS", b"\0\1\0\2\0\3"),
    "palette": saved(picture()[..., 0] // 8, bits=4),
    "orientation": saved(picture(), exif=EXIF),
    "profile": saved(picture(), icc_profile=b"profile" * 20),
    "orientation in a text": saved(picture(), pnginfo=text("Raw profile type exif", "x")),
    "text of metadata": saved(picture(), pnginfo=text("XML:com.adobe.xmp", "<x/>")),
    "packed text": saved(picture(), pnginfo=text("Comment", "x" * 99, zip=True)),
    "chunk without a name here": with_chunk(b"teSt", b"x"),
    "16 bits": bytes(imagecodecs.png_encode(picture().astype(np.uint16) * 257)),
    "no PNG": b"P6 1 1 255\n123",
    "empty": b"",
}


@pytest.mark.parametrize("kind", PLAIN)
def test_a_plain_file_is_decoded_to_what_the_careful_reader_gives(kind):
    actual = decode_plain(PLAIN[kind])
    assert actual is not None
    assert actual.dtype == np.uint8 and actual.flags.c_contiguous and actual.flags.writeable
    assert np.array_equal(actual, decode_with_pillow(PLAIN[kind], kind, DecodePolicy()))
    assert np.array_equal(actual, decode_image(PLAIN[kind], kind))


@pytest.mark.parametrize("kind", LEFT)
def test_what_may_mean_more_than_its_levels_is_left_to_the_careful_reader(kind):
    assert decode_plain(LEFT[kind]) is None


def test_an_orientation_and_a_profile_still_count():
    assert decode_image(LEFT["orientation"], "x").shape == (33, 40, 3)


def test_a_large_claim_takes_no_memory():
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    data = SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 9))
    assert decode_plain(data + chunk(b"IEND", b"")) is None


def mutated(data, reported):
    """Return a damaged copy, in half of the cases with its checksums made right again."""
    damaged = bytearray(data)
    for _ in range(reported.randrange(1, 4)):
        position = reported.randrange(len(damaged))
        kind = reported.randrange(4)
        if kind == 0:
            damaged[position] ^= 1 << reported.randrange(8)
        elif kind == 1:
            damaged[position:position] = reported.randbytes(reported.randrange(1, 6))
        elif kind == 2:
            del damaged[position : position + reported.randrange(1, 6)]
        else:
            del damaged[max(position, 40) :]
    if reported.random() < 0.5:
        return bytes(damaged)
    mended, position = damaged[:8], 8
    while position + 12 <= len(damaged):
        (length,) = struct.unpack(">I", damaged[position : position + 4])
        body = bytes(damaged[position + 8 : position + 8 + length])
        mended += chunk(bytes(damaged[position + 4 : position + 8]), body)
        position += 12 + length
    return bytes(mended)


def test_a_damaged_file_gives_what_the_careful_reader_gives_or_its_picture_unharmed():
    reported, taken = random.Random(5), 0
    for number in range(6000):
        whole = PLAIN[list(PLAIN)[number % len(PLAIN)]]
        data = mutated(whole, reported)
        actual = decode_plain(data)
        if actual is None:
            continue
        taken += 1
        try:
            expected = decode_with_pillow(data, "x", DecodePolicy())
        except OSError:
            # libdeflate reads codes that no encoder writes and zlib refuses; the checksum of
            # the levels vouches for them.
            expected = decode_plain(whole)
        assert np.array_equal(actual, expected)
    assert taken > 20  # damage beside the pixels


def filtered(levels, kinds):
    """Filter rows byte by byte as the PNG specification, 9.2 and 9.4, writes it down."""
    height, width = levels.shape
    rows = np.zeros((height, width + 1), np.uint8)
    at = lambda y, i: int(levels[y, i]) if y >= 0 and i >= 0 else 0  # noqa: E731
    for y, kind in enumerate(kinds):
        rows[y, 0] = kind
        for i in range(width):
            a, b, c = at(y, i - 3), at(y - 1, i), at(y - 1, i - 3)
            p = a + b - c
            pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
            paeth = a if pa <= pb and pa <= pc else b if pb <= pc else c
            predicted = (0, a, b, (a + b) // 2, paeth)[kind]
            rows[y, i + 1] = (at(y, i) - predicted) % 256
    return rows


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("width", [1, 2, 17])
def test_every_filter_is_undone(kind, width):
    random = np.random.default_rng(kind)
    for levels in (
        random.integers(0, 256, (9, 3 * width)),
        np.cumsum(random.integers(-2, 3, (9, 3 * width)), axis=1) + 128,
        random.choice([0, 255], (9, 3 * width)),
    ):
        levels = levels.astype(np.uint8)
        for kinds in ([kind] * 9, [*random.permutation([0, 1, 2, 3, 4]), kind, kind, kind, kind]):
            actual = np.full_like(levels, 77)
            assert undo_filters(filtered(levels, kinds), actual)
            assert np.array_equal(actual, levels)


def test_a_filter_that_does_not_exist_is_told():
    rows = np.zeros((3, 7), np.uint8)
    rows[2, 0] = 5
    assert not undo_filters(rows, np.zeros((3, 6), np.uint8))
