import numpy as np
import pytest

from zoo.restorers.noise_level import MOST_NOISE, NO_NOISE, estimate_noise


@pytest.mark.parametrize("sigma", [3.0, 10.0, 30.0])
def test_the_noise_of_a_flat_grey_image_is_found_within_two_percent(add_noise, sigma):
    flat = np.full((256, 256, 3), 128, np.uint8)
    # Rounding to whole levels adds a variance of 1/12.
    assert estimate_noise(add_noise(flat, sigma)) == pytest.approx(
        np.hypot(sigma, 12**-0.5), rel=0.02
    )


def test_a_linear_ramp_counts_as_no_noise():
    rows, columns = np.mgrid[:64, :64]
    ramp = np.repeat((2 * rows + columns)[..., None], 3, axis=2).astype(np.uint8)
    assert estimate_noise(ramp) == 0.0


def test_photographs_without_added_noise_stay_below_the_threshold(photographs):
    assert all(estimate_noise(image) < NO_NOISE for image in photographs.values())


def test_the_estimate_grows_with_the_noise_and_is_near_it_on_photographs(photographs, add_noise):
    for image in photographs.values():
        found = [estimate_noise(add_noise(image, sigma)) for sigma in (5, 10, 20, 40)]
        assert found == sorted(found)
        assert found[1] == pytest.approx(10, abs=2)


def test_the_estimate_is_clipped():
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    assert estimate_noise(noise) == MOST_NOISE


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (2, 64), (64, 2)])
def test_images_too_small_to_tell_give_zero(size):
    assert estimate_noise(np.full((*size, 3), 7, np.uint8)) == 0.0
