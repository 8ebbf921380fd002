"""What moves the picture by whole pixels: flip, shift, crop. Planes in and out.

They are meant for both halves of a pair: give them ``target: both``.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from degrade.errors import ImageError
from degrade.ops.operation import Value

__all__ = ["check_crop", "crop", "flip", "shift"]

Planes = NDArray[np.float32]


def flip(planes: Planes, stream: object) -> Planes:
    """Return the planes mirrored left to right."""
    return np.ascontiguousarray(planes[:, :, ::-1])


def shift(planes: Planes, stream: object, *, down: int, right: int) -> Planes:
    """Return the planes moved by whole pixels; what comes in is the picture mirrored.

    The edge pixel repeats in the mirror, NumPy's ``symmetric`` (RestoreFormer++,
    ffhq_uneven_degradation_dataset.py, shift).
    """
    _, height, width = planes.shape
    rows, columns = _mirrored(height, down), _mirrored(width, right)
    return planes.take(rows, axis=1).take(columns, axis=2)


def _mirrored(size: int, moved: int) -> NDArray[np.int64]:
    folded = (np.arange(size) - moved) % (2 * size)
    return np.minimum(folded, 2 * size - 1 - folded)


def crop(planes: Planes, stream: object, *, top: int, left: int, height: int, width: int) -> Planes:
    """Return ``height`` × ``width`` pixels from row ``top`` and column ``left`` on.

    Raises ImageError where the image does not reach that far.
    """
    window = {"top": top, "left": left, "height": height, "width": width}
    check_crop(window, (planes.shape[1], planes.shape[2]))
    return np.ascontiguousarray(planes[:, top : top + height, left : left + width])


def check_crop(window: Mapping[str, Value], size: tuple[int, int]) -> dict[str, Value]:
    """Raise ImageError unless the window of `crop` lies inside ``(height, width)``."""
    top, left, height, width = (int(window[k]) for k in ("top", "left", "height", "width"))
    if top + height > size[0] or left + width > size[1]:
        raise ImageError(
            f"the recipe crops {height} × {width} px from row {top}, column {left} of an image "
            f"of {size[0]} × {size[1]}: give it larger images or make the crop smaller"
        )
    return {}
