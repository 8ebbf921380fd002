import colorsys
import itertools

import cv2
import numpy as np
import pytest

from degrade.ops import OPERATIONS

STREAM = np.zeros(5, np.uint32)
NAMES = ("brightness", "contrast", "saturation", "hue")
NOTHING = {"brightness": 1.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0, "order": 0}
TENSOR_LUMA = np.array([0.2989, 0.587, 0.114])


@pytest.fixture
def planes():
    rng = np.random.default_rng(4)
    planes = rng.uniform(0, 255, (3, 40, 31)).astype(np.float32)
    planes[:, 0, 0] = 77
    planes[:, 0, 1] = (255, 0, 0)
    planes[:, 0, 2] = (0, 255, 255)
    planes[:, 0, 3] = 0
    planes[:, 0, 4] = 255
    planes[:, 1] = np.round(planes[:, 1])
    return planes


def jitter(planes, **changes):
    return OPERATIONS["colour_jitter"].load()(planes, STREAM, **(NOTHING | changes))


def luma(planes):
    return np.tensordot(TENSOR_LUMA, planes.astype(np.float64), 1)


def clipped(levels):
    return np.clip(levels, 0, 255)


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.7, 10.0])
def test_brightness_contrast_and_saturation_are_their_plain_formulas(planes, factor):
    np.testing.assert_allclose(
        jitter(planes, brightness=factor), clipped(planes * factor), atol=1e-3
    )
    middle = luma(planes).mean()
    expected = clipped(factor * planes + (1 - factor) * middle)
    np.testing.assert_allclose(jitter(planes, contrast=factor), expected, atol=2e-3)
    expected = clipped(factor * planes + (1 - factor) * luma(planes))
    np.testing.assert_allclose(jitter(planes, saturation=factor), expected, atol=2e-3)


@pytest.mark.parametrize("turn", [-0.5, -0.21, 0.0, 1 / 6, 0.3, 0.5])
def test_hue_turns_as_colorsys_does(planes, turn):
    expected = np.empty(planes.shape)
    for y, x in np.ndindex(planes.shape[1:]):
        hue, saturation, value = colorsys.rgb_to_hsv(*(planes[:, y, x].astype(float) / 255))
        expected[:, y, x] = colorsys.hsv_to_rgb((hue + turn) % 1.0, saturation, value)
    np.testing.assert_allclose(jitter(planes, hue=turn), 255 * expected, atol=1e-2)


@pytest.mark.parametrize(
    ("name", "value"),
    [("brightness", 1.4), ("contrast", 0.6), ("saturation", 1.8), ("hue", -0.13), ("hue", 0.4)],
)
def test_each_change_is_that_of_torchvision(planes, name, value):
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchvision.transforms.v2.functional")
    expected = getattr(functional, f"adjust_{name}")(torch.from_numpy(planes / 255), value)
    np.testing.assert_allclose(jitter(planes, **{name: value}), 255 * expected.numpy(), atol=1e-2)


@pytest.mark.parametrize("order", range(24))
def test_a_jitter_of_nothing_changes_nothing_in_any_order(planes, order):
    np.testing.assert_allclose(jitter(planes, order=order), planes, atol=1e-4)


@pytest.mark.parametrize("order", [0, 1, 8, 23])
def test_the_order_numbers_the_permutations_lexicographically(planes, order):
    changes = {"brightness": 1.5, "contrast": 0.5, "saturation": 2.0, "hue": 0.2}
    expected = planes
    for name in list(itertools.permutations(NAMES))[order]:
        expected = jitter(expected, **{name: changes[name]})
    np.testing.assert_allclose(jitter(planes, **changes, order=order), expected, atol=1e-3)


def test_the_24_orders_differ(planes):
    changes = {"brightness": 1.5, "contrast": 0.5, "saturation": 2.0, "hue": 0.2}
    results = [jitter(planes, **changes, order=order).tobytes() for order in range(24)]
    assert len(set(results)) > 12


def test_whole_numbers_are_taken_for_real_ones(planes):
    whole = jitter(planes, brightness=2, contrast=1, saturation=1, hue=0)
    np.testing.assert_array_equal(whole, jitter(planes, brightness=2.0))


def test_a_shift_moves_each_channel_by_its_own_levels_and_clips(planes):
    finished = OPERATIONS["colour_shift"].load()(planes, STREAM, red=20.0, green=-30.5, blue=255.0)
    shifts = np.array([20.0, -30.5, 255.0], np.float32).reshape(3, 1, 1)
    np.testing.assert_array_equal(finished, np.clip(planes + shifts, 0, 255))


def test_grey_is_that_of_opencv_within_one_level():
    image = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    planes = np.ascontiguousarray(image.transpose(2, 0, 1).astype(np.float32))
    grey = OPERATIONS["grey"].load()(planes, STREAM)
    np.testing.assert_array_equal(grey[0], grey[1])
    np.testing.assert_array_equal(grey[0], grey[2])
    np.testing.assert_allclose(grey[0], cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), atol=0.51)
    assert grey.flags.c_contiguous and grey.flags.writeable


def test_white_stays_white_and_black_black_in_grey():
    planes = np.zeros((3, 1, 2), np.float32)
    planes[:, 0, 1] = 255
    grey = OPERATIONS["grey"].load()(planes, STREAM)
    np.testing.assert_allclose(grey, planes, atol=1e-4)


def test_colour_operations_leave_their_input_alone(planes):
    before = planes.copy()
    jitter(planes, brightness=2.0, contrast=0.5, saturation=0.1, hue=0.3, order=9)
    OPERATIONS["grey"].load()(planes, STREAM)
    OPERATIONS["colour_shift"].load()(planes, STREAM, red=9, green=9, blue=9)
    np.testing.assert_array_equal(planes, before)
