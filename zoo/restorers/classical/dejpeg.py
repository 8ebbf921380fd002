"""The restorer ``dejpeg``: finds the JPEG quality in the pixels, then averages shifted JPEGs.

Reads nothing but pixels, so it also knows a JPEG that was saved as PNG.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from degrade.fit.blocks import BLOCK
from degrade.fit.jpeg_quality import quality_on_grid
from degrade.planner.plan import Plan
from zoo.restorer import Card, Image
from zoo.restorers.face_by_face import restore_each

__all__ = ["ShiftedJpeg"]


@dataclass(frozen=True, slots=True)
class ShiftedJpeg:
    """Re-applies JPEG at shifted grids and averages.

    Nosratinia 2001, "Enhancement of JPEG-compressed images by re-application of JPEG".
    """

    card: Card

    def restore(
        self,
        faces: Sequence[Image],
        masks: Sequence[NDArray[np.float32] | None] | None = None,
        plans: Sequence[Plan | None] | None = None,
    ) -> list[Image]:
        """Return the faces with weaker blocking; see `zoo.restorer.Restorer.restore`."""
        return restore_each(faces, _deblock)


def _deblock(face: Image) -> Image:
    trace = quality_on_grid(face)
    if trace is None:
        return face.copy()
    height, width = face.shape[:2]
    # One block of border on each side, two behind, so every shift covers the whole face.
    border = (BLOCK, 2 * BLOCK)
    padded: Image = np.pad(face, (border, border, (0, 0)), mode="symmetric")
    total = np.zeros(face.shape, np.float32)
    # A checkerboard of half the 64 shifts: within 0.03 dB of all of them.
    shifts = [(y, x) for y in range(BLOCK) for x in range(BLOCK) if (y + x) % 2 == 0]
    for y, x in shifts:
        coded = _recompress(padded[y:, x:], trace.quality)
        total += coded[BLOCK - y :, BLOCK - x :][:height, :width]
    return np.rint(total / len(shifts)).astype(np.uint8)


def _recompress(image: Image, quality: int) -> Image:
    """Encode and decode as JPEG without chroma subsampling: the average would blur colour."""
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    _, encoded = cv2.imencode(".jpg", image[..., ::-1], options)
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
