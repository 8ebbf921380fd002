"""Poisson counts by the alias method, one table for each 8-bit level.

A. J. Walker, "An efficient method for generating discrete random variables with general
distributions", ACM TOMS 3 (1977); built in linear time as by M. D. Vose (1991). A word picks
a column and keeps or swaps its outcome, so a draw costs one multiplication and one compare,
and the law is exact to 2**-32 for each column.
"""

from __future__ import annotations

import numpy as np

from degrade.ops.kernels.arrays import Float32, Float64, Int64, Planes, StreamWords, UInt32, UInt64
from degrade.ops.kernels.compile import inline, kernel
from degrade.ops.kernels.memory import PLANES
from degrade.ops.kernels.philox import BLOCKS, CHUNK, fill_words
from degrade.ops.kernels.planes import rounded

_NEGLIGIBLE = 1e-11
"""Counts less likely than this share of the most likely one are left out."""


@inline
def _law(mean: float, weights: Float64) -> tuple[int, int]:
    """Fill the middle of ``weights`` with the law of a mean; return its smallest count and size.

    The most likely count stands at ``weights.size // 2``, its neighbours follow outwards by
    p(k + 1) / p(k) = mean / (k + 1): no exponential is needed. The law is normalised and then
    moved to the front.
    """
    middle, mode = weights.size // 2, int(mean)
    last = mode
    weights[middle] = 1.0
    while weights[middle + last - mode] > _NEGLIGIBLE:
        last += 1
        weights[middle + last - mode] = weights[middle + last - mode - 1] * (mean / last)
    first = mode
    while first > 0 and weights[middle + first - mode] > _NEGLIGIBLE:
        weights[middle + first - mode - 1] = weights[middle + first - mode] * (first / mean)
        first -= 1
    size, begin = last - first + 1, middle + first - mode
    total = 0.0
    for i in range(size):
        total += weights[begin + i]
    share = 1.0 / total
    for i in range(size):
        weights[i] = weights[begin + i] * share
    return first, size


@inline
def _fill_alias(weights: Float64, shares: Float64, aliases: Int64, waiting: Int64) -> None:
    """Vose's construction: ``shares[i]`` stays in column i, the rest is ``aliases[i]``.

    ``waiting`` holds both stacks, small columns from its front and large ones from its back.
    ``weights`` is used up.
    """
    size = weights.size
    smalls, larges = 0, 0
    for i in range(size):
        weights[i] *= size
        shares[i] = 1.0
        aliases[i] = i
        if weights[i] < 1.0:
            waiting[smalls] = i
            smalls += 1
        else:
            larges += 1
            waiting[size - larges] = i
    while smalls > 0 and larges > 0:
        smalls -= 1
        low, high = waiting[smalls], waiting[size - larges]
        shares[low] = weights[low]
        aliases[low] = high
        weights[high] = (weights[high] + weights[low]) - 1.0
        if weights[high] < 1.0:
            larges -= 1
            waiting[smalls] = high
            smalls += 1


@kernel
def poisson_tables(photons: float) -> tuple[UInt64, UInt64]:
    """Return the alias tables of the 256 laws Poisson(level / 255 * photons).

    Parameters
    ----------
    photons
        Mean count at level 255, above 0 and at most 100 000.

    Returns
    -------
    laws
        uint64 (256), one word a level: bits 40-63 its first column, bits 24-39 its number of
        columns, bits 0-23 its smallest count.
    columns
        uint64, one word a column: bits 32-63 the threshold below which the column's own
        outcome is kept, bits 0-15 that outcome, bits 16-31 the other; outcomes count from
        the law's smallest.
    """
    # Room for 1e-11 on either side: below 7.2 standard deviations and 12 counts.
    room = 2 * (int(8.0 * np.sqrt(photons)) + 24)
    weights_of = np.empty(room, np.float64)
    shares_of = np.empty(room, np.float64)
    aliases_of = np.empty(room, np.int64)
    waiting = np.empty(room, np.int64)
    laws = np.zeros(256, np.uint64)
    most = 1
    for level in range(1, 256):
        most += 2 * (int(8.0 * np.sqrt(level * photons / 255.0)) + 24)
    columns = np.zeros(most, np.uint64)
    columns[0] = np.uint64(0xFFFFFFFF) << np.uint64(32)
    laws[0] = np.uint64(1) << np.uint64(24)
    start = 1
    for level in range(1, 256):
        first, size = _law(level * photons / 255.0, weights_of)
        law = (np.uint64(start) << np.uint64(40)) | (np.uint64(size) << np.uint64(24))
        laws[level] = law | np.uint64(first)
        shares, aliases = shares_of[:size], aliases_of[:size]
        _fill_alias(weights_of[:size], shares, aliases, waiting[:size])
        for i in range(size):
            threshold = np.uint64(min(shares[i] * 4294967296.0, 4294967295.0))
            both = (np.uint64(aliases[i]) << np.uint64(16)) | np.uint64(i)
            columns[start + i] = (threshold << np.uint64(32)) | both
        start += size
    return laws, columns[:start]


def shot_noise(planes: Planes, stream: StreamWords, *, photons: float) -> Planes:
    """Return Poisson(level / 255 * photons) * 255 / photons for each level, clipped to 255.

    Levels are rounded to 8 bits first. Variance at level v: v * 255 / photons.
    """
    laws, columns = poisson_tables(float(photons))
    result = PLANES.take(planes.shape)
    return shot_noise_kernel(planes, stream, laws, columns, 255.0 / photons, result)


@kernel
def shot_noise_kernel(
    planes: Float32,
    stream: UInt32,
    laws: UInt64,
    columns: UInt64,
    scale: float,
    result: Float32 | None = None,
) -> Float32:
    """Return ``count * scale``, clipped to 255, of a Poisson count for every value.

    ``laws`` and ``columns`` are `degrade.ops.noise.poisson.poisson_tables`. The input is rounded
    to 8-bit levels first: there is one law for each.
    """
    out = np.empty_like(planes) if result is None else result
    source, target = planes.reshape(-1), out.reshape(-1)
    words = np.empty(CHUNK, np.uint32)
    levels = np.empty(CHUNK, np.uint32)
    drawn_from = np.empty(CHUNK, np.uint64)
    columns_drawn = np.empty(CHUNK, np.uint64)
    rests = np.empty(CHUNK, np.uint64)
    entries = np.empty(CHUNK, np.uint64)
    half, low, short = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(0xFFFF)
    sixteen, twenty_four, forty = np.uint64(16), np.uint64(24), np.uint64(40)
    smallest, factor = np.uint64(0xFFFFFF), np.float32(scale)
    size = source.size
    for chunk in range((size + CHUNK - 1) // CHUNK):
        fill_words(stream, chunk * BLOCKS, words)
        start = chunk * CHUNK
        many = min(CHUNK, size - start)
        # Look-ups stand in loops of their own, so that the rest becomes vector code; unsigned
        # indices, because Numba checks signed ones for being negative.
        for i in range(many):
            value = min(max(source[start + i], np.float32(0.0)), np.float32(255.0))
            levels[i] = np.uint32(np.int32(rounded(value)))
        for i in range(many):
            drawn_from[i] = laws[levels[i]]
        for i in range(many):
            law = drawn_from[i]
            product = np.uint64(words[i]) * ((law >> twenty_four) & short)
            columns_drawn[i] = (law >> forty) + (product >> half)
            rests[i] = product & low
        for i in range(many):
            entries[i] = columns[columns_drawn[i]]
        for i in range(many):
            entry = entries[i]
            other = np.uint64(rests[i] >= (entry >> half))
            chosen = (entry >> (sixteen * other)) & short
            count = np.int32((drawn_from[i] & smallest) + chosen)
            target[start + i] = min(np.float32(count) * factor, np.float32(255.0))
    return out
