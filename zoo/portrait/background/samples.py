"""The parts of a large photo that it is judged by."""

from __future__ import annotations

import numpy as np

from zoo.restorer import Image

__all__ = ["evenly_spread", "sharpest"]

_CROP, _CROPS = 256, 4
_VIEW = 768
_GRID = 16
"""Crops begin at multiples of this: as the blocks of JPEG do, also of halved chroma."""


def evenly_spread(photo: Image) -> Image:
    """Return the photo, or 4 crops of 256 pixels a side side by side, on the grid of JPEG."""
    height, width = photo.shape[:2]
    rows, columns = _starts(height), _starts(width)
    if len(rows) * len(columns) == 1:
        return photo
    tall = _CROP if len(rows) > 1 else height
    wide = _CROP if len(columns) > 1 else width
    return np.concatenate(
        [np.concatenate([photo[y : y + tall, x : x + wide] for x in columns], axis=1) for y in rows]
    )


def _starts(side: int) -> list[int]:
    if side <= _CROP * _CROPS:
        return [0]
    last = (side - _CROP) // _GRID
    return [round(n * last / (_CROPS - 1)) * _GRID for n in range(_CROPS)]


def sharpest(photo: Image) -> Image:
    """Return the photo or its crop of 768 pixels with the most fine detail, its sharpest part."""
    crops = [
        photo[y : y + _VIEW, x : x + _VIEW]
        for y in _views(photo.shape[0])
        for x in _views(photo.shape[1])
    ]
    return max(crops, key=_fineness) if len(crops) > 1 else crops[0]


def _views(side: int) -> list[int]:
    return [0] if side <= _VIEW else [0, (side - _VIEW) // 2, side - _VIEW]


def _fineness(crop: Image) -> float:
    """Return the mean squared difference of neighbours in green."""
    green = crop[..., 1].astype(np.float32)
    return float(np.square(np.diff(green, axis=0)).mean() + np.square(np.diff(green)).mean())
