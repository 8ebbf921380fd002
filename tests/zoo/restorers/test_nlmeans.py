import numpy as np
import pytest

import zoo


@pytest.fixture(scope="module")
def restorer():
    return zoo.load("nlmeans")


def test_it_gains_at_least_four_decibels_on_noise_of_sigma_25(
    restorer, photographs, add_noise, psnr
):
    for name, hq in photographs.items():
        lq = add_noise(hq, 25)
        (restored,) = restorer.restore([lq])
        assert psnr(restored, hq) > psnr(lq, hq) + 4, name


def test_it_still_gains_on_weak_noise(restorer, photographs, add_noise, psnr):
    for name, hq in photographs.items():
        lq = add_noise(hq, 8)
        (restored,) = restorer.restore([lq])
        assert psnr(restored, hq) > psnr(lq, hq) + 1, name


def test_photographs_without_noise_are_returned_as_they_are(restorer, photographs):
    for hq in photographs.values():
        (restored,) = restorer.restore([hq])
        assert np.array_equal(restored, hq)
