"""Poisson counts with one mean for each 8-bit level, by inverting their distributions.

Unlike the tables of `degrade.ops.noise.poisson` the counts come unscaled and unclipped and the
256 means are free. A word w gives the smallest count whose cumulative probability is above
w / 2**32; a guide of 256 entries for each level (H.-C. Chen and Y. Asau, "On generating
random variates from an empirical distribution", AIIE Transactions 6, 1974) starts the search.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.kernels.compile import inline, kernel
from degrade.ops.kernels.philox import BLOCKS, CHUNK, fill_words
from degrade.ops.kernels.planes import rounded

__all__ = ["count_tables", "counts_of_levels"]

_NEGLIGIBLE = 1e-13
"""Counts less likely than this share of the most likely one are left out."""


@inline
def _support(mean: float) -> tuple[int, int]:
    """Return the first and last count that is not negligible."""
    mode = int(mean)
    last, weight = mode, 1.0
    while weight > _NEGLIGIBLE:
        last += 1
        weight *= mean / last
    first, weight = mode, 1.0
    while first > 0 and weight > _NEGLIGIBLE:
        weight *= first / mean
        first -= 1
    return first, last


@inline
def _fill_cumulative(mean: float, first: int, cumulative: NDArray[np.uint32]) -> None:
    """Fill with P(count <= first + i) * 2**32, the last one with the largest word."""
    size = cumulative.size
    weights = np.empty(size, np.float64)
    mode = int(mean) - first
    weights[mode] = 1.0
    for i in range(mode + 1, size):
        weights[i] = weights[i - 1] * (mean / (first + i))
    for i in range(mode - 1, -1, -1):
        weights[i] = weights[i + 1] * ((first + i + 1) / mean)
    total = 0.0
    for i in range(size):
        total += weights[i]
    below = 0.0
    for i in range(size):
        below += weights[i]
        cumulative[i] = np.uint32(min(below / total * 4294967296.0, 4294967295.0))
    cumulative[size - 1] = np.uint32(0xFFFFFFFF)


@kernel
def count_tables(
    means: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint32], NDArray[np.int32]]:
    """Return the tables of 256 Poisson laws.

    Parameters
    ----------
    means
        float64 (256): mean count at each level, 0 or more.

    Returns
    -------
    offsets
        int64 (257): where each level's entries begin.
    firsts
        int64 (256): the count of each level's first entry.
    cumulative
        uint32 (entries): cumulative probability times 2**32.
    guide
        int32 (256, 256): for each level and high byte of a word, the entry to begin at.
    """
    offsets = np.zeros(257, np.int64)
    firsts = np.zeros(256, np.int64)
    for level in range(256):
        firsts[level], last = _support(means[level]) if means[level] > 0.0 else (0, 0)
        offsets[level + 1] = offsets[level] + (last - firsts[level] + 1)
    cumulative = np.empty(offsets[256], np.uint32)
    guide = np.zeros((256, 256), np.int32)
    for level in range(256):
        entries = cumulative[offsets[level] : offsets[level + 1]]
        if means[level] > 0.0:
            _fill_cumulative(means[level], firsts[level], entries)
        else:
            entries[0] = np.uint32(0xFFFFFFFF)
        place = 0
        for high in range(256):
            while place < entries.size - 1 and entries[place] <= np.uint32(high << 24):
                place += 1
            guide[level, high] = place
    return offsets, firsts, cumulative, guide


@kernel
def counts_of_levels(
    levels: NDArray[np.float32],
    stream: NDArray[np.uint32],
    first_chunk: int,
    offsets: NDArray[np.int64],
    firsts: NDArray[np.int64],
    cumulative: NDArray[np.uint32],
    guide: NDArray[np.int32],
    counts: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return a Poisson count for every level, float32 of the same size.

    Parameters
    ----------
    levels
        float32, flat; rounded to 8 bits here.
    stream
        uint32 (5), see `degrade.ops.kernels.philox.fill_words`.
    first_chunk
        Chunk of 1024 values of the stream that the first value stands in.
    offsets, firsts, cumulative, guide
        From `count_tables`.
    counts
        float32, flat, to write into.
    """
    words = np.empty(CHUNK, np.uint32)
    for chunk in range((levels.size + CHUNK - 1) // CHUNK):
        fill_words(stream, (first_chunk + chunk) * BLOCKS, words)
        start = chunk * CHUNK
        for i in range(min(CHUNK, levels.size - start)):
            value = min(max(levels[start + i], np.float32(0.0)), np.float32(255.0))
            level = np.int64(rounded(value))
            begin, end = offsets[level], offsets[level + 1] - 1
            place = begin + np.int64(guide[level, np.int64(words[i] >> np.uint32(24))])
            while place < end and cumulative[place] <= words[i]:
                place += 1
            counts[start + i] = np.float32(firsts[level] + (place - begin))
    return counts
