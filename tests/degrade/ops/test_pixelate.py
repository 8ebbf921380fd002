import numpy as np
import pytest

from degrade.ops.size.pixelate import pixelate_kernel


def image(height, width):
    rng = np.random.default_rng(height * 1000 + width)
    return rng.uniform(0, 255, (3, height, width)).astype(np.float32)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 2), (16, 16), (33, 65)])
@pytest.mark.parametrize("block", [1, 2, 3, 8, 40])
def test_every_block_holds_its_mean_also_where_the_border_cuts_it(size, block):
    planes = image(*size)
    finished = pixelate_kernel(planes, block)
    assert finished.shape == planes.shape and finished.dtype == np.float32
    for top in range(0, size[0], block):
        for left in range(0, size[1], block):
            position = (slice(None), slice(top, top + block), slice(left, left + block))
            expected = planes[position].mean((1, 2), dtype=np.float64)
            np.testing.assert_allclose(finished[position].min((1, 2)), expected, rtol=1e-6)
            np.testing.assert_array_equal(
                finished[position].min((1, 2)), finished[position].max((1, 2))
            )


def test_a_block_of_one_pixel_is_the_identity():
    planes = image(20, 31)
    np.testing.assert_array_equal(pixelate_kernel(planes, 1), planes)


def test_a_block_larger_than_the_picture_gives_one_colour():
    planes = image(20, 31)
    finished = pixelate_kernel(planes, 1024)
    np.testing.assert_allclose(
        finished, np.broadcast_to(planes.mean((1, 2), keepdims=True), planes.shape), rtol=1e-5
    )


@pytest.mark.parametrize("level", [1.0, 101.0, 254.7])
def test_the_largest_block_keeps_a_constant_picture(level):
    planes = np.full((3, 1024, 1024), level, np.float32)
    np.testing.assert_array_equal(pixelate_kernel(planes, 1024), planes)


def test_pixelation_twice_is_pixelation_once_and_leaves_its_input_alone():
    planes = np.floor(image(32, 48))
    before = planes.copy()
    once = pixelate_kernel(planes, 8)
    np.testing.assert_array_equal(planes, before)
    np.testing.assert_allclose(pixelate_kernel(once, 8), once, rtol=1e-6)
