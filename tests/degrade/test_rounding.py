import numpy as np
import pytest

from degrade.ops import OPERATIONS

STREAM = np.zeros(5, np.uint32)


def done(name, planes):
    return OPERATIONS[name].load()(planes, STREAM)


def test_rounding_takes_halves_to_even_and_truncation_goes_down():
    levels = np.array([0.0, 0.49, 0.5, 0.51, 1.5, 2.5, 253.999, 254.5, 255.0], np.float32)
    planes = np.tile(levels, (3, 1, 1))
    np.testing.assert_array_equal(done("round", planes), np.rint(planes))
    np.testing.assert_array_equal(done("truncate", planes), planes.astype(np.uint8))


def test_levels_outside_the_range_are_clipped():
    planes = np.tile(np.array([-3.0, -0.2, 255.7, 400.0], np.float32), (3, 1, 1))
    for name in ("round", "truncate"):
        np.testing.assert_array_equal(done(name, planes)[0, 0], [0, 0, 255, 255])


def test_truncation_costs_half_a_level_on_the_average():
    planes = np.random.default_rng(1).uniform(0, 255, (3, 300, 300)).astype(np.float32)
    lost = (planes - done("truncate", planes)).mean()
    assert lost == pytest.approx(0.5, abs=0.01)


def test_the_planes_that_come_in_are_not_changed():
    planes = np.full((3, 4, 5), 3.7, np.float32)
    for name in ("round", "truncate"):
        done(name, planes)
        assert (planes == np.float32(3.7)).all()
