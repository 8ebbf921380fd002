"""Quantisation steps of a JPEG quality, and what they do to a picture on the average."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCK", "luma_steps"]

BLOCK = 8
"""Side of a JPEG block in pixels."""

_LUMA_TABLE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
"""Luminance quantisation steps of quality 50: ITU-T T.81, table K.1."""


def luma_steps(quality: int) -> NDArray[np.float32]:
    """Return the ``(8, 8)`` luminance steps in levels of an orthonormal cosine transform.

    Parameters
    ----------
    quality
        1-100, scaled as the Independent JPEG Group's ``jpeg_quality_scaling`` does.
    """
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.asarray(np.clip((_LUMA_TABLE * scale + 50) // 100, 1, 255), np.float32)
