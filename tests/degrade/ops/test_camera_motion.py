import math

import numpy as np
import pytest

from degrade.ops import OPERATIONS
from degrade.ops.blur.camera_motion import shake_taps
from degrade.ops.blur.camera_paths import camera_path, mean_offset, one_sided_taps
from degrade.planner.resolve import resolve


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
    positions = np.arange(2 * radius + 1)
    expected = np.exp(-(positions**2) / (2 * sigma**2))
    np.testing.assert_allclose(weights, expected / expected.sum(), rtol=1e-12)
    down, right = math.sin(math.radians(clockwise)), math.cos(math.radians(clockwise))
    rounded = [(math.ceil(i * down - 0.5), math.ceil(i * right - 0.5)) for i in positions]
    assert list(offsets) == rounded


STREAM = np.zeros(5, np.uint32)


def blur(name, planes, **parameters):
    return OPERATIONS[name].load()(planes, STREAM, **parameters)


def image(height, width):
    rng = np.random.default_rng(height * 100 + width)
    return rng.uniform(0, 255, (3, height, width)).astype(np.float32)


def centroid(taps):
    rows, columns = np.indices(taps.shape) - taps.shape[0] // 2
    return np.array([(taps * rows).sum(), (taps * columns).sum()]) / taps.sum()


@pytest.mark.parametrize("path", [0, 1, 77])
@pytest.mark.parametrize("length", [0.3, 5.0, 60.0])
@pytest.mark.parametrize("bend", [0.0, 120.0])
def test_a_shake_sums_to_one_and_stays_in_place(path, length, bend):
    taps = shake_taps(length, 33.0, bend, path)
    assert taps.sum() == pytest.approx(1, abs=1e-12) and taps.min() >= 0
    assert np.abs(centroid(taps)).max() < 1e-9


def test_a_shake_has_the_second_moments_of_its_path():
    corners = np.array(camera_path(60.0, 33.0, 120.0, 4))
    points = corners[:-1] + (np.arange(50)[:, None, None] + 0.5) / 50 * np.diff(corners, axis=0)
    points = points.reshape(-1, 2) - points.mean(axis=(0, 1))
    taps = shake_taps(60.0, 33.0, 120.0, 4)
    positions = np.indices(taps.shape).reshape(2, -1) - taps.shape[0] // 2
    actual = (positions * taps.reshape(-1)) @ positions.T
    # Spreading a point over its four pixels adds up to 1/4 along each axis, 1/6 on the average.
    np.testing.assert_allclose(actual, points.T @ points / len(points) + np.eye(2) / 6, atol=0.3)


def test_a_point_of_light_draws_the_path_of_the_camera():
    planes = np.zeros((3, 121, 121), np.float32)
    planes[:, 60, 60] = 200
    finished = blur("shake_blur", planes, length=60.0, angle=20.0, bend=90.0, path=3)
    corners = np.array(camera_path(60.0, 20.0, 90.0, 3))
    positions = np.rint(corners - mean_offset(tuple(map(tuple, corners))) + 60).astype(int)
    lit = finished[0] > 0
    near = lit | np.roll(lit, 1, 0) | np.roll(lit, 1, 1) | np.roll(lit, -1, 0) | np.roll(lit, -1, 1)
    assert near[positions[:, 0], positions[:, 1]].all()
    assert finished[0].sum() == pytest.approx(200, rel=1e-4)


def test_a_straight_shake_is_the_motion_blur_of_its_length():
    # Smooth, as the two spread a point over its four pixels in ways of their own.
    planes = blur("average_blur", image(60, 70), size=5)
    shaken = blur("shake_blur", planes, length=15.0, angle=30.0, bend=0.0, path=3)
    moved = blur("motion_blur", planes, length=15.0, angle=30.0)
    np.testing.assert_allclose(shaken, moved, atol=1.5)


def test_a_shake_of_no_length_changes_nothing():
    planes = image(5, 6)
    shape = {"length": 0.0, "angle": 30.0, "bend": 90.0, "path": 3}
    np.testing.assert_array_equal(blur("shake_blur", planes, **shape), planes)


def test_the_plan_records_the_shift_that_a_shake_took_out():
    drawn_plan = {"length": 30.0, "angle": 80.0, "bend": 100.0, "path": 12}
    reported = resolve(OPERATIONS["shake_blur"], drawn_plan, (64, 64), (64, 64))
    assert (reported["removed_down"], reported["removed_right"]) == pytest.approx(
        mean_offset(camera_path(30.0, 80.0, 100.0, 12))
    )


@pytest.mark.parametrize("angle", [-45.0, 0.0, 20.0, 45.0])
@pytest.mark.parametrize("size", [(64, 80), (2, 3), (1, 1)])
def test_one_sided_motion_reads_the_picture_at_its_offsets(angle, size):
    """imagecorruptions' _motion_blur: rolled images whose edges repeat, weighted."""
    planes = image(*size)
    offsets, weights = one_sided_taps(10, 3.0, angle)
    expected = np.zeros(planes.shape)
    for (down, right), weight in zip(offsets, weights, strict=True):
        rows = np.clip(np.arange(size[0]) + down, 0, size[0] - 1)
        columns = np.clip(np.arange(size[1]) + right, 0, size[1] - 1)
        expected += weight * planes[:, rows[:, None], columns]
    finished = blur("one_sided_motion_blur", planes, radius=10, sigma=3.0, angle=angle)
    np.testing.assert_allclose(finished, expected, atol=2e-3)


@pytest.mark.parametrize("angle", [-45.0, 0.0, 30.0, 200.0])
def test_the_plan_records_how_far_one_sided_motion_moves_a_spot(angle):
    planes = np.zeros((3, 101, 101), np.float32)
    planes[:, 50, 50] = 200
    drawn_plan = {"radius": 15, "sigma": 8.0, "angle": angle}
    finished = blur("one_sided_motion_blur", planes, **drawn_plan)
    reported = resolve(OPERATIONS["one_sided_motion_blur"], drawn_plan, (101, 101), (101, 101))
    assert centroid(finished[0]) == pytest.approx(
        [reported["moved_down"], reported["moved_right"]], abs=1e-3
    )


# The shift of ImageNet-C's severities 1 to 5: the mean of half a Gaussian, cut.
@pytest.mark.parametrize(
    ("radius", "sigma", "pixels"),
    [(10, 3.0, 2.1), (15, 5.0, 3.7), (15, 8.0, 6.1), (15, 12.0, 9.0), (20, 15.0, 11.4)],
)
def test_imagenet_cs_motion_moves_by_pixels(radius, sigma, pixels):
    drawn_plan = {"radius": radius, "sigma": sigma, "angle": 0.0}
    reported = resolve(OPERATIONS["one_sided_motion_blur"], drawn_plan, (64, 64), (64, 64))
    assert reported["moved_right"] == pytest.approx(-pixels, abs=0.06)
    assert reported["moved_down"] == 0
