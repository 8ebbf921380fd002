"""Throws mutated files at the reader; run as a program, so that a crash is seen from outside.

``python hostile_files.py FIRST COUNT`` reads the mutated files FIRST to FIRST + COUNT − 1, each a
function of its number alone, and prints one JSON line of outcomes. It dies of: a codec's crash, a
file that takes longer than `SECONDS` (told with a traceback), memory beyond `BYTES` above what the
start took, and any outcome that is neither an image nor an ImageError.
"""

import faulthandler
import io
import json
import random
import resource
import struct
import sys
import warnings
from collections import Counter
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.features
import PIL.Image

from degrade.errors import ImageError
from degrade.images import DecodePolicy, decode_image

SECONDS = 5
BYTES = 512 * 2**20
PIXELS = 10**6
NUMBERS = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    16,
    255,
    256,
    1000,
    65535,
    65536,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
)


def picture(*shape, dtype=np.uint8):
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    noise = np.random.default_rng(4).integers(0, 40, shape)
    plane = (x * 5 + y * 3).reshape(shape[0], shape[1], *[1] * (len(shape) - 2))
    return ((plane + noise) % 256 * (np.iinfo(dtype).max // 255)).astype(dtype)


def saved(image, kind, mode=None, **options):
    file = io.BytesIO()
    PIL.Image.fromarray(image, mode).save(file, kind, **options)
    return file.getvalue()


def whole_files():
    """Return small whole files of every kind that the reader takes."""
    colour, grey, deep = picture(24, 20, 3), picture(24, 20), picture(12, 10, 3, dtype=np.uint16)
    exif = PIL.Image.Exif()
    exif[274] = 6
    files = {
        "png": saved(colour, "PNG", exif=exif, icc_profile=b"profile" * 9),
        "png 16": bytes(imagecodecs.png_encode(deep)),
        "png palette": palette("PNG", transparency=3),
        "png text": saved(colour, "PNG", pnginfo=text()),
        "jpeg": saved(colour, "JPEG", exif=exif),
        "jpeg progressive": saved(colour, "JPEG", progressive=True, subsampling=0),
        "jpeg cmyk": saved(picture(24, 20, 4), "JPEG", "CMYK"),
        "jpeg grey": saved(grey, "JPEG"),
        "webp": saved(colour, "WEBP"),
        "webp lossless": saved(picture(24, 20, 4), "WEBP", lossless=True, exif=exif),
        "bmp": saved(colour, "BMP"),
        "bmp palette": palette("BMP"),
        "tiff": saved(colour, "TIFF"),
        "tiff lzw": saved(colour, "TIFF", compression="tiff_lzw"),
        "tiff deflate": saved(colour, "TIFF", compression="tiff_adobe_deflate"),
        "tiff jpeg": saved(colour, "TIFF", compression="jpeg"),
        "tiff tiled": bytes(
            imagecodecs.tiff_encode(picture(64, 48, 3), tile=(16, 16), compression=8)
        ),
        "tiff 16": bytes(imagecodecs.tiff_encode(deep)),
        "tiff cmyk": saved(picture(24, 20, 4), "TIFF", "CMYK"),
        "gif": palette("GIF"),
        "ppm": b"P6 20 24 255\n" + colour.tobytes(),
        "ppm plain": b"P3 4 3 255\n" + b" ".join(b"%d" % level for level in colour[:3, :4].flat),
        "pgm 16": b"P5 10 12 65535\n" + deep[..., 0].astype(">u2").tobytes(),
        "qoi": bytes(imagecodecs.qoi_encode(colour)),
        "jxl": bytes(imagecodecs.jpegxl_encode(colour, lossless=True, effort=1)),
        "jxl lossy": bytes(imagecodecs.jpegxl_encode(colour, distance=1.0, usecontainer=True)),
        "jxl 16": bytes(imagecodecs.jpegxl_encode(deep, lossless=True)),
    }
    if PIL.features.check("jpg_2000"):
        files["jp2"] = saved(colour, "JPEG2000")
        files["j2k"] = saved(colour, "JPEG2000", no_jp2=True, tile_size=(16, 16))
    if PIL.features.check("avif"):
        files["avif"] = saved(colour, "AVIF", speed=10)
    return files


def palette(kind, **options):
    file = io.BytesIO()
    PIL.Image.fromarray(picture(24, 20)).convert("P").save(file, kind, **options)
    return file.getvalue()


def text():
    import PIL.PngImagePlugin

    info = PIL.PngImagePlugin.PngInfo()
    info.add_text("Comment", "many words " * 40, zip=True)
    info.add_itxt("XML:com.adobe.xmp", "<x/>" * 20, zip=True)
    return info


def flip(data, chance, _):
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def overwrite(data, chance, _):
    start = chance.randrange(len(data))
    data[start : start + chance.randint(1, 12)] = chance.randbytes(chance.randint(1, 12))


def truncate(data, chance, _):
    del data[chance.randrange(1, len(data)) :]


def drop(data, chance, _):
    start = chance.randrange(len(data))
    del data[start : start + chance.randint(1, 64)]


def repeat(data, chance, _):
    start = chance.randrange(len(data))
    data[start:start] = data[start : start + chance.randint(1, 64)] * chance.randint(1, 50)


def splice(data, chance, others):
    other = chance.choice(others)
    data[chance.randrange(len(data)) :] = other[chance.randrange(len(other)) :]


def number(data, chance, _):
    """Write a telling number where one may be: a length, a count, a side."""
    form = chance.choice((">I", "<I", ">H", "<H", "B"))
    size = struct.calcsize(form)
    start = chance.randrange(max(1, len(data) - size))
    value = chance.choice(NUMBERS) % 2 ** (8 * size)
    data[start : start + size] = struct.pack(form, value)


def header(data, chance, others):
    """Write a telling number among the first bytes, where sizes stand."""
    start = bytearray(data[:64])
    number(start, chance, others)
    data[:64] = start


MUTATIONS = (flip, overwrite, truncate, drop, repeat, splice, number, number, header, header)


def mutated(index, files):
    """Return ``(kind, bytes)`` of one mutated file."""
    chance = random.Random(index)
    kind = chance.choice(sorted(files))
    data = bytearray(files[kind])
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if len(data) > 8:
            chance.choice(MUTATIONS)(data, chance, list(files.values()))
    return kind, bytes(data)


def outcome(data):
    """Return "image" or "refused"; anything else raises."""
    try:
        image = decode_image(data, "file", DecodePolicy(pixel_limit=PIXELS))
    except ImageError as error:
        if "\n" in str(error) or not str(error).startswith("file "):
            raise AssertionError(f"not one line about the file: {error}") from None
        return "refused"
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size > 3 * PIXELS:
        raise AssertionError(f"no image: {image.dtype} {image.shape}")
    return "image"


def limit_memory(more):
    """Let this process take so many bytes of address space more than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main(first, count):
    warnings.simplefilter("error")
    files = whole_files()
    for kind, data in files.items():
        if outcome(data) != "image":
            raise AssertionError(f"the whole {kind} file is not read")
    limit_memory(BYTES)
    outcomes = Counter()
    for index in range(first, first + count):
        kind, data = mutated(index, files)
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        try:
            outcomes[outcome(data)] += 1
        except BaseException:
            sys.stderr.write(f"file {index}, {kind}, {len(data)} bytes\n")
            raise
    faulthandler.cancel_dump_traceback_later()
    sys.stdout.write(json.dumps(outcomes))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
