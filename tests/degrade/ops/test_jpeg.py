import io

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from skimage import data

from degrade.ops import OPERATIONS
from degrade.ops.kernels.planes import from_planes, to_planes

STREAM = np.zeros(5, np.uint32)
SIZES = [(1, 1), (1, 9), (7, 2), (8, 8), (16, 16), (17, 33), (64, 65)]
PILLOW_SUBSAMPLING = {"444": 0, "422": 1, "420": 2}


def photo(height, width):
    return np.ascontiguousarray(data.astronaut()[60 : 60 + height, 180 : 180 + width])


def degraded(image, quality, subsampling):
    operation = OPERATIONS["jpeg"].load()
    planes = operation(to_planes(image), STREAM, quality=quality, subsampling=subsampling)
    assert planes.dtype == np.float32
    return from_planes(planes)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("subsampling", ["420", "422", "444"])
@pytest.mark.parametrize("quality", [1, 15, 60, 95, 100])
def test_jpeg_is_libjpeg_turbo_there_and_back(size, subsampling, quality):
    image = photo(*size)
    encoded = imagecodecs.jpeg8_encode(image, level=quality, subsampling=subsampling)
    finished = degraded(image, quality, subsampling)
    np.testing.assert_array_equal(finished, imagecodecs.jpeg8_decode(encoded))
    with Image.open(io.BytesIO(encoded)) as decoded:
        np.testing.assert_array_equal(finished, np.asarray(decoded.convert("RGB")))


@pytest.mark.parametrize("subsampling", ["420", "422", "444"])
@pytest.mark.parametrize("quality", [1, 15, 60, 95, 100])
def test_jpeg_is_what_pillow_makes_of_the_picture(subsampling, quality):
    image = photo(64, 65)
    file = io.BytesIO()
    Image.fromarray(image).save(
        file, "JPEG", quality=quality, subsampling=PILLOW_SUBSAMPLING[subsampling]
    )
    with Image.open(file) as decoded:
        np.testing.assert_array_equal(degraded(image, quality, subsampling), np.asarray(decoded))


def hard_pictures(size):
    """Noise, and black and white blocks of saturated colours: the longest coefficients."""
    rng = np.random.default_rng(size[0] * 100 + size[1])
    yield rng.integers(0, 256, (*size, 3), np.uint8)
    yield (rng.integers(0, 2, (*size, 3)) * 255).astype(np.uint8)


def assert_equal_to_libjpeg(image, quality, subsampling):
    encoded = imagecodecs.jpeg8_encode(image, level=quality, subsampling=subsampling)
    np.testing.assert_array_equal(
        degraded(image, quality, subsampling), imagecodecs.jpeg8_decode(encoded)
    )


@pytest.mark.parametrize("subsampling", ["420", "422", "444"])
def test_every_small_size_equals_libjpeg_turbo(subsampling):
    for height in range(1, 20):
        for width in range(1, 36):
            for image in hard_pictures((height, width)):
                assert_equal_to_libjpeg(image, 75, subsampling)


@pytest.mark.parametrize("subsampling", ["420", "422", "444"])
def test_every_quality_equals_libjpeg_turbo(subsampling):
    for quality in range(1, 101):
        for image in (*hard_pictures((50, 70)), photo(64, 65)):
            assert_equal_to_libjpeg(image, quality, subsampling)


def test_levels_are_rounded_and_clipped_before_they_are_encoded():
    image = photo(24, 24)
    planes = to_planes(image) + np.float32(0.4)
    planes[:, 3, 3] = 400
    expected = image.copy()
    expected[3, 3] = 255
    finished = OPERATIONS["jpeg"].load()(planes, STREAM, quality=80, subsampling="444")
    np.testing.assert_array_equal(from_planes(finished), degraded(expected, 80, "444"))


def test_lower_quality_is_further_from_the_picture():
    image = photo(128, 128)
    errors = [
        np.square(degraded(image, quality, "420").astype(float) - image).mean()
        for quality in (5, 15, 40, 75, 95)
    ]
    assert errors == sorted(errors, reverse=True)


def test_a_grey_picture_has_no_colour_after_jpeg():
    image = photo(32, 32)[:, :, :1].repeat(3, 2)
    finished = degraded(image, 30, "420")
    assert (finished == finished[:, :, :1]).all()
