"""What time and the press did to an old print: its screen, dust, scratches and faded colours.

Each is taken off where it is certain, and a photo without it comes back as it is. Nothing is
invented, except what is filled under dust from the pixels around.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from zoo.portrait.background.halftone import remove_halftone
from zoo.portrait.background.scratches import remove_scratches
from zoo.restorer import Image

__all__ = ["clean_print", "correct_colour", "remove_halftone", "remove_scratches"]

_STRENGTH = 0.7
"""Share of the way to the full range that colours are stretched."""
_ENDS = 0.5, 99.5
"""Percentiles that are taken for black and white."""
_BLACK, _WHITE = 6.0, 249.0
"""Levels that these are brought to."""
_DARKEST, _BRIGHTEST = 90.0, 150.0
"""The most that black, and the least that white, is believed to have faded to, levels."""
_UNTOUCHED = 12.0
"""Levels: ends that are nearer are left."""
_ONE_HUE = 2.5
"""Deviation in Lab across the line of the colours of a grey or toned picture, at most."""
_SAMPLE = 256
"""Pixels of a side of what is looked at for its colours."""


def clean_print(image: Image, protect: NDArray[np.bool_] | None = None) -> Image:
    """Return the image without the screen of print, then without dust and scratches.

    Parameters
    ----------
    image
        uint8 (height, width, 3) RGB or (height, width) grey; not written to.
    protect
        As `remove_scratches`; the screen is taken off everywhere.

    Returns
    -------
    Image
        Of the same shape; the same bytes where there is nothing to take off.
    """
    return remove_scratches(remove_halftone(image), protect)


def correct_colour(image: Image) -> Image:
    """Return the image with faded contrast and a cast of colour taken back, in part.

    Parameters
    ----------
    image
        uint8 (height, width, 3) RGB or (height, width) grey; not written to.

    Returns
    -------
    Image
        Of the same shape; the same bytes where the range is full. Grey and toned pictures, such
        as sepia, keep their tone: only their brightness is stretched.
    """
    if image.ndim == 2:
        return _stretched(image, _ends(image))
    if not _is_toned(image):
        channels = [image[..., channel] for channel in range(3)]
        return np.stack([_stretched(levels, _ends(levels)) for levels in channels], axis=2)
    # One curve for the three keeps grey grey and sepia brown.
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    return _stretched(image, _ends(grey))


def _is_toned(image: Image) -> bool:
    """Return whether all colours lie on one line of Lab from black to white: grey, sepia, blue."""
    scale = min(1.0, _SAMPLE / max(image.shape[:2]))
    size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / np.float32(255.0), cv2.COLOR_RGB2LAB)
    colours = lab[..., 1:].reshape(-1, 2).astype(np.float64)
    values = np.linalg.eigvalsh(np.cov(colours.T)) if len(colours) > 2 else np.zeros(2)
    return bool(np.sqrt(max(values[0], 0.0)) <= _ONE_HUE)


def _ends(channel: Image) -> tuple[float, float]:
    low, high = np.percentile(channel, _ENDS)
    return float(low), float(high)


def _stretched(levels: Image, ends: tuple[float, float]) -> Image:
    """Return levels of which the ends went the share of the way to black and white."""
    low, high = min(ends[0], _DARKEST), max(ends[1], _BRIGHTEST)
    black = low if low - _BLACK <= _UNTOUCHED else low + _STRENGTH * (_BLACK - low)
    white = high if _WHITE - high <= _UNTOUCHED else high + _STRENGTH * (_WHITE - high)
    if (black, white) == (low, high):
        return levels.copy()
    curve = black + (np.arange(256) - low) * (white - black) / (high - low)
    return np.asarray(cv2.LUT(levels, np.clip(np.rint(curve), 0, 255).astype(np.uint8)), np.uint8)
