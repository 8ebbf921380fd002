"""Correlation where only some rows are wanted, between two rows if need be.

A blur that is followed by a linear shrink is read at few rows. Each wanted row lies a fraction
below its base row, so the vertical interpolation joins the kernel: one more tap row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.kernels.compile import inline, kernel
from degrade.kernels.correlate import add_taps, clear, mirror_table, pad_row
from degrade.kernels.planes import reflected

__all__ = ["taps_at_rows", "terms_at_rows"]


@inline
def _padded_plane(
    plane: NDArray[np.float32],
    mirror: NDArray[np.int64],
    above: int,
    padded: NDArray[np.float32],
) -> None:
    """Fill ``padded`` with the plane, ``above`` mirrored rows over it and the rest under it."""
    height = plane.shape[0]
    for y in range(padded.shape[0]):
        pad_row(plane[reflected(y - above, height)], mirror, padded[y])


@kernel
def terms_at_rows(
    planes: NDArray[np.float32],
    columns: NDArray[np.float32],
    rows: NDArray[np.float32],
    bases: NDArray[np.int64],
    fractions: NDArray[np.float32],
    result: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return rows of the planes correlated with ``Σ outer(columns[k], rows[k])``.

    Parameters
    ----------
    planes
        float32 (C, H, W).
    columns, rows
        float32 (terms, odd length), centred.
    bases, fractions
        Of each wanted row: row ``bases[j]`` of the correlated picture, times one minus the
        fraction, plus the next row times the fraction.
    result
        float32 (C, wanted rows, W), written into and returned.
    """
    channels, height, width = planes.shape
    terms, tall = columns.shape
    down, across = tall // 2, rows.shape[1] // 2
    stride = width + 2 * across
    padded = np.empty((height + tall + 1, stride), np.float32)
    flat = padded.reshape(-1)
    mirror = mirror_table(width, across)
    line = np.zeros(stride, np.float32)
    shifts = np.arange(rows.shape[1]).astype(np.int64)
    starts = np.empty(tall + 1, np.int64)
    weights = np.empty(tall + 1, np.float32)
    one = np.float32(1.0)
    for c in range(channels):
        _padded_plane(planes[c], mirror, down, padded)
        for j in range(bases.size):
            part = fractions[j]
            for t in range(tall + 1):
                starts[t] = (bases[j] + t) * stride
            total = result[c, j]
            clear(total)
            for k in range(terms):
                weights[0] = (one - part) * columns[k, 0]
                weights[tall] = part * columns[k, tall - 1]
                for t in range(1, tall):
                    weights[t] = (one - part) * columns[k, t] + part * columns[k, t - 1]
                clear(line)
                add_taps(line, flat, starts, weights)
                add_taps(total, line, shifts, rows[k])
    return result


@kernel
def taps_at_rows(
    planes: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float32],
    next_weights: NDArray[np.float32],
    bases: NDArray[np.int64],
    fractions: NDArray[np.float32],
    result: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return rows of the planes correlated with a list of taps.

    Parameters
    ----------
    planes
        float32 (C, H, W).
    rows, columns
        int64, offset of each tap from the base row and the column.
    weights, next_weights
        float32: the tap's weight for the base row, and for the row after it.
    bases, fractions, result
        As in `terms_at_rows`.
    """
    channels, height, width = planes.shape
    across = down = 0
    for t in range(rows.size):
        across = max(across, abs(columns[t]))
        down = max(down, abs(rows[t]))
    stride = width + 2 * across
    padded = np.empty((height + 2 * down + 1, stride), np.float32)
    flat = padded.reshape(-1)
    mirror = mirror_table(width, across)
    starts = np.empty(rows.size, np.int64)
    mixed = np.empty(rows.size, np.float32)
    one = np.float32(1.0)
    for c in range(channels):
        _padded_plane(planes[c], mirror, down, padded)
        for j in range(bases.size):
            part = fractions[j]
            for t in range(rows.size):
                starts[t] = (bases[j] + rows[t] + down) * stride + across + columns[t]
                mixed[t] = (one - part) * weights[t] + part * next_weights[t]
            clear(result[c, j])
            add_taps(result[c, j], flat, starts, mixed)
    return result
