"""Magnification about the centre: the zoom of a lens, and the colours it brings out of step.

Positions along each axis come as tables of an index and a share of the next pixel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.kernels.compile import inline, kernel

__all__ = ["magnified", "mean_of_magnified"]


@inline
def _magnified_row(
    upper: NDArray[np.float32],
    lower: NDArray[np.float32],
    share: np.float32,
    columns: NDArray[np.int32],
    column_shares: NDArray[np.float32],
    line: NDArray[np.float32],
    total: NDArray[np.float32],
) -> None:
    """Add one row, read between ``upper`` and ``lower``, to ``total``."""
    width = upper.size
    for x in range(width):
        line[x] = upper[x] + share * (lower[x] - upper[x])
    line[width] = line[width - 1]
    for x in range(width):
        left = line[columns[x]]
        total[x] = total[x] + (left + column_shares[x] * (line[columns[x] + 1] - left))


@kernel
def mean_of_magnified(
    planes: NDArray[np.float32],
    rows: NDArray[np.int32],
    row_shares: NDArray[np.float32],
    columns: NDArray[np.int32],
    column_shares: NDArray[np.float32],
    result: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the mean of the planes and of every magnified layer of them.

    Parameters
    ----------
    planes
        float32 (C, H, W).
    rows, row_shares
        int32 and float32 (layers, H): the pixel before each place, and how far beyond it.
    columns, column_shares
        The same (layers, W).
    result
        float32 (C, H, W) to write into.
    """
    channels, height, width = planes.shape
    layers = rows.shape[0]
    line = np.empty(width + 1, np.float32)
    part = np.float32(1.0) / np.float32(layers + 1)
    for c in range(channels):
        for y in range(height):
            total = result[c, y]
            total[:] = planes[c, y]
            for layer in range(layers):
                top = rows[layer, y]
                _magnified_row(
                    planes[c, top], planes[c, min(top + 1, height - 1)], row_shares[layer, y],
                    columns[layer], column_shares[layer], line, total,
                )  # fmt: skip
            for x in range(width):
                total[x] = total[x] * part
    return result


@kernel
def magnified(
    plane: NDArray[np.float32],
    rows: NDArray[np.int32],
    row_shares: NDArray[np.float32],
    columns: NDArray[np.int32],
    column_shares: NDArray[np.float32],
    result: NDArray[np.float32],
) -> None:
    """Write one plane, float32 (H, W), into ``result`` as one set of tables magnifies it."""
    height, width = plane.shape
    line = np.empty(width + 1, np.float32)
    for y in range(height):
        result[y][:] = np.float32(0.0)
        top = rows[y]
        _magnified_row(
            plane[top], plane[min(top + 1, height - 1)], row_shares[y],
            columns, column_shares, line, result[y],
        )  # fmt: skip
