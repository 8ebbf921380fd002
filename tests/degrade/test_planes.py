import numba
import numpy as np
import pytest

from degrade.ops.kernels.planes import from_planes, reflected, round_levels, rounded, to_planes


@numba.vectorize(["float32(float32)"])
def compiled_rounded(value):
    return rounded(value)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (64, 48)])
def test_a_picture_survives_the_way_to_planes_and_back(size):
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    planes = to_planes(image)
    assert planes.dtype == np.float32 and planes.flags.c_contiguous
    np.testing.assert_array_equal(planes, image.transpose(2, 0, 1))
    np.testing.assert_array_equal(from_planes(planes), image)


def test_every_level_survives():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    np.testing.assert_array_equal(from_planes(to_planes(image)), image)


def test_levels_round_halves_to_even_and_are_clipped():
    levels = np.array([-9, -0.4, 0.5, 1.5, 2.5, 2.51, 253.5, 254.5, 255.4, 300], np.float32)
    expected = [0, 0, 0, 2, 2, 3, 254, 254, 255, 255]
    planes = levels.reshape(1, 1, -1).repeat(3, 0)
    assert from_planes(planes)[0, :, 1].tolist() == expected
    assert round_levels(planes)[2, 0].tolist() == expected


def test_rounding_is_that_of_ieee_for_any_level():
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.uniform(-300, 300, 100_000), np.arange(-300, 300, 0.5)])
    values = values.astype(np.float32)
    np.testing.assert_array_equal(compiled_rounded(values), np.rint(values))


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_indices_mirror_as_numpy_reflects_at_any_distance(size):
    reach = 50
    expected = np.pad(np.arange(size), reach, mode="reflect" if size > 1 else "edge")
    measured = [reflected(index, size) for index in range(-reach, size + reach)]
    assert measured == expected.tolist()
