"""Philox4x32-10 in blocks that the compiler turns into vector code.

The word for value i of an image's noise field is word j = (i % 1024) // 256 of block
b = 256 (i // 1024) + i % 256: four runs of 256 values, so that loads and stores are
contiguous. The layout is part of the format: changing it changes every dataset.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.kernels.compile import inline

__all__ = ["BLOCKS", "CHUNK", "fill_words"]

BLOCKS = 256
"""Blocks computed at a time."""
CHUNK = 4 * BLOCKS
"""Values computed at a time."""


@inline
def fill_words(stream: NDArray[np.uint32], first_block: int, words: NDArray[np.uint32]) -> None:
    """Fill ``words`` (4 * BLOCKS, uint32) from block ``first_block`` on.

    Parameters
    ----------
    stream
        uint32, 5: key 0, key 1, counter 1, counter 2, counter 3.
    first_block
        Counter 0 of the first block.
    words
        Filled: word j of block first_block + b stands at j * BLOCKS + b.
    """
    mask = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    multiplier_0, multiplier_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
    weyl_0, weyl_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
    key_0, key_1 = np.uint64(stream[0]), np.uint64(stream[1])
    counter_1, counter_2, counter_3 = (
        np.uint64(stream[2]),
        np.uint64(stream[3]),
        np.uint64(stream[4]),
    )
    first = np.uint64(first_block)
    for b in range(BLOCKS):
        c0 = (first + np.uint64(b)) & mask
        c1, c2, c3 = counter_1, counter_2, counter_3
        k0, k1 = key_0, key_1
        for _ in range(10):
            product_0 = multiplier_0 * c0
            product_1 = multiplier_1 * c2
            c0 = (product_1 >> half) ^ c1 ^ k0
            c1 = product_1 & mask
            c2 = (product_0 >> half) ^ c3 ^ k1
            c3 = product_0 & mask
            k0 = (k0 + weyl_0) & mask
            k1 = (k1 + weyl_1) & mask
        words[b] = np.uint32(c0)
        words[b + BLOCKS] = np.uint32(c1)
        words[b + 2 * BLOCKS] = np.uint32(c2)
        words[b + 3 * BLOCKS] = np.uint32(c3)
