import io

import numpy as np
import PIL.Image
import pytest
from scipy.fft import dct
from skimage import data

from degrade.fit.blocks import block_coefficients, block_grid

LUMA = np.array([0.299, 0.587, 0.114])
PHOTOGRAPH = data.coffee()[60:316, 150:406].copy()


def compressed(image, quality):
    stream = io.BytesIO()
    PIL.Image.fromarray(image).save(stream, "JPEG", quality=quality)
    with PIL.Image.open(stream) as picture:
        return np.array(picture)


@pytest.mark.parametrize("quality", [20, 50, 80])
@pytest.mark.parametrize("cut", [(0, 0), (1, 6), (7, 3)])
def test_the_grid_of_a_jpeg_is_found_where_it_lies(quality, cut):
    lq = compressed(PHOTOGRAPH, quality)[cut[0] :, cut[1] :]
    grid = block_grid(lq @ LUMA)
    assert grid.certain
    assert (grid.top, grid.left) == (-cut[0] % 8, -cut[1] % 8)


def test_a_picture_without_compression_has_no_certain_grid():
    noise = np.random.default_rng(0).normal(128, 20, (256, 256))
    for plane in (PHOTOGRAPH @ LUMA, noise, np.full((64, 64), 9.0)):
        assert not block_grid(plane).certain


def test_enlargement_by_four_is_no_grid_though_it_repeats_every_eighth_pixel():
    small = PIL.Image.fromarray(PHOTOGRAPH).resize((64, 64), PIL.Image.Resampling.BOX)
    large = np.array(small.resize((256, 256), PIL.Image.Resampling.BILINEAR))
    assert not block_grid(large @ LUMA).certain


def test_coefficients_are_the_orthonormal_cosine_transform_of_usable_blocks():
    plane = np.random.default_rng(1).normal(0, 30, (20, 27)).astype(np.float32)
    usable = np.ones(plane.shape, bool)
    usable[3, 10] = False  # the second block of the first row
    actual = block_coefficients(plane, usable, 100)
    blocks = [(0, 0), (0, 16), (8, 0), (8, 8), (8, 16)]
    expected = [
        dct(dct(plane[y : y + 8, x : x + 8], axis=0, norm="ortho"), axis=1, norm="ortho")
        for y, x in blocks
    ]
    assert np.abs(actual - np.array(expected)).max() < 1e-3
    assert len(block_coefficients(plane, usable, 3)) == 3
