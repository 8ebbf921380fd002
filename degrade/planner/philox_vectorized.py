"""Many Philox blocks at once, in plain Python: one lane of a long integer for each block.

Python multiplies an integer of a hundred digits almost as fast as one of a single digit. So the
counters of all blocks that a plan needs stand side by side, 64 bits apart: a 32-bit word times
a 32-bit multiplier never leaves its lane, and ten rounds for all of them cost little more than
for one. The numbers are those of `degrade.random.philox4x32`, bit by bit.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from degrade.random import MULTIPLIERS, PARAMETERS, UNIT, WEYL, StreamKey

_WORD = 0xFFFFFFFF
_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class StreamBlocks:
    """The same blocks of the same slots, for any image and variant."""

    count: int  # how many blocks
    ones: int  # an integer with a 1 in every lane; times a word it is that word in every lane
    blocks: int  # counter words 0 and 1 (without the variant) of every lane
    slots: int

    @classmethod
    def of(
        cls, blocks_of_slots: Sequence[tuple[int, int]], purpose: int = PARAMETERS
    ) -> StreamBlocks:
        """Return the lanes of ``(slot, block)`` places, in their order."""
        return cls(
            len(blocks_of_slots),
            _packed([1] * len(blocks_of_slots)),
            _packed([block for _, block in blocks_of_slots]),
            _packed([(slot << 24) | (purpose << 16) for slot, _ in blocks_of_slots]),
        )

    def units(self, key: StreamKey) -> list[float]:
        """Return the two numbers in [0, 1) of each block, one block after the other.

        The numbers that `degrade.random.Stream.unit` returns: number ``2 * lane`` is the first
        of its block.
        """
        if not self.count:
            return []
        first, second = self._words(key)
        size, form = 8 * self.count, f"<{self.count}Q"
        whole = [0] * (2 * self.count)
        whole[::2] = struct.unpack(form, first.to_bytes(size, "little"))
        whole[1::2] = struct.unpack(form, second.to_bytes(size, "little"))
        return [number * UNIT for number in whole]

    def _words(self, key: StreamKey) -> tuple[int, int]:
        """Return the 53 bits of the first and of the second number of every lane."""
        ones, mask = self.ones, self.ones * _WORD
        multiplier_0, multiplier_1 = MULTIPLIERS
        k0, k1, variant, high, low = key.words(0, PARAMETERS)
        c0, c1, c2, c3 = self.blocks, self.slots | variant * ones, high * ones, low * ones
        for key_0, key_1 in _round_keys(k0, k1, ones):
            product_0 = multiplier_0 * c0
            product_1 = multiplier_1 * c2
            c0, c1, c2, c3 = (
                ((product_1 >> 32) & mask) ^ c1 ^ key_0,
                product_1 & mask,
                ((product_0 >> 32) & mask) ^ c3 ^ key_1,
                product_0 & mask,
            )
        upper, lower = ones * (_WORD >> 5), ones * (_WORD >> 6)
        return (
            (((c0 >> 5) & upper) << 26) | ((c1 >> 6) & lower),
            (((c2 >> 5) & upper) << 26) | ((c3 >> 6) & lower),
        )


def _packed(words: Sequence[int]) -> int:
    return int.from_bytes(struct.pack(f"<{len(words)}Q", *words), "little")


@functools.lru_cache(maxsize=64)
def _round_keys(k0: int, k1: int, ones: int) -> tuple[tuple[int, int], ...]:
    """Return the two key words of every round, in every lane."""
    return tuple(
        (((k0 + turn * WEYL[0]) & _WORD) * ones, ((k1 + turn * WEYL[1]) & _WORD) * ones)
        for turn in range(_ROUNDS)
    )
