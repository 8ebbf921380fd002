import cv2
import numpy as np
import pytest
from skimage import data

from degrade.fit.resolution import effective_resolution

PHOTOGRAPH = data.astronaut()[:256, 100:356].copy()


def enlarged(factor):
    side = int(256 / factor)
    small = cv2.resize(PHOTOGRAPH, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (256, 256), interpolation=cv2.INTER_LINEAR), 256 / side


def add_noise(image, sigma):
    noise = np.random.default_rng(1).normal(0, sigma, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("factor", [1.3, 2, 3.7, 8])
def test_the_factor_of_an_enlargement_is_told_with_confidence(factor):
    image, exact = enlarged(factor)
    found = effective_resolution(image)
    assert found.factor == pytest.approx(exact)
    assert 0.9 < found.confidence <= 1


def test_square_blocks_count_as_their_side():
    blocks = cv2.resize(PHOTOGRAPH[::6, ::6], None, fx=6, fy=6, interpolation=cv2.INTER_NEAREST)
    found = effective_resolution(blocks)
    assert found.factor == 6
    assert found.confidence > 0.9


def test_a_sharp_photograph_has_about_its_own_resolution_and_no_confidence():
    found = effective_resolution(PHOTOGRAPH)
    assert 1 <= found.factor < 1.6
    assert found.confidence < 0.3


def test_without_traces_sharpness_tells_and_grows_with_the_factor():
    factors = [
        effective_resolution(add_noise(enlarged(factor)[0], 15), 15).factor
        for factor in (1.5, 3, 6)
    ]
    assert factors == sorted(factors)
    assert factors[-1] > 2 * factors[0]


def test_it_cannot_tell_an_enlargement_from_a_blur_once_strong_noise_came_after_both():
    # Two recipes that measure the same: an area shrink by s and a linear enlargement spread a
    # point with variance s²/12 + s²/6, and so does a Gaussian of s/2.
    shrunk = effective_resolution(add_noise(enlarged(4)[0], 15), 15)
    blurred = cv2.GaussianBlur(PHOTOGRAPH, (0, 0), 4 / 2)
    blurred = effective_resolution(add_noise(blurred, 15), 15)
    assert shrunk.confidence == blurred.confidence == 0.25
    assert blurred.factor == pytest.approx(shrunk.factor, rel=0.1)
