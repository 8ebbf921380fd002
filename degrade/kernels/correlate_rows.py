"""Correlation where only some rows are wanted, between two rows if need be.

A blur that is followed by a linear shrink is read at few rows. Each wanted row lies a fraction
below its base row, so the vertical interpolation joins the kernel: one more tap row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.kernels.compile import inline, kernel
from degrade.kernels.correlate import add_taps, clear, mirror_ends, mirror_table, pad_row
from degrade.kernels.planes import reflected

__all__ = ["taps_at_rows", "terms_at_rows"]


@inline
def _first_pass(
    planes: NDArray[np.float32],
    y: int,
    first: NDArray[np.float32],
    upright: bool,
    mirror: NDArray[np.int64],
    line: NDArray[np.float32],
    target: NDArray[np.float32],
) -> None:
    """Add row ``y`` of every channel, correlated with ``first``, to the middles of ``target``.

    ``target`` holds the channels side by side, each with room for mirrored ends.
    """
    channels, height, width = planes.shape
    half = first.size // 2
    stride = target.size // channels
    across = (stride - width) // 2
    starts = np.empty(first.size, np.int64)
    for c in range(channels):
        middle = target[c * stride + across : c * stride + across + width]
        if upright:
            for t in range(first.size):
                starts[t] = reflected(y + t - half, height) * width
            add_taps(middle, planes[c].reshape(-1), starts, first)
        else:
            pad_row(planes[c, y], mirror, line)
            for t in range(first.size):
                starts[t] = t
            add_taps(middle, line, starts, first)


@inline
def _sheet(
    planes: NDArray[np.float32],
    first: NDArray[np.float32],
    upright: bool,
    above: int,
    across: int,
    sheet: NDArray[np.float32],
) -> None:
    """Fill ``sheet`` with the first pass: channels side by side, borders mirrored.

    ``above`` mirrored rows come before the first. A single tap of 1 copies.
    """
    channels, height, width = planes.shape
    stride = width + 2 * across
    mirror = mirror_table(width, across)
    around = mirror_table(width, first.size // 2)
    line = np.empty(width + first.size, np.float32)[: width + 2 * (first.size // 2)]
    for y in range(height):
        row = sheet[above + y]
        clear(row)
        _first_pass(planes, y, first, upright, around, line, row)
        for c in range(channels):
            mirror_ends(row[c * stride : (c + 1) * stride], mirror)
    for y in range(sheet.shape[0]):
        if y < above or y >= above + height:
            source = sheet[above + reflected(y - above, height)]
            target = sheet[y]
            for x in range(target.size):
                target[x] = source[x]


@inline
def _split_row(
    line: NDArray[np.float32], stride: int, row: int, result: NDArray[np.float32]
) -> None:
    """Copy each channel's part of a row to its plane."""
    channels, _, width = result.shape
    for c in range(channels):
        source, target = line[c * stride :], result[c, row]
        for x in range(width):
            target[x] = source[x]


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
    mirror = mirror_table(width, across)
    line = np.zeros(channels * stride + 2 * across, np.float32)
    total = np.empty(channels * stride, np.float32)
    shifts = np.arange(rows.shape[1]).astype(np.int64)
    starts = np.empty(tall + 1, np.int64)
    weights = np.empty(tall + 1, np.float32)
    one = np.float32(1.0)
    for j in range(bases.size):
        part = fractions[j]
        for t in range(tall + 1):
            starts[t] = reflected(bases[j] + t - down, height) * width
        clear(total)
        for k in range(terms):
            weights[0] = (one - part) * columns[k, 0]
            weights[tall] = part * columns[k, tall - 1]
            for t in range(1, tall):
                weights[t] = (one - part) * columns[k, t] + part * columns[k, t - 1]
            for c in range(channels):
                whole = line[c * stride : (c + 1) * stride]
                middle = whole[across : across + width]
                clear(middle)
                add_taps(middle, planes[c].reshape(-1), starts, weights)
                mirror_ends(whole, mirror)
            add_taps(total, line, shifts, rows[k])
        _split_row(total, stride, j, result)
    return result


@kernel
def taps_at_rows(
    planes: NDArray[np.float32],
    first: NDArray[np.float32],
    upright: bool,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float32],
    next_weights: NDArray[np.float32],
    bases: NDArray[np.int64],
    fractions: NDArray[np.float32],
    result: NDArray[np.float32],
    scratch: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return rows of the planes correlated with ``first`` and then with a list of taps.

    Parameters
    ----------
    planes
        float32 (C, H, W).
    first, upright
        float32 (odd): a first pass along rows, or down columns; a single 1 for none.
    rows, columns
        int64, offset of each tap from the base row and the column.
    weights, next_weights
        float32: the tap's weight for the base row, and for the row after it.
    bases, fractions, result
        As in `terms_at_rows`.
    scratch
        float32, flat: ``(H + 2 down + 1) * C * (W + 2 across)`` for taps that reach that far.
    """
    channels, height, width = planes.shape
    across = down = 0
    for t in range(rows.size):
        across = max(across, abs(columns[t]))
        down = max(down, abs(rows[t]))
    stride = width + 2 * across
    flat = scratch[: (height + 2 * down + 1) * channels * stride]
    sheet = flat.reshape(height + 2 * down + 1, channels * stride)
    _sheet(planes, first, upright, down, across, sheet)
    total = np.empty(channels * stride - 2 * across, np.float32)
    starts = np.empty(rows.size, np.int64)
    mixed = np.empty(rows.size, np.float32)
    one = np.float32(1.0)
    for j in range(bases.size):
        part = fractions[j]
        for t in range(rows.size):
            row = bases[j] + rows[t] + down
            starts[t] = row * channels * stride + across + columns[t]
            mixed[t] = (one - part) * weights[t] + part * next_weights[t]
        clear(total)
        add_taps(total, flat, starts, mixed)
        _split_row(total, stride, j, result)
    return result
