import numba
import numpy as np
import pytest

from degrade.ops.kernels.philox import (
    BLOCKS,
    CHUNK,
    fill_words,
)
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
