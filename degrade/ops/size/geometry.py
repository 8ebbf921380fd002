"""What moves the image by whole pixels: flip, shift, crop. Planes in and out.

They are meant for both halves of a pair: give them ``target: both``.
"""

from __future__ import annotations

import numpy as np

from degrade.ops.kernels.arrays import Int64, Planes
from degrade.ops.size.entries import check_crop


def flip(planes: Planes, stream: object) -> Planes:
    """Return the planes mirrored left to right."""
    return np.ascontiguousarray(planes[:, :, ::-1])


def shift(planes: Planes, stream: object, *, down: int, right: int) -> Planes:
    """Return the planes moved by whole pixels; what comes in is the image mirrored.

    The edge pixel repeats in the mirror, NumPy's ``symmetric`` (RestoreFormer++,
    ffhq_uneven_degradation_dataset.py, shift).
    """
    _, height, width = planes.shape
    rows, columns = _mirrored(height, down), _mirrored(width, right)
    return planes.take(rows, axis=1).take(columns, axis=2)


def _mirrored(size: int, moved: int) -> Int64:
    folded = (np.arange(size) - moved) % (2 * size)
    return np.minimum(folded, 2 * size - 1 - folded)


def crop(planes: Planes, stream: object, *, top: int, left: int, height: int, width: int) -> Planes:
    """Return ``height`` × ``width`` pixels from row ``top`` and column ``left`` on.

    Raises ImageError where the image does not reach that far.
    """
    window = {"top": top, "left": left, "height": height, "width": width}
    check_crop(window, (planes.shape[1], planes.shape[2]))
    return np.ascontiguousarray(planes[:, top : top + height, left : left + width])
