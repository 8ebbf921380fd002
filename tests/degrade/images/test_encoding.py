import io
import struct
import zlib

import cv2
import numpy as np
import PIL.Image
import pytest

from degrade.images import decode_image, encode_png
from degrade.images.encoding import encode, encode_png_rows


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


SHAPES = [(1, 1), (1, 300), (300, 1), (2, 3), (37, 41), (64, 64)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("encoding", ["png", "qoi", "jxl"])
def test_every_encoding_is_without_loss_and_always_the_same(shape, encoding):
    for image in (noise(*shape), np.full((*shape, 3), 200, np.uint8)):
        data = encode(image, encoding)
        assert np.array_equal(decode_image(data, "image"), image)
        assert data == encode(image, encoding)


@pytest.mark.parametrize("shape", SHAPES)
def test_png_is_read_by_libpng_through_opencv_and_pillow(shape):
    image = noise(*shape)
    data = encode(image, "png")
    by_opencv = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(cv2.cvtColor(by_opencv, cv2.COLOR_BGR2RGB), image)
    with PIL.Image.open(io.BytesIO(data)) as picture:
        picture.verify()
    with PIL.Image.open(io.BytesIO(data)) as picture:
        assert (picture.mode, picture.size) == ("RGB", shape[::-1])
        assert np.array_equal(np.asarray(picture), image)


def test_png_has_the_chunks_of_its_specification():
    data = encode_png_rows(noise(5, 7))
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    position, actual = 8, {}
    while position < len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        (check,) = struct.unpack(">I", data[position + 8 + length : position + 12 + length])
        assert check == zlib.crc32(kind + body)
        actual[kind] = body
        position += 12 + length
    assert list(actual) == [b"IHDR", b"IDAT", b"IEND"]
    assert actual[b"IHDR"] == struct.pack(">IIBBBBB", 7, 5, 8, 2, 0, 0, 0)
    rows = np.frombuffer(zlib.decompress(actual[b"IDAT"]), np.uint8).reshape(5, 1 + 21)
    assert (rows[:, 0] == 2).all()
    assert np.array_equal(
        np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8), noise(5, 7).reshape(5, 21)
    )


@pytest.mark.parametrize("encoding", ["png", "qoi", "jxl"])
def test_views_are_encoded_as_the_pictures_they_are(encoding):
    image = noise(20, 30)
    for view in (image[::2, ::3], image[:, ::-1], image.transpose(1, 0, 2)):
        assert np.array_equal(decode_image(encode(view, encoding), "view"), view)


def test_a_higher_level_is_no_larger():
    image = np.repeat(noise(16, 16), 8, axis=1)
    sizes = [len(encode_png(image, level=level)) for level in (0, 1, 6, 12)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > image.nbytes
