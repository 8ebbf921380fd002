import math

import numpy as np
import pytest

from degrade.ops.blur import point_spread as shapes
from degrade.portable_math import cos_degrees, sin_degrees


def turned(angle):
    return cos_degrees(angle), sin_degrees(angle)


def offsets(taps):
    """Columns to the right and rows *upwards* of each tap, pixels."""
    reach = taps.shape[0] // 2
    steps = np.arange(-reach, reach + 1)
    return np.meshgrid(steps, -steps)


def covariance(taps):
    right, up = offsets(taps)
    positions = np.stack([right.ravel(), up.ravel()])
    return (positions * taps.ravel()) @ positions.T


def turned_covariance(along, across, angle):
    """Covariance in (right, up) of independent spreads along and across a direction."""
    radians = math.radians(angle)
    c, s = math.cos(radians), math.sin(radians)
    rotation = np.array([[c, -s], [s, c]])
    return rotation @ np.diag([along, across]) @ rotation.T


def gaussian(sigma_x, sigma_y, angle, radius=None):
    radius = radius or shapes.gaussian_radius(max(sigma_x, sigma_y))
    return shapes.gaussian_2d(sigma_x, sigma_y, *turned(angle), radius)


KERNELS = {
    "round Gaussian": gaussian(2.0, 2.0, 0.0),
    "turned Gaussian": gaussian(6.0, 1.5, 33.0),
    "cut Gaussian": gaussian(8.0, 3.0, -70.0, radius=10),
    "narrow Gaussian": gaussian(0.05, 0.3, 45.0),
    "motion": shapes.motion_line(17.3, *turned(70.0)),
    "short motion": shapes.motion_line(0.2, *turned(10.0)),
    "motion backwards": shapes.motion_line(9.0, *turned(-200.0)),
    "disk": shapes.disk(5.3),
    "small disk": shapes.disk(0.6),
    "disk of one pixel": shapes.disk(0.3),
}


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_sums_to_one_and_has_no_negative_tap(name):
    assert KERNELS[name].sum() == pytest.approx(1, abs=1e-12)
    assert KERNELS[name].min() >= 0


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_centred_and_symmetric_under_half_a_turn(name):
    taps = KERNELS[name]
    assert taps.shape[0] == taps.shape[1] and taps.shape[0] % 2 == 1
    right, up = offsets(taps)
    assert abs((taps * right).sum()) < 1e-12
    assert abs((taps * up).sum()) < 1e-12
    np.testing.assert_allclose(taps, taps[::-1, ::-1], atol=1e-14)


@pytest.mark.parametrize("sigma", [0.8, 1.0, 2.5, 8.0, 40.0])
def test_a_gaussian_has_the_sigma_asked_for(sigma):
    taps = shapes.gaussian_1d(sigma, shapes.gaussian_radius(sigma))
    x = np.arange(taps.size) - taps.size // 2
    assert taps.sum() == pytest.approx(1, abs=1e-12)
    assert math.sqrt((taps * x * x).sum()) == pytest.approx(sigma, rel=0.005)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 3.3])
def test_gaussian_taps_are_those_of_the_plain_formula(sigma):
    x = np.arange(-7, 8)
    expected = np.exp(-(x**2) / (2 * sigma**2))
    np.testing.assert_allclose(shapes.gaussian_1d(sigma, 7), expected / expected.sum(), rtol=1e-13)


@pytest.mark.parametrize("angle", [0.0, 30.0, 45.0, 90.0, 137.0, -20.0])
def test_a_turned_gaussian_is_the_plain_formula(angle):
    taps = gaussian(4.0, 1.7, angle, radius=12)
    right, up = offsets(taps)
    inverse = np.linalg.inv(turned_covariance(16.0, 1.7**2, angle))
    squares = inverse[0, 0] * right**2 + 2 * inverse[0, 1] * right * up + inverse[1, 1] * up**2
    expected = np.exp(-squares / 2)
    np.testing.assert_allclose(taps, expected / expected.sum(), rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("angle", [0.0, 20.0, 45.0, 90.0, 160.0])
def test_a_turned_gaussian_has_the_covariance_asked_for(angle):
    expected = turned_covariance(36.0, 4.0, angle)
    measured = covariance(gaussian(6.0, 2.0, angle))
    np.testing.assert_allclose(measured, expected, atol=0.01 * 36)


def test_a_round_gaussian_is_the_product_of_its_two_sides():
    side = shapes.gaussian_1d(2.2, 9)
    np.testing.assert_allclose(gaussian(2.2, 2.2, 77.0, 9), np.outer(side, side), rtol=1e-12)


def test_a_motion_of_0_degrees_is_a_row_of_even_taps():
    taps = shapes.motion_line(9.0, *turned(0.0))
    middle = taps.shape[0] // 2
    assert taps[middle].sum() == pytest.approx(1)
    np.testing.assert_allclose(taps[middle, middle - 3 : middle + 4], 1 / 9, rtol=1e-12)


def test_a_motion_of_90_degrees_is_a_column():
    taps = shapes.motion_line(9.0, *turned(90.0))
    np.testing.assert_allclose(taps, shapes.motion_line(9.0, *turned(0.0)).T, atol=1e-15)


@pytest.mark.parametrize("make", [shapes.motion_line, lambda n, c, s: gaussian(n, 0.8, 45.0)])
def test_45_degrees_rises_to_the_right(make):
    taps = make(11.0, *turned(45.0))
    size = taps.shape[0]
    upper_right = taps[: size // 2, size // 2 + 1 :].sum()
    upper_left = taps[: size // 2, : size // 2].sum()
    assert upper_right > 10 * upper_left


@pytest.mark.parametrize("length", [3.0, 7.5, 20.0, 41.0])
@pytest.mark.parametrize("angle", [10.0, 30.0, 45.0, 77.0, 120.0])
def test_a_motion_has_the_second_moment_of_its_length(length, angle):
    measured = covariance(shapes.motion_line(length, *turned(angle)))
    expected = turned_covariance(length**2 / 12, 0, angle)
    # Along the longer axis a step per pixel adds 1/12 at most, across it splitting adds 1/4.
    np.testing.assert_allclose(measured, expected, atol=0.005 * length**2 / 12 + 0.25)


def test_a_motion_is_a_straight_line_two_pixels_thick_at_most():
    taps = shapes.motion_line(21.0, *turned(25.0))
    reach = taps.shape[0] // 2
    for column in np.nonzero(taps.sum(axis=0))[0]:
        rows = np.nonzero(taps[:, column])[0]
        assert rows.size <= 2
        centre = (taps[rows, column] * (rows - reach)).sum() / taps[rows, column].sum()
        if abs(column - reach) < 9:
            assert centre == pytest.approx(-math.tan(math.radians(25)) * (column - reach))


def supersampled_disk(radius, reach, fine=64):
    steps = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    inside = (steps[:, None] ** 2 + steps**2 <= radius**2).astype(float)
    coverage = inside.reshape(2 * reach + 1, fine, 2 * reach + 1, fine).mean((1, 3))
    assert coverage.sum() == pytest.approx(math.pi * radius**2, rel=5e-3)
    return coverage / coverage.sum()


@pytest.mark.parametrize("radius", [0.7, 1.0, 2.5, 6.9])
def test_a_small_disk_is_its_64_fold_supersampled_picture(radius):
    taps = shapes.disk(radius)
    coverage = supersampled_disk(radius, taps.shape[0] // 2)
    np.testing.assert_allclose(taps, coverage, atol=0.01 / (math.pi * radius**2))


@pytest.mark.parametrize("radius", [7.0, 7.9, 8.2, 10.0, 30.0])
def test_a_large_disk_is_within_three_percent_of_its_supersampled_picture(radius):
    taps = shapes.disk(radius)
    coverage = supersampled_disk(radius, taps.shape[0] // 2)
    assert np.abs(taps - coverage).sum() < 0.035
    np.testing.assert_allclose(taps.sum(axis=1), coverage.sum(axis=1), atol=1e-4)


@pytest.mark.parametrize("radius", [2.0, 5.5, 10.0, 30.0])
def test_a_disk_has_a_quarter_of_its_squared_radius_as_second_moment(radius):
    # Area coverage adds the variance of a pixel, 1/12.
    measured = covariance(shapes.disk(radius))
    np.testing.assert_allclose(measured, np.eye(2) * (radius**2 / 4 + 1 / 12), atol=0.11)


@pytest.mark.parametrize("radius", [2.3, 8.7])
def test_a_disk_is_the_same_mirrored(radius):
    taps = shapes.disk(radius)
    np.testing.assert_allclose(taps, taps[::-1], atol=1e-15)
    np.testing.assert_allclose(taps, taps[:, ::-1], atol=1e-15)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-6])
@pytest.mark.parametrize("name", KERNELS)
def test_a_sum_of_outer_products_comes_within_its_tolerance(name, tolerance):
    taps = KERNELS[name]
    columns, rows = shapes.low_rank(taps, tolerance)
    assert np.abs(taps - columns.T @ rows).sum() <= tolerance + 1e-12


def test_a_separable_kernel_has_rank_one():
    assert len(shapes.low_rank(gaussian(3.0, 3.0, 0.0), 1e-9)[0]) == 1
