import math

import cv2
import numpy as np
import pytest
from scipy import special

from degrade.ops import OPERATIONS
from degrade.ops.blur import filter_blur as filters
from degrade.ops.blur.filter_blur import correlate_kernel
from degrade.portable_math import cos_degrees, sin_degrees

STREAM = np.zeros(5, np.uint32)
SIZES = [(1, 1), (2, 3), (65, 33), (40, 51)]


def blur(name, planes, **parameters):
    return OPERATIONS[name].load()(planes, STREAM, **parameters)


def image(height, width):
    rng = np.random.default_rng(height * 100 + width)
    return rng.uniform(0, 255, (3, height, width)).astype(np.float32)


def correlated(planes, taps):
    """OpenCV's filter2D in float64; for images smaller than the kernel the border by hand."""
    radius = taps.shape[0] // 2
    if min(planes.shape[1:]) == 1 or radius >= 10:
        padded = np.pad(planes, ((0, 0), (radius, radius), (radius, radius)), "reflect")
    else:
        padded = np.stack(
            [cv2.copyMakeBorder(p, *[radius] * 4, cv2.BORDER_REFLECT_101) for p in planes]
        )
    windows = np.lib.stride_tricks.sliding_window_view(
        padded.astype(float), taps.shape, axis=(1, 2)
    )
    return np.einsum("cyxij,ij->cyx", windows, taps)


def squares(radius, sigma_x, sigma_y, angle):
    """Squared distances in sigmas, by a matrix inverse as BasicSR writes it."""
    steps = np.arange(-radius, radius + 1)
    right, up = np.meshgrid(steps, -steps)
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    turn = np.array([[c, -s], [s, c]])
    inverse = np.linalg.inv(turn @ np.diag([sigma_x**2, sigma_y**2]) @ turn.T)
    positions = np.stack([right, up], -1).astype(float)
    return np.einsum("yxi,ij,yxj->yx", positions, inverse, positions)


SHAPES = [(2.0, 2.0, 0.0), (3.0, 1.2, 35.0), (0.6, 2.5, -70.0)]


@pytest.mark.parametrize(("sigma_x", "sigma_y", "angle"), SHAPES)
@pytest.mark.parametrize("beta", [0.5, 1.0, 2.7])
def test_generalised_gaussian_taps_are_the_plain_formula(sigma_x, sigma_y, angle, beta):
    turned = cos_degrees(angle), sin_degrees(angle)
    taps = filters.generalised_gaussian(sigma_x, sigma_y, *turned, beta, 10)
    expected = np.exp(-0.5 * squares(10, sigma_x, sigma_y, angle) ** beta)
    np.testing.assert_allclose(taps, expected / expected.sum(), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(("sigma_x", "sigma_y", "angle"), SHAPES)
@pytest.mark.parametrize("beta", [0.5, 1.0, 2.7])
def test_plateau_taps_are_the_plain_formula(sigma_x, sigma_y, angle, beta):
    turned = cos_degrees(angle), sin_degrees(angle)
    taps = filters.plateau(sigma_x, sigma_y, *turned, beta, 10)
    expected = 1 / (squares(10, sigma_x, sigma_y, angle) ** beta + 1)
    np.testing.assert_allclose(taps, expected / expected.sum(), rtol=1e-9)


@pytest.mark.parametrize("cutoff", [math.pi / 5, math.pi / 3, 2.0, math.pi])
@pytest.mark.parametrize("size", [7, 13, 21])
def test_sinc_taps_are_scipys_bessel_function(cutoff, size):
    steps = np.arange(size) - (size - 1) / 2
    distance = np.hypot(*np.meshgrid(steps, steps))
    distance[size // 2, size // 2] = 1
    expected = cutoff * special.j1(cutoff * distance) / (2 * np.pi * distance)
    expected[size // 2, size // 2] = cutoff**2 / (4 * np.pi)
    expected /= expected.sum()
    np.testing.assert_allclose(filters.sinc(cutoff, size // 2), expected, atol=1e-13)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("generalised_gaussian_blur", {"beta": 0.6}),
        ("plateau_blur", {"beta": 1.6}),
    ],
)
def test_shaped_blurs_are_a_plain_correlation(name, parameters, size):
    planes = image(*size)
    shape = {"sigma_x": 2.3, "sigma_y": 1.1, "angle": 25.0, "kernel_size": 13}
    kernel = {
        "generalised_gaussian_blur": filters.generalised_gaussian,
        "plateau_blur": filters.plateau,
    }
    taps = kernel[name](2.3, 1.1, cos_degrees(25.0), sin_degrees(25.0), parameters["beta"], 6)
    finished = blur(name, planes, **shape, **parameters)
    np.testing.assert_allclose(finished, correlated(planes, taps), atol=0.3)


@pytest.mark.parametrize("size", SIZES)
def test_sinc_blur_is_a_plain_correlation_clipped(size):
    planes = image(*size)
    finished = blur("sinc_blur", planes, cutoff=1.5, kernel_size=15)
    expected = np.clip(correlated(planes, filters.sinc(1.5, 7)), 0, 255)
    np.testing.assert_allclose(finished, expected, atol=0.3)


def test_a_generalised_gaussian_of_exponent_1_is_the_gaussian():
    planes = image(50, 60)
    shape = {"sigma_x": 2.3, "sigma_y": 1.1, "angle": 25.0, "kernel_size": 15}
    finished = blur("generalised_gaussian_blur", planes, beta=1.0, **shape)
    np.testing.assert_allclose(finished, blur("gaussian_blur", planes, **shape), atol=0.3)


def test_a_sinc_keeps_what_is_below_its_cutoff_and_stops_what_is_above():
    x = np.arange(200)
    for frequency, remaining in ((0.5, 1.0), (2.0, 0.0)):
        wave = 128 + 60 * np.cos(frequency * x)
        planes = np.repeat(np.tile(wave, (60, 1))[None], 3, 0).astype(np.float32)
        finished = blur("sinc_blur", planes, cutoff=1.2, kernel_size=41)
        assert finished[1, 30, 40:160].std() / wave[40:160].std() == pytest.approx(
            remaining, abs=0.12
        )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("window", [1, 3, 7, 15])
def test_the_median_is_numpys_of_the_rounded_picture(size, window):
    planes = image(*size)
    finished = blur("median_blur", planes, size=window)
    radius = window // 2
    padded = np.pad(np.rint(planes), ((0, 0), (radius, radius), (radius, radius)), "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (window, window), axis=(1, 2))
    np.testing.assert_array_equal(finished, np.median(windows, axis=(3, 4)))


def test_an_even_median_is_the_next_odd_one():
    planes = image(30, 40)
    np.testing.assert_array_equal(
        blur("median_blur", planes, size=4), blur("median_blur", planes, size=5)
    )


@pytest.mark.parametrize("size", [(65, 33), (40, 51)])
@pytest.mark.parametrize("window", [1, 3, 9, 15])
def test_the_average_of_an_odd_window_is_opencvs(size, window):
    planes = image(*size)
    expected = np.stack([cv2.blur(p, (window, window)) for p in planes])
    np.testing.assert_allclose(blur("average_blur", planes, size=window), expected, atol=2e-3)


@pytest.mark.parametrize("window", [2, 4, 14])
def test_the_average_of_an_even_window_is_centred_and_as_wide(window):
    planes = np.zeros((3, 41, 41), np.float32)
    planes[:, 20, 20] = 100
    finished = blur("average_blur", planes, size=window)
    np.testing.assert_allclose(finished, finished[:, ::-1, ::-1], atol=1e-6)
    # The variance of window pixels in a row plus that of a half-pixel shift to and fro.
    positions = np.arange(41) - 20
    variance = (finished[0].sum(axis=0) * positions**2).sum() / 100
    assert variance == pytest.approx((window**2 - 1) / 12 + 1 / 4)


def test_a_kernel_with_negative_taps_and_a_sum_of_its_own_is_kept():
    rng = np.random.default_rng(3)
    planes = image(40, 51)
    for taps in (rng.normal(size=(5, 5)), np.outer(*rng.normal(size=(2, 31))) * 0.01):
        finished = correlate_kernel(planes, taps)
        # The separable way may leave out 1e-3 of the absolute sum and then keeps the sum.
        room = 0.01 + 255 * 2e-3 * np.abs(taps).sum() / max(abs(taps.sum()), 0.1)
        np.testing.assert_allclose(finished, correlated(planes, taps), atol=room)
