import math

import numpy as np
import pytest

from degrade.ops.blur.camera_paths import camera_path, mean_offset, one_sided_taps


def headings(path, bend=90.0, angle=0.0):
    steps = np.diff(np.array(camera_path(32.0, angle, bend, path)), axis=0)
    return np.degrees(np.unwrap(np.arctan2(-steps[:, 0], steps[:, 1])))


def test_a_path_has_the_length_asked_for_in_even_steps():
    steps = np.diff(np.array(camera_path(40.0, 30.0, 200.0, 9)), axis=0)
    np.testing.assert_allclose(np.hypot(*steps.T), 40 / 32, rtol=1e-12)


def test_a_path_without_bend_is_a_straight_line_at_its_angle():
    corners = np.array(camera_path(40.0, 30.0, 0.0, 9))
    assert corners[0].tolist() == [0, 0]
    np.testing.assert_allclose(corners[-1], [-20.0, 40 * math.cos(math.pi / 6)], rtol=1e-12)
    assert mean_offset(camera_path(40.0, 30.0, 0.0, 9)) == pytest.approx(corners[-1] / 2)


def test_the_direction_walks_as_far_as_bend_says():
    ends = np.array([headings(path, bend=60.0, angle=40.0)[-1] for path in range(3000)])
    assert ends.mean() == pytest.approx(40, abs=5 * 60 / math.sqrt(3000))
    assert ends.std() == pytest.approx(60, rel=0.05)
    halves = np.array([headings(path, bend=60.0, angle=40.0)[15] for path in range(3000)])
    assert halves.std() == pytest.approx(60 * math.sqrt(0.5), rel=0.05)


def test_walks_differ_by_their_number_only():
    assert camera_path(9.0, 1.0, 60.0, 5) == camera_path(9.0, 1.0, 60.0, 5)
    assert len({camera_path(9.0, 1.0, 60.0, path) for path in range(50)}) == 50
    assert camera_path(9.0, 1.0, 60.0, 2**32 - 1) != camera_path(9.0, 1.0, 60.0, 0)


@pytest.mark.parametrize("bend", [0.0, 90.0])
def test_the_mean_offset_is_that_of_many_points_on_the_path(bend):
    corners = np.array(camera_path(25.0, 70.0, bend, 3))
    shares = (np.arange(200) + 0.5)[:, None, None] / 200
    points = corners[:-1] + shares * np.diff(corners, axis=0)
    assert mean_offset(tuple(map(tuple, corners))) == pytest.approx(points.mean(axis=(0, 1)))


@pytest.mark.parametrize("clockwise", [-45.0, 0.0, 12.0, 45.0, 100.0])
def test_one_sided_taps_are_imagemagicks(clockwise):
    """ImageMagick counts the angle clockwise; ours is the other way round."""
    radius, sigma = 15, 8.0
    offsets, weights = one_sided_taps(radius, sigma, -clockwise)
    places = np.arange(2 * radius + 1)
    expected = np.exp(-(places**2) / (2 * sigma**2))
    np.testing.assert_allclose(weights, expected / expected.sum(), rtol=1e-12)
    down, right = math.sin(math.radians(clockwise)), math.cos(math.radians(clockwise))
    rounded = [(math.ceil(i * down - 0.5), math.ceil(i * right - 0.5)) for i in places]
    assert list(offsets) == rounded
