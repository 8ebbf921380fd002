import itertools

import numpy as np
import pytest

from degrade.planner.philox_vectorized import StreamBlocks
from degrade.random import FEEDING, PARAMETERS, Stream, StreamKey

KEYS = [
    StreamKey(0, 0, 0),
    StreamKey(2**64 - 1, 2**64 - 1, 65535),
    StreamKey(0x0123456789ABCDEF, 0xFEDCBA9876543210, 0x5678),
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("purpose", [PARAMETERS, FEEDING])
def test_lanes_hold_the_numbers_of_each_stream(key, purpose):
    positions = list(itertools.product((0, 1, 9, 255), range(3)))
    units = StreamBlocks.of(positions, purpose).units(key)
    for lane, (slot, block) in enumerate(positions):
        stream = Stream(key, slot, purpose)
        numbers = [stream.unit() for _ in range(2 * block + 2)]
        assert units[2 * lane : 2 * lane + 2] == numbers[-2:]


@pytest.mark.parametrize("count", [1, 2, 63, 1000])
def test_any_number_of_lanes_stand_side_by_side(count):
    positions = [(number % 256, number // 256) for number in range(count)]
    whole = StreamBlocks.of(positions).units(KEYS[2])
    apart = [unit for position in positions for unit in StreamBlocks.of([position]).units(KEYS[2])]
    assert whole == apart


def test_no_lanes_give_no_numbers():
    assert StreamBlocks.of([]).units(KEYS[0]) == []


def test_numpy_integers_in_a_key_do_not_overflow():
    key = StreamKey(np.uint64(2**64 - 1), np.uint64(2**63 + 5), np.uint16(65535))
    plain = StreamKey(2**64 - 1, 2**63 + 5, 65535)
    blocks = StreamBlocks.of([(3, 0), (200, 7)])
    assert blocks.units(key) == blocks.units(plain)
