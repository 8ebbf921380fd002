"""Small files that ask for gigabytes or minutes, made by hand; each attacks one decoder.

Run as a program it reads each in a process of its own, with memory and time limited, and prints
what became of them: a crash, a hang or a balloon is seen from outside.
"""

import functools
import io
import json
import os
import resource
import signal
import struct
import sys
import time
import zlib

import PIL.Image
from hostile_files import limit_memory

from degrade.errors import ImageError
from degrade.images import decode_image

SECONDS = 20
BYTES = 512 * 2**20


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks, width=8, height=8, bits=8):
    header = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * (height * (1 + 3 * width * bits // 8)))
    parts = (png_chunk(b"IHDR", header), *chunks, png_chunk(b"IDAT", pixels))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + png_chunk(b"IEND", b"")


@functools.cache
def zeros(count):
    """Return ``count`` zero bytes, compressed: a thousandth of them."""
    packer = zlib.compressobj(9)
    block = bytes(2**20)
    return b"".join(packer.compress(block) for _ in range(count >> 20)) + packer.flush()


def tiff(*tags, body=b"\0" * 1024):
    """A little-endian TIFF of 8 × 8 RGB with tags ``(number, type, count, value)`` on top."""
    # TIFF 6.0, section 2; 256 width, 257 height, 258 bits, 259 compression, 262 photometric,
    # 273 strip offsets, 277 samples, 278 rows a strip, 279 strip byte counts.
    plain = {256: (3, 1, 8), 257: (3, 1, 8), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 2),
             273: (4, 1, 4096), 277: (3, 1, 3), 278: (3, 1, 8), 279: (4, 1, 192)}  # fmt: skip
    plain |= {number: (kind, count, value) for number, kind, count, value in tags}
    entries = b"".join(struct.pack("<HHII", n, *plain[n]) for n in sorted(plain))
    start = b"II*\0" + struct.pack("<IH", 8, len(plain)) + entries + b"\0\0\0\0"
    return start.ljust(4096, b"\0") + body


def jpeg_of_many_scans(count):
    file = io.BytesIO()
    PIL.Image.new("RGB", (6000, 6000)).save(file, "JPEG", progressive=True, quality=1)
    data = file.getvalue()
    last = data.rfind(b"\xff\xda")
    return data[:last] + data[last:-2] * count + data[-2:]


def jpeg2000(width, height, tile, components=3):
    size = struct.pack(">H8IH", 0, width, height, 0, 0, tile, tile, 0, 0, components)
    size += b"\x07\x01\x01" * components
    siz = b"\xff\x51" + struct.pack(">H", 2 + len(size)) + size
    cod = b"\xff\x52" + struct.pack(">HBBHBBBBBB", 12, 0, 0, 1, 0, 5, 4, 4, 0, 1)
    qcd = b"\xff\x5c" + struct.pack(">HB", 3 + 16, 0x40) + bytes(16)
    tile_part = b"\xff\x90" + struct.pack(">HHIBB", 10, 0, 0, 0, 1) + b"\xff\x93\xff\xd9"
    return b"\xff\x4f" + siz + cod + qcd + tile_part


def wrapped_jpeg2000(width, height, inner):
    """A JP2 file whose box says one size and whose codestream another (ITU-T T.800, annex I)."""
    ihdr = struct.pack(">I4sIIHBBBB", 22, b"ihdr", height, width, 3, 7, 7, 0, 0)
    colour = struct.pack(">I4sBBBI", 15, b"colr", 1, 0, 0, 16)
    boxes = b"\0\0\0\x0cjP  \r\n\x87\n" + struct.pack(">I4s4sI4s", 20, b"ftyp", b"jp2 ", 0, b"jp2 ")
    boxes += struct.pack(">I4s", 8 + len(ihdr) + len(colour), b"jp2h") + ihdr + colour
    return boxes + struct.pack(">I4s", 0, b"jp2c") + inner


def webp_canvas(width, height):
    body = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0"
    body += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body += b"ANIM" + struct.pack("<IIH", 6, 0, 0)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def gif(width, height):
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\0;"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + frame


def bmp(width, height, compression=1):
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, 0, 1, 1, 256, 0)
    return (
        b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + 40 + 1024) + header + bytes(1024) + b"\0\1" * 9
    )


def jpegxl_header(width, height):
    """The start of a JPEG XL codestream: SizeHeader with two sides of 30 bits."""
    bits = 0 | 3 << 1 | (height - 1) << 3 | 0 << 33 | 3 << 36 | (width - 1) << 38
    return b"\xff\x0a" + bits.to_bytes(16, "little") + bytes(64)


def avif(width, height):
    file = io.BytesIO()
    PIL.Image.new("RGB", (16, 16)).save(file, "AVIF", speed=10)
    data = bytearray(file.getvalue())
    place = data.index(b"ispe") + 8
    data[place : place + 8] = struct.pack(">II", width, height)
    return bytes(data)


def qoi(width, height):
    return b"qoif" + struct.pack(">IIBB", width, height, 3, 0) + b"\xfd" * 64 + b"\0" * 7 + b"\1"


BOMBS = {
    "PNG, a gigabyte of zTXt": lambda: png(png_chunk(b"zTXt", b"c\0\0" + zeros(2**30))),
    "PNG, a gigabyte of iTXt": lambda: png(png_chunk(b"iTXt", b"c\0\1\0\0\0" + zeros(2**30))),
    "PNG, a gigabyte of profile": lambda: png(png_chunk(b"iCCP", b"c\0\0" + zeros(2**30))),
    "PNG, 16 bits and a gigabyte of profile": lambda: png(
        png_chunk(b"iCCP", b"c\0\0" + zeros(2**30)), bits=16
    ),
    "PNG, a gigabyte of pixels too many": lambda: png(png_chunk(b"IDAT", zeros(2**30))),
    "PNG, a hundred thousand texts": lambda: png(
        *[png_chunk(b"zTXt", b"c%d\0\0" % n + zeros(2**20)) for n in range(100)]
        + [png_chunk(b"tEXt", b"c%d\0d" % n) for n in range(100_000)]
    ),
    "PNG, 4 gigapixels": lambda: png(width=65535, height=1).replace(
        struct.pack(">II", 65535, 1), struct.pack(">II", 65535, 65535)
    ),
    "TIFF, two thousand million strips": lambda: tiff((273, 4, 2**31, 8), (279, 4, 2**31, 8)),
    "TIFF, a strip for each of 65 535 rows": lambda: tiff((257, 4, 1, 65535), (278, 4, 1, 1)),
    "TIFF, deflate and strips of 4 gigabytes": lambda: tiff(
        (259, 3, 1, 8), (279, 4, 1, 2**32 - 1), (278, 4, 1, 2**32 - 1)
    ),
    "TIFF, tiles of 4 gigapixels": lambda: tiff(
        (259, 3, 1, 8), (322, 4, 1, 65520), (323, 4, 1, 65520), (324, 4, 1, 4096), (325, 4, 1, 192)
    ),
    "TIFF, 16 bits and a million images deep": lambda: tiff(
        (258, 3, 1, 16), (262, 3, 1, 2), (32997, 4, 1, 10**6)
    ),
    "TIFF, 60 000 channels": lambda: tiff((277, 3, 1, 60000)),
    "TIFF, a directory that leads to itself": lambda: tiff((330, 4, 1, 8), (34665, 4, 1, 8)),
    "JPEG, a thousand scans": lambda: jpeg_of_many_scans(1000),
    "JPEG 2000, 4 gigapixels": lambda: jpeg2000(65535, 65535, 65535),
    "JPEG 2000, 8 × 8 around 4 gigapixels": lambda: wrapped_jpeg2000(
        8, 8, jpeg2000(65535, 65535, 65535)
    ),
    "JPEG 2000, 65 025 tiles": lambda: jpeg2000(255, 255, 1),
    "JPEG 2000, 16 000 channels": lambda: jpeg2000(8, 8, 8, components=16000),
    "WebP, a canvas of 281 terapixels": lambda: webp_canvas(2**24, 2**24),
    "GIF, 4 gigapixels": lambda: gif(65535, 65535),
    "BMP, runs of 4 gigapixels": lambda: bmp(65535, -65535),
    "BMP, 2^31 rows": lambda: bmp(8, -(2**31)),
    "PPM, 10^20 pixels": lambda: b"P6 10000000000 10000000000 255\n" + bytes(64),
    "PPM, a number without end": lambda: b"P6 " + b"1" * 10**7,
    "JPEG XL, 2^60 pixels": lambda: jpegxl_header(2**30, 2**30),
    "JPEG XL, a container of empty boxes": lambda: (
        b"\0\0\0\x0cJXL \r\n\x87\n" + struct.pack(">I4s", 8, b"free") * 10**6
    ),
    "AVIF, 4 gigapixels": lambda: avif(65535, 65535),
    "QOI, 4 gigapixels": lambda: qoi(65535, 65535),
    "QOI, 2^64 pixels": lambda: qoi(2**32 - 1, 2**32 - 1),
}


def attack(data):
    """Read a bomb in this process and return ``(outcome, MB of memory it took)``."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        told = f"image {decode_image(data, 'file').shape}"
    except ImageError as error:
        told = f"refused: {error}"
    return told, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024


def main():
    """Print a JSON object: the outcome of each bomb, each read in a process of its own."""
    decode_image(png(), "warm")  # the decoders' own libraries are no part of what is limited
    outcomes = {}
    for name, make in BOMBS.items():
        data, start = make(), time.perf_counter()
        here, there = os.pipe()
        if not (child := os.fork()):
            signal.alarm(SECONDS)
            limit_memory(BYTES)
            os.write(there, json.dumps(attack(data)).encode())
            os._exit(0)
        os.close(there)
        with os.fdopen(here) as answer:
            text = answer.read()
        status = os.waitpid(child, 0)[1]
        told, megabytes = json.loads(text) if text else (f"died: status {status}", 0)
        seconds = round(time.perf_counter() - start, 2)
        outcomes[name] = {"outcome": told, "bytes": len(data), "seconds": seconds, "MB": megabytes}
    sys.stdout.write(json.dumps(outcomes, indent=1))


if __name__ == "__main__":
    main()
