import numpy as np
import pytest

from degrade.ops import OPERATIONS
from degrade.ops.size.linear_light import (
    from_light,
    light_tables,
    to_light,
)

STREAM = np.zeros(5, np.uint32)


def linear(level):
    """IEC 61966-2-1 in NumPy, 0-255 to 0-255."""
    c = np.asarray(level, float) / 255
    return 255 * np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def levels_of(light):
    x = np.asarray(light, float) / 255
    return 255 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)


def ramp(count=20001):
    return np.linspace(0, 255, count, dtype=np.float32).reshape(1, 1, -1)


def test_levels_become_linear_light_as_the_standard_says():
    light, _ = light_tables()
    actual = to_light(ramp(), light, np.empty_like(ramp()))
    np.testing.assert_allclose(actual, linear(ramp()), atol=1e-4)


def test_linear_light_becomes_levels_as_the_standard_says():
    _, levels = light_tables()
    actual = from_light(ramp(), levels, np.empty_like(ramp()))
    np.testing.assert_allclose(actual, levels_of(ramp()), atol=3e-3)


def test_every_level_comes_back():
    light, levels = light_tables()
    there = to_light(ramp(256), light, np.empty_like(ramp(256)))
    np.testing.assert_allclose(from_light(there, levels, there), ramp(256), atol=3e-3)


def test_light_outside_the_range_is_clipped():
    light, levels = light_tables()
    outside = np.array([[[-5.0, 300.0]]], np.float32)
    for mapped, table in ((to_light, light), (from_light, levels)):
        np.testing.assert_array_equal(mapped(outside, table, outside.copy()), [[[0, 255]]])


@pytest.mark.parametrize("filters", ["nearest", "area", "linear", "cubic", "lanczos3"])
@pytest.mark.parametrize("size", [(1, 1), (30, 17), (100, 90)])
def test_resizing_in_linear_light_is_resizing_the_light(filters, size):
    planes = np.random.default_rng(1).uniform(0, 255, (3, 65, 33)).astype(np.float32)
    options = {"height": size[0], "width": size[1], "filter": filters, "antialias": True}
    actual = OPERATIONS["resize_linear_light"].load()(planes, STREAM, **options)
    light = linear(planes).astype(np.float32)
    plain = OPERATIONS["resize"].load()(light, STREAM, **options)
    np.testing.assert_allclose(actual, levels_of(np.clip(plain, 0, 255)), atol=0.02)


def test_a_checkerboard_keeps_its_light():
    planes = np.zeros((3, 64, 64), np.float32)
    planes[:, ::2, ::2] = planes[:, 1::2, 1::2] = 255
    options = {"height": 16, "width": 16, "filter": "area", "antialias": True}
    actual = OPERATIONS["resize_linear_light"].load()(planes, STREAM, **options)
    # Half the light of white is level 188; on levels it would be 128.
    np.testing.assert_allclose(actual, levels_of(127.5), atol=0.01)
    assert actual[0, 0, 0] == pytest.approx(187.5, abs=0.1)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (65, 33)])
def test_haze_mixes_with_its_level(size):
    planes = np.random.default_rng(1).uniform(0, 255, (3, *size)).astype(np.float32)
    actual = OPERATIONS["haze"].load()(planes, STREAM, alpha=0.8, level=240.0)
    np.testing.assert_allclose(actual, planes * 0.8 + 240 * 0.2, atol=1e-4)
