"""The restorer ``dejpeg``: finds the JPEG quality in the pixels, then averages shifted JPEGs.

Reads nothing but pixels, so it also knows a JPEG that was saved as PNG.
"""

from __future__ import annotations

import numpy as np

from zoo.restorer import Image, Restorer, untrained_card
from zoo.restorers.face_by_face import FaceByFace

__all__ = ["card", "load"]


_BLOCK = 8
"""Side of a JPEG block."""

card = untrained_card(
    "dejpeg",
    "classical",
    "Finds the JPEG quality in the pixels and averages JPEGs at shifted grids.",
    "Nosratinia 2001; quality after Fan and de Queiroz 2003.",
    "Needs the JPEG grid at the corner and unscaled; leaves all other images as they are.",
)


def load() -> Restorer:
    """Return the restorer; there is nothing to read."""
    return FaceByFace(card, _deblock)


def _deblock(face: Image) -> Image:
    # Here, since listing cards imports this module.
    from degrade.fit.jpeg_quality import quality_on_grid

    trace = quality_on_grid(face)
    if trace is None:
        return face.copy()
    height, width = face.shape[:2]
    # One block of border on each side, two behind, so every shift covers the whole face.
    border = (_BLOCK, 2 * _BLOCK)
    padded: Image = np.pad(face, (border, border, (0, 0)), mode="symmetric")
    total = np.zeros(face.shape, np.float32)
    # A checkerboard of half the 64 shifts: within 0.03 dB of all of them.
    shifts = [(y, x) for y in range(_BLOCK) for x in range(_BLOCK) if (y + x) % 2 == 0]
    for y, x in shifts:
        coded = _recompress(padded[y:, x:], trace.quality)
        total += coded[_BLOCK - y :, _BLOCK - x :][:height, :width]
    return np.rint(total / len(shifts)).astype(np.uint8)


def _recompress(image: Image, quality: int) -> Image:
    """Encode and decode as JPEG without chroma subsampling: the average would blur colour."""
    import cv2

    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    _, encoded = cv2.imencode(".jpg", image[..., ::-1], options)
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
