"""The 8 × 8 cosine transform of JPEG, there and back through quantisation, in integers.

The accurate integer method of C. Loeffler, A. Ligtenberg and G. Moschytz ("Practical fast 1-D
DCT algorithms with 11 multiplications", ICASSP 1989) with the 13-bit constants and roundings of
the Independent JPEG Group's ``jfdctint.c`` and ``jidctint.c``, so that every result equals
libjpeg's. LANES blocks are worked on side by side: entry LANES * k + b of the workspace is
coefficient k of block b, a fixed distance apart, so the compiler turns loops over b into vector
code.
"""

from __future__ import annotations

import numpy as np

from degrade.ops.kernels.arrays import Float32, Int32, UInt8
from degrade.ops.kernels.compile import inline

BLOCKS_AT_ONCE = 16
"""Blocks worked on at a time; rows of samples are whole multiples of 8 * LANES.

With fewer, LLVM unrolls the loops before it can vectorise them (6 times slower, measured)."""

# round(x * 2**13) for the constants of the method.
_0_298 = np.int32(2446)
_0_390 = np.int32(3196)
_0_541 = np.int32(4433)
_0_765 = np.int32(6270)
_0_899 = np.int32(7373)
_1_175 = np.int32(9633)
_1_501 = np.int32(12299)
_1_847 = np.int32(15137)
_1_961 = np.int32(16069)
_2_053 = np.int32(16819)
_2_562 = np.int32(20995)
_3_072 = np.int32(25172)


@inline
def _descaled(value: np.int32, bits: int) -> np.int32:
    return np.int32((value + np.int32(1 << (bits - 1))) >> np.int32(bits))


@inline
def _odd(
    a: np.int32, b: np.int32, c: np.int32, d: np.int32
) -> tuple[np.int32, np.int32, np.int32, np.int32]:
    """Return the odd half shared by both directions, scaled by 2**13."""
    z1, z2, z3, z4 = np.int32(a + d), np.int32(b + c), np.int32(a + c), np.int32(b + d)
    z5 = np.int32((z3 + z4) * _1_175)
    z1 = np.int32(-z1 * _0_899)
    z2 = np.int32(-z2 * _2_562)
    z3 = np.int32(z5 - z3 * _1_961)
    z4 = np.int32(z5 - z4 * _0_390)
    return (
        np.int32(a * _0_298 + z1 + z3),
        np.int32(b * _2_053 + z2 + z4),
        np.int32(c * _3_072 + z2 + z3),
        np.int32(d * _1_501 + z1 + z4),
    )


@inline
def _centred(level: np.uint8) -> np.int32:
    return np.int32(np.int32(level) - np.int32(128))


@inline
def _forward(
    x0: np.int32,
    x1: np.int32,
    x2: np.int32,
    x3: np.int32,
    x4: np.int32,
    x5: np.int32,
    x6: np.int32,
    x7: np.int32,
) -> tuple[np.int32, np.int32, np.int32, np.int32, np.int32, np.int32, np.int32, np.int32]:
    """Return the eight sums of one pass: outputs 0 and 4 unscaled, the others times 2**13."""
    s0, s1 = np.int32(x0 + x7), np.int32(x1 + x6)
    s2, s3 = np.int32(x2 + x5), np.int32(x3 + x4)
    e0, e3 = np.int32(s0 + s3), np.int32(s0 - s3)
    e1, e2 = np.int32(s1 + s2), np.int32(s1 - s2)
    z = np.int32((e2 + e3) * _0_541)
    o7, o5, o3, o1 = _odd(
        np.int32(x3 - x4), np.int32(x2 - x5), np.int32(x1 - x6), np.int32(x0 - x7)
    )
    return (
        np.int32(e0 + e1), o1, np.int32(z + e3 * _0_765), o3,
        np.int32(e0 - e1), o5, np.int32(z - e2 * _1_847), o7,
    )  # fmt: skip


@inline
def _inverse(
    c0: np.int32,
    c1: np.int32,
    c2: np.int32,
    c3: np.int32,
    c4: np.int32,
    c5: np.int32,
    c6: np.int32,
    c7: np.int32,
) -> tuple[np.int32, np.int32, np.int32, np.int32, np.int32, np.int32, np.int32, np.int32]:
    """Return the eight outputs of one inverse pass, times 2**13."""
    z = np.int32((c2 + c6) * _0_541)
    t2, t3 = np.int32(z - c6 * _1_847), np.int32(z + c2 * _0_765)
    t0, t1 = np.int32(c0 + c4) << np.int32(13), np.int32(c0 - c4) << np.int32(13)
    e0, e3 = np.int32(t0 + t3), np.int32(t0 - t3)
    e1, e2 = np.int32(t1 + t2), np.int32(t1 - t2)
    o0, o1, o2, o3 = _odd(c7, c5, c3, c1)
    return (
        np.int32(e0 + o3), np.int32(e1 + o2), np.int32(e2 + o1), np.int32(e3 + o0),
        np.int32(e3 - o0), np.int32(e2 - o1), np.int32(e1 - o2), np.int32(e0 - o3),
    )  # fmt: skip


@inline
def _forward_rows(samples: UInt8, first: int, work: Int32) -> None:
    """First pass of the forward transform: along rows, results scaled by 4."""
    for r in range(8):
        line = samples[r, first : first + 8 * BLOCKS_AT_ONCE]
        at = 8 * BLOCKS_AT_ONCE * r
        for b in range(BLOCKS_AT_ONCE):
            y0, y1, y2, y3, y4, y5, y6, y7 = _forward(
                _centred(line[8 * b]), _centred(line[8 * b + 1]),
                _centred(line[8 * b + 2]), _centred(line[8 * b + 3]),
                _centred(line[8 * b + 4]), _centred(line[8 * b + 5]),
                _centred(line[8 * b + 6]), _centred(line[8 * b + 7]),
            )  # fmt: skip
            work[at + b] = y0 << np.int32(2)
            work[at + BLOCKS_AT_ONCE + b] = _descaled(y1, 11)
            work[at + 2 * BLOCKS_AT_ONCE + b] = _descaled(y2, 11)
            work[at + 3 * BLOCKS_AT_ONCE + b] = _descaled(y3, 11)
            work[at + 4 * BLOCKS_AT_ONCE + b] = y4 << np.int32(2)
            work[at + 5 * BLOCKS_AT_ONCE + b] = _descaled(y5, 11)
            work[at + 6 * BLOCKS_AT_ONCE + b] = _descaled(y6, 11)
            work[at + 7 * BLOCKS_AT_ONCE + b] = _descaled(y7, 11)


@inline
def _quantised(value: np.int32, step: np.int32, inverse: np.float32) -> np.int32:
    """Return value / (8 step) to the nearest integer, halves away from zero, times step.

    floor((n + 1/2) / q) through a float32 reciprocal is exact for n < 2**18 and q < 2**11.
    """
    size = np.int32(abs(value)) + np.int32(step << np.int32(2))
    level = np.int32((np.float32(size) + np.float32(0.5)) * inverse)
    back = np.int32(level * step)
    return np.int32(-back) if value < 0 else back


@inline
def _columns(work: Int32, steps: Int32, inverses: Float32) -> None:
    """Forward along columns, quantise, dequantise, and back along columns (scaled by 4)."""
    row = 8 * BLOCKS_AT_ONCE
    for u in range(8):
        at = BLOCKS_AT_ONCE * u
        for b in range(BLOCKS_AT_ONCE):
            y0, y1, y2, y3, y4, y5, y6, y7 = _forward(
                work[at + b], work[at + row + b],
                work[at + 2 * row + b], work[at + 3 * row + b],
                work[at + 4 * row + b], work[at + 5 * row + b],
                work[at + 6 * row + b], work[at + 7 * row + b],
            )  # fmt: skip
            x0, x1, x2, x3, x4, x5, x6, x7 = _inverse(
                _quantised(_descaled(y0, 2), steps[u], inverses[u]),
                _quantised(_descaled(y1, 15), steps[8 + u], inverses[8 + u]),
                _quantised(_descaled(y2, 15), steps[16 + u], inverses[16 + u]),
                _quantised(_descaled(y3, 15), steps[24 + u], inverses[24 + u]),
                _quantised(_descaled(y4, 2), steps[32 + u], inverses[32 + u]),
                _quantised(_descaled(y5, 15), steps[40 + u], inverses[40 + u]),
                _quantised(_descaled(y6, 15), steps[48 + u], inverses[48 + u]),
                _quantised(_descaled(y7, 15), steps[56 + u], inverses[56 + u]),
            )
            work[at + b] = _descaled(x0, 11)
            work[at + row + b] = _descaled(x1, 11)
            work[at + 2 * row + b] = _descaled(x2, 11)
            work[at + 3 * row + b] = _descaled(x3, 11)
            work[at + 4 * row + b] = _descaled(x4, 11)
            work[at + 5 * row + b] = _descaled(x5, 11)
            work[at + 6 * row + b] = _descaled(x6, 11)
            work[at + 7 * row + b] = _descaled(x7, 11)


@inline
def _sample(value: np.int32) -> np.uint8:
    level = np.int32(_descaled(value, 18) + np.int32(128))
    return np.uint8(min(max(level, np.int32(0)), np.int32(255)))


@inline
def _inverse_rows(work: Int32, samples: UInt8, first: int) -> None:
    """Last pass of the inverse transform: along rows, to samples 0-255."""
    for r in range(8):
        line = samples[r, first : first + 8 * BLOCKS_AT_ONCE]
        at = 8 * BLOCKS_AT_ONCE * r
        for b in range(BLOCKS_AT_ONCE):
            x0, x1, x2, x3, x4, x5, x6, x7 = _inverse(
                work[at + b], work[at + BLOCKS_AT_ONCE + b],
                work[at + 2 * BLOCKS_AT_ONCE + b], work[at + 3 * BLOCKS_AT_ONCE + b],
                work[at + 4 * BLOCKS_AT_ONCE + b], work[at + 5 * BLOCKS_AT_ONCE + b],
                work[at + 6 * BLOCKS_AT_ONCE + b], work[at + 7 * BLOCKS_AT_ONCE + b],
            )  # fmt: skip
            line[8 * b] = _sample(x0)
            line[8 * b + 1] = _sample(x1)
            line[8 * b + 2] = _sample(x2)
            line[8 * b + 3] = _sample(x3)
            line[8 * b + 4] = _sample(x4)
            line[8 * b + 5] = _sample(x5)
            line[8 * b + 6] = _sample(x6)
            line[8 * b + 7] = _sample(x7)


@inline
def transform_block_row(samples: UInt8, steps: Int32, inverses: Float32, work: Int32) -> None:
    """Replace 8 rows of samples by what JPEG makes of them.

    Parameters
    ----------
    samples
        uint8 (8, a multiple of 8 * LANES), changed in place.
    steps
        int32 (64), the quantisation table in row order.
    inverses
        float32 (64), 1 / (8 * step).
    work
        int32 (64 * LANES), scratch.
    """
    for first in range(0, samples.shape[1], 8 * BLOCKS_AT_ONCE):
        _forward_rows(samples, first, work)
        _columns(work, steps, inverses)
        _inverse_rows(work, samples, first)
