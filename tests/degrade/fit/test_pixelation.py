import cv2
import numpy as np
import pytest
from skimage import data

from degrade.fit.pixelation import find_pixelation

PHOTOGRAPH = data.astronaut()[:300, 100:420].copy()
RANDOM = np.random.default_rng(2)


def pixelated(image, factor):
    """Every block takes its mean, written with loops so that it shares no code."""
    out = image.copy()
    for top in range(0, image.shape[0], factor):
        for left in range(0, image.shape[1], factor):
            block = np.s_[top : top + factor, left : left + factor]
            out[block] = np.rint(image[block].mean(axis=(0, 1)))
    return out


def compress(image, quality):
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


@pytest.mark.parametrize("factor", range(2, 33))
def test_every_factor_is_found_exactly(factor):
    actual = find_pixelation(pixelated(PHOTOGRAPH, factor))
    assert (actual.factor, actual.top, actual.left) == (factor, 0, 0)
    assert actual.confidence > 0.99


@pytest.mark.parametrize("factor", [2, 5, 8, 13])
def test_a_crop_tells_where_its_blocks_begin(factor):
    actual = find_pixelation(pixelated(PHOTOGRAPH, factor)[1:, factor - 1 :])
    assert (actual.factor, actual.top, actual.left) == (factor, factor - 1, 1)


@pytest.mark.parametrize("factor", [3, 6, 11])
def test_mild_noise_and_jpeg_on_top_do_not_hide_it(factor):
    blocks = pixelated(PHOTOGRAPH, factor)
    noisy = np.clip(np.rint(blocks + RANDOM.normal(0, 3, blocks.shape)), 0, 255).astype(np.uint8)
    assert find_pixelation(noisy).factor == factor
    assert find_pixelation(compress(blocks, 70)).factor == factor


def test_blocks_of_a_jpeg_are_not_taken_for_it():
    soft = cv2.GaussianBlur(PHOTOGRAPH, (0, 0), 8)
    for image in (PHOTOGRAPH, soft):
        for quality in (5, 10, 30, 75):
            assert find_pixelation(compress(image, quality)) is None


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_photographs_sharp_blurred_noisy_or_enlarged_have_none(name):
    hq = getattr(data, name)()
    small = cv2.resize(hq, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    for image in (
        hq,
        cv2.GaussianBlur(hq, (0, 0), 3),
        np.clip(hq + RANDOM.normal(0, 10, hq.shape), 0, 255).astype(np.uint8),
        cv2.resize(small, hq.shape[1::-1], interpolation=cv2.INTER_LINEAR),
    ):
        assert find_pixelation(image) is None


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (7, 7), (40, 40)])
def test_flat_and_tiny_pictures_have_none(size):
    assert find_pixelation(np.full((*size, 3), 90, np.uint8)) is None
