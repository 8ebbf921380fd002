"""Poisson counts by the alias method, one table for each 8-bit level.

A. J. Walker, "An efficient method for generating discrete random variables with general
distributions", ACM TOMS 3 (1977); built in linear time as by M. D. Vose (1991). A word picks
a column and keeps or swaps its outcome, so a draw costs one multiplication and one compare,
and the law is exact to 2**-32 for each column.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.kernels.compile import inline, kernel

__all__ = ["poisson_tables"]

_NEGLIGIBLE = 1e-11
"""Counts less likely than this share of the most likely one are left out."""


@inline
def _support(mean: float) -> tuple[int, int]:
    """Return the first and last count that is not negligible."""
    mode = int(mean)
    weight = 1.0
    last = mode
    while weight > _NEGLIGIBLE:
        last += 1
        weight *= mean / last
    weight = 1.0
    first = mode
    while first > 0 and weight > _NEGLIGIBLE:
        weight *= first / mean
        first -= 1
    return first, last


@inline
def _probabilities(mean: float, first: int, weights: NDArray[np.float64]) -> None:
    """Fill ``weights`` with the normalised law of the counts from ``first`` on.

    p(k + 1) / p(k) = mean / (k + 1), outwards from the mode: no exponential is needed.
    """
    mode = int(mean)
    size = weights.size
    weights[mode - first] = 1.0
    for i in range(mode - first + 1, size):
        weights[i] = weights[i - 1] * (mean / (first + i))
    for i in range(mode - first - 1, -1, -1):
        weights[i] = weights[i + 1] * ((first + i + 1) / mean)
    total = 0.0
    for i in range(size):
        total += weights[i]
    share = 1.0 / total
    for i in range(size):
        weights[i] *= share


@inline
def _fill_alias(
    weights: NDArray[np.float64],
    shares: NDArray[np.float64],
    aliases: NDArray[np.int64],
    waiting: NDArray[np.int64],
) -> None:
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
def poisson_tables(photons: float) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
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
    starts = np.zeros(257, np.int64)
    firsts = np.zeros(256, np.int64)
    starts[1] = 1
    for level in range(1, 256):
        first, last = _support(level * photons / 255.0)
        firsts[level] = first
        starts[level + 1] = starts[level] + (last - first + 1)
    laws = np.zeros(256, np.uint64)
    columns = np.zeros(starts[256], np.uint64)
    columns[0] = np.uint64(0xFFFFFFFF) << np.uint64(32)
    laws[0] = np.uint64(1) << np.uint64(24)
    largest = starts[256] - starts[255]
    weights_of = np.empty(largest, np.float64)
    shares_of = np.empty(largest, np.float64)
    aliases_of = np.empty(largest, np.int64)
    waiting = np.empty(largest, np.int64)
    for level in range(1, 256):
        start, size = starts[level], starts[level + 1] - starts[level]
        law = (np.uint64(start) << np.uint64(40)) | (np.uint64(size) << np.uint64(24))
        laws[level] = law | np.uint64(firsts[level])
        weights, shares, aliases = weights_of[:size], shares_of[:size], aliases_of[:size]
        _probabilities(level * photons / 255.0, firsts[level], weights)
        _fill_alias(weights, shares, aliases, waiting[:size])
        for i in range(size):
            threshold = np.uint64(min(shares[i] * 4294967296.0, 4294967295.0))
            both = (np.uint64(aliases[i]) << np.uint64(16)) | np.uint64(i)
            columns[start + i] = (threshold << np.uint64(32)) | both
    return laws, columns
