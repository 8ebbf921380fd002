"""Standard normals from 32-bit words through one interpolated table of the inverse CDF.

A word w chooses a sign and a distance m from the nearer end of [0, 2**32). The table is
indexed by the exponent and the first 6 fraction bits of the float32 m + ½, so its nodes
crowd towards the tails: the smallest probability is 2**-33, |z| reaches 6.34, and linear
interpolation is within 4e-5 of the true quantile everywhere (tested against SciPy).
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from degrade.kernels.compile import inline
from degrade.kernels.philox import CHUNK
from degrade.portable_math import log

__all__ = ["fill_normals", "inverse_normal_cdf", "normal_table"]

# M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution",
# Applied Statistics 37 (1988) 477-484, PPND16: highest power first, numerator, denominator.
_CENTRE = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_MIDDLE = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177,
     1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055,
     4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966,
     0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494,
     2.05319162663775882187, 1.0),
)  # fmt: skip
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
     0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358,
     5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
     7.868691311456132591e-4, 0.0148753612908506148525, 0.1369298809227358053,
     0.59983220655588793769, 1.0),
)  # fmt: skip

_FIRST = 126 << 6
"""Table index of m + ½ = ½, the smallest there is."""
_ENTRIES = (158 << 6) - _FIRST + 1
"""Up to m + ½ = 2**31, where z = 0."""


def _ratio(polynomials: tuple[tuple[float, ...], tuple[float, ...]], r: float) -> float:
    numerator = denominator = 0.0
    for upper, lower in zip(*polynomials, strict=True):
        numerator = numerator * r + upper
        denominator = denominator * r + lower
    return numerator / denominator


def inverse_normal_cdf(p: float) -> float:
    """Return the standard normal quantile of 0 < p <= ½; float64, relative error below 1e-15."""
    q = p - 0.5
    if -q <= 0.425:
        return q * _ratio(_CENTRE, 0.180625 - q * q)
    r = math.sqrt(-log(p))
    return -(_ratio(_MIDDLE, r - 1.6) if r <= 5.0 else _ratio(_TAIL, r - 5.0))


@cache
def normal_table() -> NDArray[np.float32]:
    """Return the table: float32, (2, entries): value at each node, slope to the next."""
    nodes = np.arange(_FIRST, _FIRST + _ENTRIES, dtype=np.int32) << 17
    places = nodes.view(np.float32).astype(np.float64)
    quantiles = np.array([inverse_normal_cdf(float(place) / 4294967296.0) for place in places])
    table = np.zeros((2, _ENTRIES), np.float32)
    table[0] = quantiles
    table[1, :-1] = np.diff(quantiles) / 131072.0
    table.setflags(write=False)
    return table


@inline
def fill_normals(
    words: NDArray[np.uint32],
    table: NDArray[np.float32],
    scratch: NDArray[np.float32],
    normals: NDArray[np.float32],
) -> None:
    """Turn CHUNK words into CHUNK standard normals.

    Parameters
    ----------
    words
        uint32, CHUNK.
    table
        From `normal_table`.
    scratch, normals
        float32, CHUNK; ``normals`` receives the result.
    """
    for i in range(CHUNK):
        word = np.int32(words[i])
        nearer = word ^ (word >> np.int32(31))
        scratch[i] = np.float32(nearer) + np.float32(0.5)
    bits = scratch.view(np.int32)
    for i in range(CHUNK):
        index = (bits[i] >> 17) - _FIRST
        fraction = np.float32(bits[i] & 0x1FFFF)
        value = table[0, index] + table[1, index] * fraction
        normals[i] = -value if np.int32(words[i]) < 0 else value
