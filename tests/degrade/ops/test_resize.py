import cv2
import numpy as np
import pytest
from PIL import Image

from degrade.ops import OPERATIONS
from degrade.ops.size.resize import (
    FILTERS,
    resample,
    resample_table,
)

SIZES = [(1, 1), (1, 7), (7, 1), (3, 5), (31, 17), (48, 64)]
TARGETS = [(1, 1), (2, 3), (5, 4), (13, 29), (64, 64), (97, 101)]
STREAM = np.zeros(5, np.uint32)
LEVELS = 1e-2


def image(height, width):
    rng = np.random.default_rng(height * 1000 + width)
    return rng.uniform(0, 255, (3, height, width)).astype(np.float32)


def resized(planes, size, name, antialias=False):
    """Without the clip to 0-255 that the operation puts after it."""
    code = FILTERS.index(name)
    rows = resample_table(code, planes.shape[1], size[0], antialias)
    columns = resample_table(code, planes.shape[2], size[1], antialias)
    return resample(planes, *rows, *columns)


def by_opencv(planes, size, interpolation):
    target = (size[1], size[0])
    return np.stack([cv2.resize(plane, target, interpolation=interpolation) for plane in planes])


def by_pillow(planes, size, filter):
    target = (size[1], size[0])
    return np.stack([np.asarray(Image.fromarray(plane).resize(target, filter)) for plane in planes])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("name", "interpolation"), [("linear", cv2.INTER_LINEAR), ("cubic", cv2.INTER_CUBIC)]
)
def test_linear_and_cubic_are_those_of_opencv(size, target, name, interpolation):
    planes = image(*size)
    expected = by_opencv(planes, target, interpolation)
    np.testing.assert_allclose(resized(planes, target, name), expected, atol=LEVELS)


@pytest.mark.parametrize(
    ("size", "target"),
    [
        ((48, 64), (24, 16)),
        ((48, 64), (1, 1)),
        ((48, 64), (48, 21)),
        ((31, 17), (13, 5)),
        ((31, 17), (30, 16)),
        ((1, 7), (1, 3)),
        ((7, 1), (2, 1)),
    ],
)
def test_area_is_that_of_opencv(size, target):
    planes = image(*size)
    expected = by_opencv(planes, target, cv2.INTER_AREA)
    np.testing.assert_allclose(resized(planes, target, "area"), expected, atol=LEVELS)


@pytest.mark.parametrize("target", [(24, 16), (13, 29), (1, 1), (97, 101), (100, 7)])
@pytest.mark.parametrize("size", [(48, 64), (31, 17), (1, 7)])
@pytest.mark.parametrize(
    ("name", "filter"),
    [("linear", Image.Resampling.BILINEAR), ("lanczos3", Image.Resampling.LANCZOS)],
)
def test_antialiased_linear_and_lanczos_are_those_of_pillow(size, target, name, filter):
    planes = image(*size)
    expected = by_pillow(planes, target, filter)
    np.testing.assert_allclose(resized(planes, target, name, True), expected, atol=LEVELS)


def nearest(size_in, size_out):
    return [(2 * i + 1) * size_in // (2 * size_out) for i in range(size_out)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("target", TARGETS)
def test_nearest_takes_the_pixel_under_the_centre(size, target):
    planes = image(*size)
    rows, columns = map(nearest, size, target)
    expected = planes[:, rows][:, :, columns]
    np.testing.assert_array_equal(resized(planes, target, "nearest"), expected)


# In these, (i + 0.5) * (size_in / size_out) falls just short of the whole number that it is.
@pytest.mark.parametrize(("size_in", "size_out"), [(2, 49), (2, 103), (10, 98), (398, 398)])
def test_nearest_has_no_rounding_error(size_in, size_out):
    indices, _ = resample_table(FILTERS.index("nearest"), size_in, size_out, False)
    assert indices[:, 0].tolist() == nearest(size_in, size_out)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("size_in", [1, 2, 7, 64, 513])
@pytest.mark.parametrize("size_out", [1, 2, 5, 64, 200])
def test_weights_sum_to_one_inside_the_picture(name, antialias, size_in, size_out):
    indices, weights = resample_table(FILTERS.index(name), size_in, size_out, antialias)
    assert indices.shape == weights.shape and indices.shape[0] == size_out
    assert indices.min() >= 0 and indices.max() < size_in
    np.testing.assert_allclose(weights.sum(1, dtype=np.float64), 1, atol=2e-6)


# Not "nearest": a tie between two neighbours goes one way.
@pytest.mark.parametrize("name", FILTERS[1:])
@pytest.mark.parametrize("antialias", [False, True])
def test_weights_of_mirrored_places_are_mirrored(name, antialias):
    indices, weights = resample_table(FILTERS.index(name), 37, 16, antialias)
    dense = np.zeros((16, 37))
    for row in range(16):
        np.add.at(dense[row], indices[row], weights[row])
    np.testing.assert_allclose(dense, dense[::-1, ::-1], atol=1e-6)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("target", TARGETS)
def test_a_constant_picture_stays_constant(name, antialias, target):
    planes = np.full((3, 31, 17), 201, np.float32)
    assert np.abs(resized(planes, target, name, antialias) - 201).max() < 1e-3


def test_linear_enlargement_keeps_a_ramp():
    planes = np.tile(np.arange(32, dtype=np.float32), (1, 4, 1))
    expected = np.clip((np.arange(96) + 0.5) / 3 - 0.5, 0, 31)
    np.testing.assert_allclose(resized(planes, (4, 96), "linear")[0, 2], expected, atol=1e-4)


@pytest.mark.parametrize("name", ["cubic", "lanczos3"])
def test_the_operation_clips_what_a_filter_overshoots(name):
    planes = np.zeros((3, 8, 8), np.float32)
    planes[:, :, 4:] = 255
    options = {"height": 31, "width": 33, "filter": name, "antialias": False}
    finished = OPERATIONS["resize"].load()(planes, STREAM, **options)
    assert finished.shape == (3, 31, 33)
    assert finished.min() == 0 and finished.max() == 255
    raw = resized(planes, (31, 33), name)
    assert raw.min() < -1 and raw.max() > 256
    np.testing.assert_array_equal(finished, np.clip(raw, 0, 255))


def test_a_resize_to_the_same_size_changes_nothing():
    planes = image(9, 8)
    options = {"height": 9, "width": 8, "filter": "cubic", "antialias": True}
    np.testing.assert_array_equal(OPERATIONS["resize"].load()(planes, STREAM, **options), planes)


@pytest.mark.parametrize("down", FILTERS)
@pytest.mark.parametrize("up", FILTERS)
def test_resize_blur_is_an_antialiased_shrink_and_an_enlargement(down, up):
    planes = image(31, 40)
    options = {"height": 9, "width": 13, "down": down, "up": up}
    finished = OPERATIONS["resize_blur"].load()(planes, STREAM, **options)
    small = np.clip(resized(planes, (9, 13), down, True), 0, 255)
    expected = np.clip(resized(small, (31, 40), up), 0, 255)
    np.testing.assert_allclose(finished, expected, atol=1e-4)
