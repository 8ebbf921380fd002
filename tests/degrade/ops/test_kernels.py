import numba
import numpy as np
import pytest

from degrade.ops import OPERATIONS
from degrade.ops.kernels.philox import (
    BLOCKS,
    CHUNK,
    fill_words,
)
from degrade.ops.kernels.planes import from_planes, reflected, round_levels, rounded, to_planes
from degrade.random import philox4x32

ONES = 0xFFFFFFFF
PI = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)


@numba.njit
def compiled(stream, first_block):
    words = np.zeros(CHUNK, np.uint32)
    fill_words(stream, first_block, words)
    return words


def block(counter, key):
    """The words of one block by the compiled function, wherever it stands in its chunk."""
    stream = np.array([*key, *counter[1:]], np.uint32)
    return tuple(int(word) for word in compiled(stream, counter[0]).reshape(4, BLOCKS)[:, 0])


# Random123, tests/kat_vectors (D. E. Shaw Research, BSD-3-Clause), philox4x32, 10 rounds.
@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0,) * 4, (0,) * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((ONES,) * 4, (ONES,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (PI, (0xA4093822, 0x299F31D0), "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_compiled_philox_gives_the_published_known_answers(counter, key, words):
    assert block(counter, key) == tuple(int(word, 16) for word in words.split())


def test_compiled_philox_equals_plain_python_on_random_counters():
    rng = np.random.default_rng(5)
    for row in rng.integers(0, 2**32, (300, 6)).tolist():
        assert block(tuple(row[:4]), tuple(row[4:])) == philox4x32(tuple(row[:4]), tuple(row[4:]))


def test_word_j_of_block_b_stands_in_run_j():
    stream = np.array([1, 2, 3, 4, 5], np.uint32)
    words = compiled(stream, 7 * BLOCKS)
    for value in (0, 1, 255, 256, 511, 600, 1023):
        expected = philox4x32((7 * BLOCKS + value % 256, 3, 4, 5), (1, 2))[value // 256]
        assert words[value] == expected


def test_neighbouring_chunks_share_no_block():
    stream = np.array([1, 2, 3, 4, 5], np.uint32)
    both = np.concatenate([compiled(stream, 0), compiled(stream, BLOCKS)])
    assert np.unique(both).size > 0.999 * both.size


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


STREAM = np.zeros(5, np.uint32)


def finished(name, planes):
    return OPERATIONS[name].load()(planes, STREAM)


def test_rounding_takes_halves_to_even_and_truncation_goes_down():
    levels = np.array([0.0, 0.49, 0.5, 0.51, 1.5, 2.5, 253.999, 254.5, 255.0], np.float32)
    planes = np.tile(levels, (3, 1, 1))
    np.testing.assert_array_equal(finished("round", planes), np.rint(planes))
    np.testing.assert_array_equal(finished("truncate", planes), planes.astype(np.uint8))


def test_levels_outside_the_range_are_clipped():
    planes = np.tile(np.array([-3.0, -0.2, 255.7, 400.0], np.float32), (3, 1, 1))
    for name in ("round", "truncate"):
        np.testing.assert_array_equal(finished(name, planes)[0, 0], [0, 0, 255, 255])


def test_truncation_costs_half_a_level_on_the_average():
    planes = np.random.default_rng(1).uniform(0, 255, (3, 300, 300)).astype(np.float32)
    lost = (planes - finished("truncate", planes)).mean()
    assert lost == pytest.approx(0.5, abs=0.01)


def test_the_planes_that_come_in_are_not_changed():
    planes = np.full((3, 4, 5), 3.7, np.float32)
    for name in ("round", "truncate"):
        finished(name, planes)
        assert (planes == np.float32(3.7)).all()
