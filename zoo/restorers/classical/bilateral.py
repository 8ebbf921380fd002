"""The restorer ``bilateral``: a bilateral filter whose range follows the measured noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from degrade.planner.plan import Plan
from zoo.restorer import Card, Image, Restorer, untrained_card
from zoo.restorers.face_by_face import restore_each
from zoo.restorers.noise_level import NO_NOISE, estimate_noise

__all__ = ["Bilateral", "card", "load"]

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
    return Bilateral(card)


@dataclass(frozen=True, slots=True)
class Bilateral:
    """Averages near pixels of near colours: Tomasi & Manduchi 1998."""

    card: Card

    def restore(
        self,
        faces: Sequence[Image],
        masks: Sequence[NDArray[np.float32] | None] | None = None,
        plans: Sequence[Plan | None] | None = None,
    ) -> list[Image]:
        """Return the faces with less noise; see `zoo.restorer.Restorer.restore`."""
        return restore_each(faces, _denoise)


def _denoise(face: Image) -> Image:
    import cv2

    sigma = estimate_noise(face)
    if sigma < NO_NOISE:
        return face.copy()
    window = 2 * math.ceil(2 * _SPACE) + 1
    filtered = cv2.bilateralFilter(np.ascontiguousarray(face), window, _RANGE * sigma, _SPACE)
    return np.asarray(filtered, np.uint8)
