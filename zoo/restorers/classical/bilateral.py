"""The restorer ``bilateral``: a bilateral filter whose range follows the measured noise."""

from __future__ import annotations

import math

import numpy as np

from zoo.restorer import Image, Restorer, untrained_card
from zoo.restorers.face_by_face import FaceByFace
from zoo.restorers.noise_level import NO_NOISE, estimate_noise

__all__ = ["card", "load"]

# Chosen on four photographs of scikit-image with noise of 5 to 50 levels, by PSNR.
_RANGE = 4.0
"""Range sigma as a multiple of the noise: OpenCV compares the sum of absolute differences
over three channels, which for two equal noisy pixels is 3.4 sigma on average."""
_SPACE = 2.5
"""Spatial sigma in pixels; the window reaches two of them."""


card = untrained_card(
    "bilateral",
    "classical",
    "Bilateral filter whose range follows the measured noise.",
    "Tomasi and Manduchi 1998, through OpenCV; noise after Immerkær 1996.",
    "White noise only; flattens fine texture; leaves blur and JPEG blocks.",
)


def load() -> Restorer:
    """Return the restorer; there is nothing to read."""
    return FaceByFace(card, _denoise)


def _denoise(face: Image) -> Image:
    import cv2

    sigma = estimate_noise(face)
    if sigma < NO_NOISE:
        return face.copy()
    window = 2 * math.ceil(2 * _SPACE) + 1
    filtered = cv2.bilateralFilter(np.ascontiguousarray(face), window, _RANGE * sigma, _SPACE)
    return np.asarray(filtered, np.uint8)
