"""Correlation of planes with separable terms and with lists of taps; borders are mirrored.

Rows are worked on four at a time, so that a source row that is loaded serves four results and
what lies between the two passes stays in the first cache. Sums are taken in a fixed order: the
vector width of a machine changes no bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.kernels.compile import inline, kernel
from degrade.kernels.planes import reflected

__all__ = [
    "add_taps",
    "clear",
    "correlate_runs",
    "correlate_separable",
    "correlate_taps",
    "correlate_terms",
    "mirror_ends",
    "mirror_table",
    "pad_row",
    "scratch_size",
]

_ROWS = 4
"""Result rows worked on together."""
_GROUP = 8
"""Taps added before a sum goes back to memory."""


@inline
def mirror_table(size: int, radius: int) -> NDArray[np.int64]:
    """Return where the ``radius`` values before and after a row of ``size`` come from."""
    table = np.empty(2 * radius, np.int64)
    for i in range(radius):
        table[i] = reflected(i - radius, size)
        table[radius + i] = reflected(size + i, size)
    return table


@inline
def mirror_ends(padded: NDArray[np.float32], mirror: NDArray[np.int64]) -> None:
    """Fill both ends of a row whose middle is there."""
    radius = mirror.size // 2
    width = padded.size - 2 * radius
    for i in range(radius):
        padded[i] = padded[radius + mirror[i]]
        padded[radius + width + i] = padded[radius + mirror[radius + i]]


@inline
def pad_row(
    row: NDArray[np.float32], mirror: NDArray[np.int64], padded: NDArray[np.float32]
) -> None:
    """Copy a row into the middle of ``padded`` and mirror it at either end."""
    radius, width = mirror.size // 2, row.size
    for x in range(width):
        padded[radius + x] = row[x]
    mirror_ends(padded, mirror)


def scratch_size(height: int, width: int, down: int, across: int) -> int:
    """Return how many values a correlation that reaches that far needs to work in."""
    return (height + 2 * down + _ROWS) * (width + 2 * across + 1)


@inline
def _sheet(scratch: NDArray[np.float32] | None, rows: int, stride: int) -> NDArray[np.float32]:
    """Return (rows, stride) of the scratch memory, or of fresh memory."""
    sheet = np.empty(rows * stride, np.float32) if scratch is None else scratch[: rows * stride]
    return sheet.reshape(rows, stride)


@inline
def _copy_rows(
    total: NDArray[np.float32], stride: int, top: int, plane: NDArray[np.float32]
) -> None:
    """Copy what fits of the four rows in ``total`` to the plane, from row ``top`` on."""
    height, width = plane.shape
    for y in range(top, min(top + _ROWS, height)):
        source, target = total[(y - top) * stride :], plane[y]
        for x in range(width):
            target[x] = source[x]


@inline
def clear(values: NDArray[np.float32]) -> None:
    """Set every value to 0."""
    for x in range(values.size):
        values[x] = np.float32(0.0)


@inline
def add_taps(
    total: NDArray[np.float32],
    source: NDArray[np.float32],
    starts: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> None:
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
    source: NDArray[np.float32],
    top: int,
    weights: NDArray[np.float32],
    taps: int,
    block: NDArray[np.float32],
    across: int,
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
    for t in range(0, taps + _ROWS - 1, _ROWS):
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
    planes: NDArray[np.float32],
    columns: NDArray[np.float32],
    rows: NDArray[np.float32],
    result: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return the planes correlated with ``Σ outer(columns[k], rows[k])``.

    Parameters
    ----------
    planes
        float32 (C, H, W).
    columns, rows
        float32 (terms, odd length), centred: the vertical and the horizontal factors.
    result
        float32 (C, H, W) to write into, or None.
    """
    out = np.empty_like(planes) if result is None else result
    channels, height, width = planes.shape
    terms, tall = columns.shape
    across = rows.shape[1] // 2
    stride = width + 2 * across
    mirror = mirror_table(width, across)
    flat = np.zeros(_ROWS * stride + 2 * across, np.float32)
    block = flat[: _ROWS * stride].reshape(_ROWS, stride)
    total = np.empty(_ROWS * stride, np.float32)
    shifts = np.arange(rows.shape[1]).astype(np.int64)
    weights = np.zeros((terms, tall + 3 + 7), np.float32)
    weights[:, 3 : 3 + tall] = columns
    for c in range(channels):
        for top in range(0, height, _ROWS):
            clear(total)
            for k in range(terms):
                _four_rows_down(planes[c], top, weights[k], tall, block, across)
                for row in range(_ROWS):
                    mirror_ends(block[row], mirror)
                add_taps(total, flat, shifts, rows[k])
            _copy_rows(total, stride, top, out[c])
    return out


@kernel
def correlate_separable(
    planes: NDArray[np.float32],
    vertical: NDArray[np.float32],
    horizontal: NDArray[np.float32],
    result: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return the planes correlated with ``outer(vertical, horizontal)``, both odd and centred."""
    columns, rows = vertical.reshape(1, -1), horizontal.reshape(1, -1)
    return correlate_terms(planes, columns, rows, result)


@kernel
def correlate_taps(
    planes: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float32],
    result: NDArray[np.float32] | None = None,
    scratch: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return ``Σ weights[t] * planes[y + rows[t], x + columns[t]]``, borders mirrored.

    Parameters
    ----------
    planes
        float32 (C, H, W).
    rows, columns
        int64, offset of each tap from the centre.
    weights
        float32, one for each tap.
    result
        float32 (C, H, W) to write into, or None.
    scratch
        float32, flat, of `scratch_size`, or None.
    """
    out = np.empty_like(planes) if result is None else result
    channels, height, width = planes.shape
    across = down = 0
    for t in range(weights.size):
        across = max(across, abs(columns[t]))
        down = max(down, abs(rows[t]))
    stride = width + 2 * across
    tall = height + 2 * down + _ROWS
    padded = _sheet(scratch, tall, stride)
    mirror = mirror_table(width, across)
    flat = padded.reshape(-1)
    starts = np.empty(weights.size, np.int64)
    total = np.empty((_ROWS - 1) * stride + width, np.float32)
    for c in range(channels):
        for y in range(height + 2 * down):
            pad_row(planes[c, reflected(y - down, height)], mirror, padded[y])
        for top in range(0, height, _ROWS):
            for t in range(weights.size):
                starts[t] = (top + rows[t] + down) * stride + across + columns[t]
            clear(total)
            add_taps(total, flat, starts, weights)
            _copy_rows(total, stride, top, out[c])
    return out


@inline
def _prefix_rows(
    plane: NDArray[np.float32], mirror: NDArray[np.int64], sums: NDArray[np.float32]
) -> None:
    """Set each row of ``sums`` to the running sum of the mirrored row, starting with 0.

    Eight rows go side by side: one row alone waits for every addition.
    """
    height, width = plane.shape
    radius = mirror.size // 2
    columns = width + 2 * radius
    totals = np.zeros(8, np.float32)
    for top in range(0, height, 8):
        many = min(8, height - top)
        totals[:] = np.float32(0.0)
        for x in range(columns):
            if x < radius:
                at = mirror[x]
            elif x < radius + width:
                at = x - radius
            else:
                at = mirror[x - width]
            for r in range(many):
                sums[top + r, x] = totals[r]
                totals[r] = totals[r] + plane[top + r, at]
        for r in range(many):
            sums[top + r, columns] = totals[r]


@kernel
def correlate_runs(
    planes: NDArray[np.float32],
    halves: NDArray[np.float64],
    result: NDArray[np.float32] | None = None,
    scratch: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return the planes averaged over a shape whose rows are centred runs.

    Parameters
    ----------
    planes
        float32 (C, H, W).
    halves
        float64 (odd): half the length of the run in each row, pixels; the middle entry is the
        centre's row. A run that ends inside a pixel counts it in part.
    result
        float32 (C, H, W) to write into, or None.
    scratch
        float32, flat, of `scratch_size`, or None.

    Notes
    -----
    A run is a difference of two running sums, interpolated where it ends inside a pixel: four
    taps a row, however long it is. Sums stay below 2**24 for pictures up to 60 000 wide, and
    what float32 loses in them is below 0.01 levels after the division by the area.
    """
    out = np.empty_like(planes) if result is None else result
    channels, height, width = planes.shape
    reach = halves.size // 2
    across = int(np.max(halves) + 0.5) + 2
    stride = width + 2 * across + 1
    area = 0.0
    for i in range(halves.size):
        area += 2.0 * halves[i]
    rows = np.empty(4 * halves.size, np.int64)
    shifts = np.empty(rows.size, np.int64)
    weights = np.empty(rows.size, np.float32)
    for i in range(halves.size):
        whole = int(halves[i] + 0.5)
        part = halves[i] + 0.5 - whole
        for k in range(4):
            rows[4 * i + k] = i - reach
        shifts[4 * i], weights[4 * i] = whole, (1.0 - part) / area
        shifts[4 * i + 1], weights[4 * i + 1] = 1 - whole, -(1.0 - part) / area
        shifts[4 * i + 2], weights[4 * i + 2] = whole + 1, part / area
        shifts[4 * i + 3], weights[4 * i + 3] = -whole, -part / area
    padded = _sheet(scratch, height + 2 * reach + _ROWS, stride)
    mirror = mirror_table(width, across)
    flat = padded.reshape(-1)
    starts = np.empty(rows.size, np.int64)
    total = np.empty((_ROWS - 1) * stride + width, np.float32)
    for c in range(channels):
        _prefix_rows(planes[c], mirror, padded[reach : reach + height])
        for y in range(reach):
            padded[y] = padded[reach + reflected(y - reach, height)]
            padded[reach + height + y] = padded[reach + reflected(height + y, height)]
        for top in range(0, height, _ROWS):
            for t in range(rows.size):
                starts[t] = (top + rows[t] + reach) * stride + across + shifts[t]
            clear(total)
            add_taps(total, flat, starts, weights)
            _copy_rows(total, stride, top, out[c])
    return out
