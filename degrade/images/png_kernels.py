"""The filters of PNG rows, undone: PNG specification, third edition, section 9."""

from __future__ import annotations

import numpy as np

from degrade.ops.kernels.arrays import UInt8
from degrade.ops.kernels.compile import inline, kernel

_PIXEL = 3
"""Bytes of a pixel, 8-bit RGB."""


@kernel
def undo_filters(filtered: UInt8, levels: UInt8) -> bool:
    """Fill ``levels`` from rows as a PNG file holds them, each after the number of its filter.

    Parameters
    ----------
    filtered
        uint8 (height, 1 + 3 width).
    levels
        Filled: uint8 (height, 3 width).

    Returns
    -------
    False when a row has no valid filter; what was filled then means nothing.
    """
    none = np.zeros(levels.shape[1], np.uint8)
    for y in range(levels.shape[0]):
        kind, line, row = filtered[y, 0], filtered[y, 1:], levels[y]
        above = levels[y - 1] if y > 0 else none
        if kind == 0:
            row[:] = line
        elif kind == 1:
            _undo_sub(line, row)
        elif kind == 2:
            for i in range(row.size):
                row[i] = line[i] + above[i]
        elif kind == 3:
            _undo_average(line, above, row)
        elif kind == 4:
            _undo_paeth(line, above, row)
        else:
            return False
    return True


@inline
def _undo_sub(line: UInt8, row: UInt8) -> None:
    row[:_PIXEL] = line[:_PIXEL]
    for i in range(_PIXEL, row.size):
        row[i] = line[i] + row[i - _PIXEL]


@inline
def _undo_average(line: UInt8, above: UInt8, row: UInt8) -> None:
    for i in range(_PIXEL):
        row[i] = line[i] + (above[i] >> 1)
    for i in range(_PIXEL, row.size):
        row[i] = line[i] + ((np.int32(row[i - _PIXEL]) + np.int32(above[i])) >> 1)


@inline
def _undo_paeth(line: UInt8, above: UInt8, row: UInt8) -> None:
    """Undo the filter of A. Paeth: the neighbour nearest to left + above − above left.

    The three channels go side by side: each pixel waits for the one before, but they do not
    wait for each other.
    """
    left_0 = left_1 = left_2 = corner_0 = corner_1 = corner_2 = np.int32(0)
    for i in range(0, row.size, _PIXEL):
        up_0, up_1, up_2 = np.int32(above[i]), np.int32(above[i + 1]), np.int32(above[i + 2])
        left_0 = (_nearest(left_0, up_0, corner_0) + np.int32(line[i])) & np.int32(255)
        left_1 = (_nearest(left_1, up_1, corner_1) + np.int32(line[i + 1])) & np.int32(255)
        left_2 = (_nearest(left_2, up_2, corner_2) + np.int32(line[i + 2])) & np.int32(255)
        row[i], row[i + 1], row[i + 2] = left_0, left_1, left_2
        corner_0, corner_1, corner_2 = up_0, up_1, up_2


@inline
def _nearest(left: np.int32, up: np.int32, corner: np.int32) -> np.int32:
    """Return the PaethPredictor of the specification, 9.4; left before up before corner."""
    to_left, to_up = up - corner, left - corner
    to_corner = abs(to_left + to_up)
    to_left, to_up = abs(to_left), abs(to_up)
    nearest = up if to_up < to_left else left
    return corner if to_corner < min(to_left, to_up) else nearest
