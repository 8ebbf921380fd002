"""Correlation of planes with separable terms and with lists of taps; borders are mirrored.

Rows are worked on four at a time, so that a source row that is loaded serves four results and
what lies between the two passes stays in the first cache. Sums are taken in a fixed order: the
vector width of a machine changes no bit.
"""

from __future__ import annotations

import numpy as np

from degrade.ops.kernels.arrays import Float32, Int64
from degrade.ops.kernels.compile import inline, kernel
from degrade.ops.kernels.planes import reflected

ROWS = 4
"""Result rows worked on together."""
_GROUP = 8
"""Taps added before a sum goes back to memory."""


@inline
def mirror_table(size: int, radius: int) -> Int64:
    """Return where the ``radius`` values before and after a row of ``size`` come from."""
    table = np.empty(2 * radius, np.int64)
    for i in range(radius):
        table[i] = reflected(i - radius, size)
        table[radius + i] = reflected(size + i, size)
    return table


@inline
def mirror_ends(padded: Float32, mirror: Int64) -> None:
    """Fill both ends of a row whose middle is there."""
    radius = mirror.size // 2
    width = padded.size - 2 * radius
    for i in range(radius):
        padded[i] = padded[radius + mirror[i]]
        padded[radius + width + i] = padded[radius + mirror[radius + i]]


@inline
def pad_row(row: Float32, mirror: Int64, padded: Float32) -> None:
    """Copy a row into the middle of ``padded`` and mirror it at either end."""
    radius, width = mirror.size // 2, row.size
    for x in range(width):
        padded[radius + x] = row[x]
    mirror_ends(padded, mirror)


def scratch_size(height: int, width: int, down: int, across: int) -> int:
    """Return how many values a correlation that reaches that far needs to work in."""
    return (height + 2 * down + ROWS) * (width + 2 * across + 1)


@inline
def fresh_sheet(scratch: Float32 | None, rows: int, stride: int) -> Float32:
    """Return (rows, stride) of the scratch memory, or of fresh memory."""
    sheet = np.empty(rows * stride, np.float32) if scratch is None else scratch[: rows * stride]
    return sheet.reshape(rows, stride)


@inline
def copy_rows(total: Float32, stride: int, top: int, plane: Float32) -> None:
    """Copy what fits of the four rows in ``total`` to the plane, from row ``top`` on."""
    height, width = plane.shape
    for y in range(top, min(top + ROWS, height)):
        source, target = total[(y - top) * stride :], plane[y]
        for x in range(width):
            target[x] = source[x]


@inline
def clear(values: Float32) -> None:
    """Set every value to 0."""
    for x in range(values.size):
        values[x] = np.float32(0.0)


@inline
def add_taps(total: Float32, source: Float32, starts: Int64, weights: Float32) -> None:
    """Add ``Σ weights[t] * source[starts[t] + x]`` to ``total[x]``, eight taps at a time."""
    taps = weights.size
    t = 0
    while t + _GROUP <= taps:
        w0, w1, w2, w3 = weights[t], weights[t + 1], weights[t + 2], weights[t + 3]
        w4, w5, w6, w7 = weights[t + 4], weights[t + 5], weights[t + 6], weights[t + 7]
        a, b = source[starts[t] :], source[starts[t + 1] :]
        c, d = source[starts[t + 2] :], source[starts[t + 3] :]
        e, f = source[starts[t + 4] :], source[starts[t + 5] :]
        g, h = source[starts[t + 6] :], source[starts[t + 7] :]
        for x in range(total.size):
            first = (a[x] * w0 + b[x] * w1) + (c[x] * w2 + d[x] * w3)
            second = (e[x] * w4 + f[x] * w5) + (g[x] * w6 + h[x] * w7)
            total[x] = total[x] + (first + second)
        t += _GROUP
    while t + 2 <= taps:
        w0, w1 = weights[t], weights[t + 1]
        a, b = source[starts[t] :], source[starts[t + 1] :]
        for x in range(total.size):
            total[x] = total[x] + (a[x] * w0 + b[x] * w1)
        t += 2
    if t < taps:
        w0 = weights[t]
        a = source[starts[t] :]
        for x in range(total.size):
            total[x] = total[x] + a[x] * w0


@inline
def _four_rows_down(
    source: Float32, top: int, weights: Float32, taps: int, block: Float32, across: int
) -> None:
    """Set the middles of four rows to the vertical correlation at rows ``top`` to ``top + 3``.

    Parameters
    ----------
    source
        (H, W): one plane.
    weights
        The taps with three zeros before and at least seven after.
    taps
        Their number without the zeros.
    block
        (4, W + 2 * across).
    """
    height, width = source.shape
    down = taps // 2
    r0, r1 = block[0, across : across + width], block[1, across : across + width]
    r2, r3 = block[2, across : across + width], block[3, across : across + width]
    clear(r0)
    clear(r1)
    clear(r2)
    clear(r3)
    for t in range(0, taps + ROWS - 1, ROWS):
        a = source[reflected(top + t - down, height)]
        b = source[reflected(top + t + 1 - down, height)]
        c = source[reflected(top + t + 2 - down, height)]
        d = source[reflected(top + t + 3 - down, height)]
        w0, w1, w2, w3 = weights[t], weights[t + 1], weights[t + 2], weights[t + 3]
        w4, w5, w6 = weights[t + 4], weights[t + 5], weights[t + 6]
        for x in range(width):
            p, q, r, s = a[x], b[x], c[x], d[x]
            r0[x] = r0[x] + ((p * w3 + q * w4) + (r * w5 + s * w6))
            r1[x] = r1[x] + ((p * w2 + q * w3) + (r * w4 + s * w5))
            r2[x] = r2[x] + ((p * w1 + q * w2) + (r * w3 + s * w4))
            r3[x] = r3[x] + ((p * w0 + q * w1) + (r * w2 + s * w3))


@kernel
def correlate_terms(
    planes: Float32, columns: Float32, rows: Float32, result: Float32 | None = None
) -> Float32:
    """Return the planes correlated with ``Σ outer(columns[k], rows[k])``.

    Parameters
    ----------
    columns, rows
        float32 (terms, odd length), centred: the vertical and the horizontal factors.
    """
    out = np.empty_like(planes) if result is None else result
    channels, height, width = planes.shape
    terms, tall = columns.shape
    across = rows.shape[1] // 2
    stride = width + 2 * across
    mirror = mirror_table(width, across)
    flat = np.zeros(ROWS * stride + 2 * across, np.float32)
    block = flat[: ROWS * stride].reshape(ROWS, stride)
    total = np.empty(ROWS * stride, np.float32)
    shifts = np.arange(rows.shape[1]).astype(np.int64)
    weights = np.zeros((terms, tall + 3 + 7), np.float32)
    weights[:, 3 : 3 + tall] = columns
    for c in range(channels):
        for top in range(0, height, ROWS):
            clear(total)
            for k in range(terms):
                _four_rows_down(planes[c], top, weights[k], tall, block, across)
                for row in range(ROWS):
                    mirror_ends(block[row], mirror)
                add_taps(total, flat, shifts, rows[k])
            copy_rows(total, stride, top, out[c])
    return out


@kernel
def correlate_separable(
    planes: Float32, vertical: Float32, horizontal: Float32, result: Float32 | None = None
) -> Float32:
    """Return the planes correlated with ``outer(vertical, horizontal)``, both odd and centred."""
    columns, rows = vertical.reshape(1, -1), horizontal.reshape(1, -1)
    return correlate_terms(planes, columns, rows, result)


@kernel
def correlate_taps(
    planes: Float32,
    rows: Int64,
    columns: Int64,
    weights: Float32,
    result: Float32 | None = None,
    scratch: Float32 | None = None,
) -> Float32:
    """Return ``Σ weights[t] * planes[y + rows[t], x + columns[t]]``, borders mirrored.

    Parameters
    ----------
    rows, columns
        int64, offset of each tap from the centre.
    weights
        float32, one for each tap.
    """
    out = np.empty_like(planes) if result is None else result
    channels, height, width = planes.shape
    across = down = 0
    for t in range(weights.size):
        across = max(across, abs(columns[t]))
        down = max(down, abs(rows[t]))
    stride = width + 2 * across
    tall = height + 2 * down + ROWS
    padded = fresh_sheet(scratch, tall, stride)
    mirror = mirror_table(width, across)
    flat = padded.reshape(-1)
    starts = np.empty(weights.size, np.int64)
    total = np.empty((ROWS - 1) * stride + width, np.float32)
    for c in range(channels):
        for y in range(height + 2 * down):
            pad_row(planes[c, reflected(y - down, height)], mirror, padded[y])
        for top in range(0, height, ROWS):
            for t in range(weights.size):
                starts[t] = (top + rows[t] + down) * stride + across + columns[t]
            clear(total)
            add_taps(total, flat, starts, weights)
            copy_rows(total, stride, top, out[c])
    return out
