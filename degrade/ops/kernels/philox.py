"""Philox4x32-10 words, and standard normals from them, in blocks that become vector code.

The word for value i of an image's noise field is word j = (i % 1024) // 256 of block
b = 256 (i // 1024) + i % 256: four runs of 256 values, so that loads and stores are
contiguous. The layout is part of the format: changing it changes every dataset.

Normals: G. E. P. Box and M. E. Muller, "A note on the generation of random normal deviates", Ann.
Math. Stat. 29 (1958): radius sqrt(−2 ln u) from one word, angle from the other. The logarithm, sine
and cosine are series of float32 + − × ÷, sqrt is IEEE-exact: the same bits on any machine. u is
(31 bits + ½) / 2**31, so |z| reaches 6.66; each z is within 2e-6 of the one that float64 arithmetic
gives, within 4e-4 where the radius is below 0.05 (tested).
"""

from __future__ import annotations

import numpy as np

from degrade.ops.kernels.arrays import Float32, UInt32
from degrade.ops.kernels.compile import inline

BLOCKS = 256
"""Blocks computed at a time."""
CHUNK = 4 * BLOCKS
"""Values computed at a time."""


@inline
def fill_words(stream: UInt32, first_block: int, words: UInt32) -> None:
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


_HALF = np.float32(0.5)
_ONE = np.float32(1.0)
_LN2 = np.float32(0.6931471805599453)
_SQRT_HALF_BITS = np.int32(0x3F3504F3)
_QUARTER_TURN = np.float32(1.5707963267948966 / 4294967296.0)
# ln m = s (2 + 2/3 s² + 2/5 s⁴ + …), s = (m − 1) / (m + 1), |s| < 0.172: remainder below 1e-9.
_L0, _L1, _L2 = np.float32(2.0), np.float32(2.0 / 3.0), np.float32(2.0 / 5.0)
_L3, _L4 = np.float32(2.0 / 7.0), np.float32(2.0 / 9.0)
# Taylor series of sine and cosine for |x| <= π/4: remainders below 2e-9 and 3e-8.
_S1, _S2 = np.float32(-1.0 / 6.0), np.float32(1.0 / 120.0)
_S3, _S4 = np.float32(-1.0 / 5040.0), np.float32(1.0 / 362880.0)
_C1, _C2 = np.float32(-1.0 / 2.0), np.float32(1.0 / 24.0)
_C3, _C4 = np.float32(-1.0 / 720.0), np.float32(1.0 / 40320.0)


@inline
def fill_normals(words: UInt32, scratch: Float32, normals: Float32) -> None:
    """Turn CHUNK words into CHUNK standard normals.

    Words 0 and 1 of a Philox block make its normals 0 and 1, words 2 and 3 its normals 2 and 3.

    Parameters
    ----------
    words
        uint32, CHUNK, as `degrade.ops.kernels.philox.fill_words` lays them out.
    scratch
        float32, at least BLOCKS.
    normals
        float32, CHUNK; receives the result.
    """
    for first in range(0, CHUNK, 2 * BLOCKS):
        cosines = normals[first : first + BLOCKS]
        sines = normals[first + BLOCKS : first + 2 * BLOCKS]
        _radii(words[first : first + BLOCKS], scratch, cosines)
        _turned(words[first + BLOCKS : first + 2 * BLOCKS], cosines, sines)


@inline
def _radii(words: UInt32, scratch: Float32, radii: Float32) -> None:
    """Set ``radii`` to sqrt(−2 ln u)."""
    bits = scratch.view(np.int32)
    for i in range(BLOCKS):
        scratch[i] = np.float32(np.int32(words[i] >> np.uint32(1))) + _HALF
    for i in range(BLOCKS):
        # Split into 2**exponent and a fraction in [sqrt ½, sqrt 2).
        exponent = np.int32(np.int32(bits[i] - _SQRT_HALF_BITS) >> np.int32(23))
        bits[i] = np.int32(bits[i] - np.int32(exponent << np.int32(23)))
        radii[i] = np.float32(np.int32(exponent - np.int32(31)))
    for i in range(BLOCKS):
        s = (scratch[i] - _ONE) / (scratch[i] + _ONE)
        q = s * s
        series = _L0 + q * (_L1 + q * (_L2 + q * (_L3 + q * _L4)))
        logarithm = radii[i] * _LN2 + s * series
        radii[i] = np.sqrt(np.float32(-2.0) * logarithm)


@inline
def _turned(words: UInt32, cosines: Float32, sines: Float32) -> None:
    """Turn the radii in ``cosines`` by the words' angles: radius × cosine, radius × sine.

    The top two bits choose the quarter, the rest the angle within −π/4 to π/4.
    """
    for i in range(BLOCKS):
        word = words[i]
        radius = -cosines[i] if np.int32(word) < np.int32(0) else cosines[i]
        x = np.float32(np.int32(word << np.uint32(2))) * _QUARTER_TURN
        q = x * x
        sine = x * (_ONE + q * (_S1 + q * (_S2 + q * (_S3 + q * _S4))))
        cosine = _ONE + q * (_C1 + q * (_C2 + q * (_C3 + q * _C4)))
        swapped = np.int32(word << np.uint32(1)) < np.int32(0)
        cosines[i] = radius * (sine if swapped else cosine)
        sines[i] = radius * (cosine if swapped else sine)
