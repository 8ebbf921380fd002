"""From two uint8 images to the float64 planes that PSNR and SSIM compare, as papers do it.

Each choice here moves published figures; none is made without a name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BASICSR = "BasicSR basicsr/metrics/psnr_ssim.py"
PIQ = "piq piq/ssim.py"
PYIQA = "IQA-PyTorch (pyiqa)"
VQFR = "VQFR metric_paper/calculate_psnr_ssim.py"


@dataclass(frozen=True, slots=True)
class Colour:
    """The planes compared: RGB (``weights`` None), or the luma of weights and offset in levels."""

    weights: tuple[float, float, float] | None = None
    offset: float = 0.0


RGB = Colour()
Y_FULL = Colour((0.299, 0.587, 0.114))
"""ITU-R BT.601 luma, full range 0-255 (the Y of YIQ)."""
Y_LIMITED = Colour((65.481 / 255, 128.553 / 255, 24.966 / 255), 16.0)
"""ITU-R BT.601 luma in 16-235, MATLAB's ``rgb2ycbcr``: 1.32 dB above full range."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """How two images become planes: RGB or a luma, ``crop`` pixels left out along each side.

    ``rounded``: luma is rounded to whole levels (half to even). ``matched``: each channel of the
    restored image is first given HQ's mean and standard deviation: VQFR's ``correct_mean_var``,
    which its script cannot switch off. ``reduced``: both images are first reduced to about 256
    pixels, by the mean over squares of ``round(shorter side / 256)`` pixels: MATLAB's ``ssim.m``,
    and piq unless told otherwise.
    """

    colour: Colour
    crop: int = 0
    rounded: bool = False
    matched: bool = False
    reduced: bool = False

    def planes(
        self, restored: NDArray[np.uint8], hq: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return two uint8 HWC RGB images as ``(height, width, 3 or 1)`` float64 levels, 0-255."""
        first, second = self._plane(restored), self._plane(hq)
        if self.matched:
            first = _match(first, second)
        return (_reduce(first), _reduce(second)) if self.reduced else (first, second)

    def _plane(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        inner = slice(self.crop, -self.crop or None)
        levels = image[inner, inner].astype(np.float64)
        if self.colour.weights is None:
            return levels
        luma: NDArray[np.float64] = (levels * self.colour.weights).sum(
            axis=2, keepdims=True
        ) + self.colour.offset
        return np.rint(luma) if self.rounded else luma


def _match(restored: NDArray[np.float64], hq: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give each channel HQ's mean, then HQ's deviation, and both once more, as VQFR does.

    The scaling is about zero, not about the mean, so the second round is not idle. A flat
    channel, which VQFR would divide by zero, keeps its deviation.
    """
    mean, deviation = hq.mean(axis=(0, 1)), hq.std(axis=(0, 1))
    for _ in range(2):
        restored = restored - restored.mean(axis=(0, 1)) + mean
        own = restored.std(axis=(0, 1))
        restored = restored * np.where(own > 0, deviation / np.where(own > 0, own, 1.0), 1.0)
    return restored


def _reduce(planes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return means over whole squares; a rest at the right and at the bottom is cut off."""
    height, width, channels = planes.shape
    side = max(1, round(min(height, width) / 256))
    rows, columns = height // side, width // side
    squares = planes[: rows * side, : columns * side].reshape(rows, side, columns, side, channels)
    means: NDArray[np.float64] = squares.mean(axis=(1, 3))
    return means
