import numpy as np
import pytest
from scipy import ndimage

import degrade
import zoo
from degrade.errors import UserError

GAUSSIAN = ("gaussian_blur", {"sigma_x": 2.0, "sigma_y": 2.0, "angle": 0.0, "kernel_size": 0})
MOTION = ("motion_blur", {"length": 15.0, "angle": 30.0})
DEFOCUS = ("defocus_blur", {"radius": 4.0})


@pytest.fixture(scope="module")
def restorer():
    return zoo.load("wiener")


def noise(sigma):
    return "gaussian_noise", {"sigma": sigma, "per_channel": True}


def line_blur(image, length, angle):
    """Blur along a line drawn point by point: an implementation of its own."""
    reach = int(length)
    taps = np.zeros((2 * reach + 1, 2 * reach + 1))
    for place in np.linspace(-length / 2, length / 2, 2001):
        column = reach + place * np.cos(np.radians(angle))
        row = reach - place * np.sin(np.radians(angle))
        taps[round(row), round(column)] += 1
    taps /= taps.sum()
    planes = [ndimage.convolve(image[..., c].astype(float), taps, mode="mirror") for c in range(3)]
    return np.rint(np.stack(planes, axis=2)).astype(np.uint8)


@pytest.mark.parametrize("blur", [GAUSSIAN, MOTION, DEFOCUS])
def test_it_gains_on_a_known_blur_with_noise(restorer, photographs, make_plan, psnr, blur):
    for name, hq in photographs.items():
        plan = make_plan(hq.shape[:2], blur, noise(2.0))
        lq = degrade.apply(plan, hq)
        (restored,) = restorer.restore([lq], plans=[plan])
        assert psnr(restored, hq) > psnr(lq, hq) + 0.8, name


def test_a_long_slanted_blur_without_noise_is_not_blown_up(restorer, photographs, make_plan, psnr):
    slanted = {"sigma_x": 6.7, "sigma_y": 1.0, "angle": 123.6, "kernel_size": 0}
    long = {"length": 32.3, "angle": 148.4}
    for name, hq in photographs.items():
        for blur in (("gaussian_blur", slanted), ("motion_blur", long)):
            plan = make_plan(hq.shape[:2], blur)
            lq = degrade.apply(plan, hq)
            (restored,) = restorer.restore([lq], plans=[plan])
            assert psnr(restored, hq) > psnr(lq, hq) + 0.5, (name, blur[0])


def test_it_gains_on_noise_alone(restorer, photographs, make_plan, psnr):
    for name, hq in photographs.items():
        plan = make_plan(hq.shape[:2], noise(25.0))
        lq = degrade.apply(plan, hq)
        (restored,) = restorer.restore([lq], plans=[plan])
        assert psnr(restored, hq) > psnr(lq, hq) + 4, name


def test_the_angle_counts_counter_clockwise_as_seen(restorer, photographs, make_plan, psnr):
    hq = photographs["astronaut"]
    lq = line_blur(hq, 15, 30)
    gains = {}
    for told in (30.0, -30.0, 120.0):
        plan = make_plan(hq.shape[:2], ("motion_blur", {"length": 15.0, "angle": told}), noise(2.0))
        (restored,) = restorer.restore([lq], plans=[plan])
        gains[told] = psnr(restored, hq) - psnr(lq, hq)
    assert gains[30.0] > 2
    assert gains[-30.0] < 0
    assert gains[120.0] < 0


def test_it_loses_nothing_on_chains_with_jpeg_after_a_blur(restorer, photographs, make_plan, psnr):
    jpeg = ("jpeg", {"quality": 30, "subsampling": "420"})
    for name, hq in photographs.items():
        plan = make_plan(hq.shape[:2], GAUSSIAN, jpeg)
        lq = degrade.apply(plan, hq)
        (restored,) = restorer.restore([lq], plans=[plan])
        assert psnr(restored, hq) > psnr(lq, hq), name


def test_a_plan_without_blur_or_noise_changes_almost_nothing(restorer, photographs, make_plan):
    for hq in photographs.values():
        (restored,) = restorer.restore([hq], plans=[make_plan(hq.shape[:2])])
        assert np.abs(restored.astype(int) - hq).max() <= 1


def test_the_corners_are_as_bright_as_they_were(restorer, photographs, make_plan):
    hq = photographs["astronaut"]
    plan = make_plan(hq.shape[:2], MOTION, noise(2.0))
    (restored,) = restorer.restore([degrade.apply(plan, hq)], plans=[plan])
    for rows in (slice(None, 16), slice(-16, None)):
        for columns in (slice(None, 16), slice(-16, None)):
            difference = restored[rows, columns].mean() - hq[rows, columns].mean()
            assert abs(difference) < 6


@pytest.mark.parametrize("plans", [None, [None]])
def test_without_a_plan_it_says_what_to_do_in_one_line(restorer, plans):
    with pytest.raises(UserError, match=r"needs the degradation of each image.*blind"):
        restorer.restore([np.zeros((8, 8, 3), np.uint8)], plans=plans)


def test_fewer_plans_than_faces_are_a_bug_of_the_caller(restorer, make_plan):
    with pytest.raises(ValueError, match="shorter"):
        restorer.restore([np.zeros((8, 8, 3), np.uint8)] * 2, plans=[make_plan((8, 8))])
