import io
import json
import os
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import pytest

from degrade.errors import ImageError
from degrade.images import DecodePolicy, decode_image
from degrade.images.header import MOST_SCANS, check_header, jpegxl_size

HERE = Path(__file__).parent
SIDES = [1, 2, 7, 8, 16, 255, 256, 257, 512, 513, 1000, 1024, 8192, 8193, 8200]


def run(program, *arguments, code=None):
    """Run a program of this folder, or code that uses it, in a process of its own."""
    paths = os.pathsep.join([str(HERE.parents[1]), str(HERE)])
    return subprocess.run(
        [sys.executable, *(["-c", code] if code else [str(HERE / program)]), *map(str, arguments)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=550,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        check=False,
    )


@pytest.mark.parametrize("container", [False, True])
@pytest.mark.parametrize("height", SIDES)
def test_the_size_of_a_jpeg_xl_file_is_read_from_its_header(height, container):
    others = {1, 3, height, height * 3 // 2, 4 * height // 3, 16 * height // 9, 1029}
    for width in sorted({*others, 8, 5 * height // 4, 12 * height // 10, 2 * height} - {0}):
        if height * width <= 10**6:
            image = np.zeros((height, width), np.uint8)
            data = imagecodecs.jpegxl_encode(image, effort=1, usecontainer=container)
            assert jpegxl_size(bytes(data)) == (height, width)


def test_a_jpeg_xl_file_without_a_header_has_no_size():
    whole = bytes(imagecodecs.jpegxl_encode(np.zeros((9, 9), np.uint8), usecontainer=True))
    for data in (whole[:20], whole[:36], b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"):
        with pytest.raises(ValueError, match=r"no JPEG XL codestream|its header is cut off"):
            jpegxl_size(data)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG2000", "TIFF", "BMP", "GIF", "PPM", "AVIF"])
def test_too_large_a_picture_is_refused_and_one_at_the_limit_is_read(kind):
    file = io.BytesIO()
    PIL.Image.new("RGB", (20, 15)).save(file, kind)
    assert decode_image(file.getvalue(), "a", DecodePolicy(pixel_limit=300)).shape == (15, 20, 3)
    with pytest.raises(ImageError, match=r"15 × 20 pixels, more than the limit of 299"):
        decode_image(file.getvalue(), "a", DecodePolicy(pixel_limit=299))


@pytest.mark.parametrize("encode", [imagecodecs.qoi_encode, imagecodecs.jpegxl_encode])
def test_the_limit_holds_for_formats_that_pillow_does_not_read(encode):
    data = bytes(encode(np.zeros((15, 20, 3), np.uint8)))
    assert decode_image(data, "a", DecodePolicy(pixel_limit=300)).shape == (15, 20, 3)
    with pytest.raises(ImageError, match=r"15 × 20 pixels, more than the limit of 299"):
        decode_image(data, "a", DecodePolicy(pixel_limit=299))


def test_a_side_that_no_plan_can_hold_is_refused_before_decoding():
    file = io.BytesIO()
    PIL.Image.new("RGB", (65536, 1)).save(file, "PNG")
    with pytest.raises(ImageError, match="1 × 65536: sides are 1 to 65535 pixels"):
        decode_image(file.getvalue(), "a")


def test_scans_are_counted_and_ordinary_jpegs_have_few():
    file = io.BytesIO()
    PIL.Image.new("RGB", (64, 64)).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    assert 1 < data.count(b"\xff\xda") < 20
    check_header(data, "a", 10**6)
    with pytest.raises(ImageError, match=f"a JPEG of more than {MOST_SCANS} scans"):
        check_header(data + b"\xff\xda" * MOST_SCANS, "a", 10**6)


def test_a_planar_16_bit_tiff_has_its_channels_in_place():
    tifffile = pytest.importorskip("tifffile")
    deep = np.random.default_rng(1).integers(0, 65536, (3, 21, 17)).astype(np.uint16)
    file = io.BytesIO()
    tifffile.imwrite(file, deep, photometric="rgb", planarconfig="separate")
    expected = np.round(deep.astype(float) / 257).astype(np.uint8)
    assert np.array_equal(decode_image(file.getvalue(), "a"), np.moveaxis(expected, 0, -1))


def test_small_files_that_ask_for_gigabytes_or_minutes_are_refused_at_once():
    result = run("bomb_files.py")
    assert result.returncode == 0, result.stderr
    outcomes = json.loads(result.stdout)
    assert len(outcomes) >= 30
    harmless = {
        name
        for name, reported in outcomes.items()
        if not reported["outcome"].startswith("refused: file ")
    }
    # Read as the images that they are besides: no more was asked for than is decoded.
    assert harmless == {
        "PNG, a gigabyte of pixels too many",
        "TIFF, a strip for each of 65 535 rows",
        "TIFF, a directory that leads to itself",
    }
    for name in harmless:
        assert outcomes[name]["outcome"].startswith("image"), (name, outcomes[name])
    assert max(reported["MB"] for reported in outcomes.values()) < 100


@pytest.mark.parametrize("first", range(0, 12_000, 3000))
def test_twelve_thousand_mutated_files_are_an_image_or_an_image_error(first):
    assert_all_are_told(run("hostile_files.py", first, 3000), 3000)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("first", range(100_000, 200_000, 25_000))
def test_a_hundred_thousand_mutated_files_are_an_image_or_an_image_error(first):
    assert_all_are_told(run("hostile_files.py", first, 25_000), 25_000)


def assert_all_are_told(result, count):
    assert result.returncode == 0, result.stderr[-2000:]
    outcomes = json.loads(result.stdout)
    assert sum(outcomes.values()) == count
    assert outcomes["image"] > count / 10
    assert outcomes["refused"] > count / 10


@pytest.mark.parametrize(
    "reader, reported",
    [
        ("lambda *_: os.abort()", "Fatal Python error: Aborted"),
        ("lambda *_: time.sleep(9)", "Timeout (0:00:00.200000)!"),
        ("lambda *_: bytearray(2**30)", "MemoryError"),
        ("lambda *_: None", "AttributeError"),
        ("lambda *_: (_ for _ in ()).throw(KeyError('x'))", "KeyError"),
    ],
)
def test_a_crash_a_hang_and_a_balloon_would_be_seen(reader, reported):
    code = (
        "import os, time, faulthandler, hostile_files as h\n"
        "faulthandler.enable()\n"
        "h.whole_files, h.SECONDS = dict, 0.2\n"
        "h.mutated = lambda *_: ('kind', b'data')\n"
        f"h.decode_image = {reader}\n"
        "h.main(0, 5)\n"
    )
    result = run("", code=code)
    assert result.returncode != 0
    assert reported in result.stderr
