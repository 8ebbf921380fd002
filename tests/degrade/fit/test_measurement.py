import io

import numpy as np
import PIL.Image
import pytest

from degrade.dataset.sources import open_source
from degrade.errors import ImageError
from degrade.fit.measurement import NO_JPEG, measure_file, measure_image
from degrade.images import encode_png
from degrade.ops.codec.jpeg import round_trip_planes
from degrade.ops.kernels.planes import from_planes, to_planes
from degrade.ops.noise.gaussian import gaussian_noise
from degrade.ops.size.pixelate import pixelate
from degrade.ops.size.resize import resize
from degrade.random import PIXELS, StreamKey


@pytest.fixture(scope="module")
def astronaut():
    return open_source("sample-photos", longest=300).read("astronaut.png")


def noisy(planes, sigma):
    stream = np.array(StreamKey(1, 2, 0).words(1, PIXELS), np.uint32)
    return gaussian_noise(planes, stream, sigma=sigma, per_channel=True)


def resized(planes, height, width, filter="linear"):
    return resize(planes, None, height=height, width=width, filter=filter, antialias=False)


@pytest.mark.parametrize("quality", [10, 50, 75, 96, 100])
def test_a_jpeg_file_tells_its_quality_exactly(astronaut, quality):
    data = io.BytesIO()
    PIL.Image.fromarray(astronaut).save(data, "JPEG", quality=quality)
    assert measure_file(data.getvalue(), "a.jpg").quality == quality


def test_a_png_without_history_tells_none(astronaut):
    one = measure_file(encode_png(astronaut), "a.png")
    assert (one.quality, one.factor, one.block, one.last) == (NO_JPEG, 1.0, 1, False)
    assert (one.height, one.width, one.full) == (300, 300, 300)


def test_what_came_before_an_enlargement_is_measured_at_its_own_pixels(astronaut):
    small = noisy(resized(to_planes(astronaut), 120, 120), 8.0)
    small = round_trip_planes(small, quality=80, subsampling="420")
    one = measure_image(from_planes(resized(small, 300, 300)))
    native = measure_image(from_planes(small))
    assert one.last
    assert one.factor == pytest.approx(2.5)
    assert one.divisor == pytest.approx(2.5)
    assert one.quality == native.quality == 80
    assert one.noise.sigma == pytest.approx(native.noise.sigma, rel=0.02)
    assert one.blur_sigma == pytest.approx(2.5 * native.blur.sigma, rel=0.05)


def test_a_small_picture_counts_as_shrunk_from_the_full_size(astronaut):
    small = from_planes(resized(to_planes(astronaut), 100, 100))
    assert measure_image(small, full=300).divisor == pytest.approx(3.0)
    assert measure_image(small).divisor == 1.0
    assert measure_image(astronaut, full=200).divisor == 1.0


@pytest.mark.parametrize("block", [3, 8])
def test_a_pixelated_picture_tells_its_blocks(astronaut, block):
    one = measure_image(from_planes(pixelate(to_planes(astronaut), None, block=block)))
    assert one.block == block


def test_what_is_too_small_or_damaged_is_refused_in_one_line():
    with pytest.raises(ImageError, match=r"15 × 40: sides of 16 pixels"):
        measure_image(np.zeros((15, 40, 3), np.uint8), "a.png")
    with pytest.raises(ImageError, match=r"bad\.jpg is"):
        measure_file(b"\xff\xd8\xff\xe0abc", "bad.jpg")
