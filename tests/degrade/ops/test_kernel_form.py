import math

import numpy as np
import pytest

from degrade.ops.blur import point_spread as shapes
from degrade.ops.blur.kernel_form import slanted_passes
from degrade.portable_math import cos_degrees, sin_degrees


def moments(sigma_x, sigma_y, angle):
    cosine, sine = cos_degrees(angle), sin_degrees(angle)
    x, y = sigma_x**2, sigma_y**2
    return (
        x * cosine**2 + y * sine**2,
        x * sine**2 + y * cosine**2,
        (y - x) * cosine * sine,
    )


def effective_kernel(line, radius):
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1))
    half = len(line.first) // 2
    for along, across, weight in zip(line.along, line.across, line.weights, strict=True):
        start = radius + across - half
        kernel[radius + along, start : start + 2 * half + 1] += weight * line.first
    return kernel


@pytest.mark.parametrize("angle", [5.0, 30.0, 45.0, 80.0, 120.0, 171.0])
@pytest.mark.parametrize("sigmas", [(3.0, 2.0), (8.0, 4.0), (2.0, 6.0)])
def test_two_passes_give_the_gaussian_within_a_hundredth(sigmas, angle):
    line = slanted_passes(*moments(*sigmas, angle), 0)
    radius = 60
    exact = shapes.gaussian_2d(*sigmas, cos_degrees(angle), sin_degrees(angle), radius)
    assert np.abs(effective_kernel(line, radius) - exact).sum() < 0.012


def test_two_passes_keep_the_covariance():
    down, across, both = moments(6.0, 3.0, 25.0)[1], *moments(6.0, 3.0, 25.0)[::2]
    kernel = effective_kernel(slanted_passes(across, down, both, 0), 60)
    grid = np.arange(-60, 61)
    assert (kernel * grid**2).sum() == pytest.approx(across, rel=0.01)
    assert (kernel * grid[:, None] ** 2).sum() == pytest.approx(down, rel=0.01)
    assert (kernel * np.outer(grid, grid)).sum() == pytest.approx(both, rel=0.01)


def test_weights_of_both_passes_sum_to_one():
    line = slanted_passes(*moments(7.0, 2.5, 33.0), 0)
    assert math.fsum(line.first) == pytest.approx(1)
    assert math.fsum(line.weights) == pytest.approx(1)


def test_a_narrow_first_pass_is_declined():
    assert slanted_passes(*moments(8.0, 0.8, 45.0), 0) is None


def test_a_kernel_cut_along_the_first_axis_is_declined():
    assert slanted_passes(*moments(9.0, 4.0, 10.0), 20) is None
    upright = slanted_passes(*moments(9.0, 4.0, 80.0), 20)
    assert upright is not None and np.abs(upright.along).max() == 20
