"""Take dust and scratches off a photo: small or thin things that stand alone, filled from around.

Conservative: what might be a glint in an eye, a mole, hair or an edge is left, and so is a whole
photo in which too few specks lie to be dust, or too many to be anything but texture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from zoo.restorer import Image

__all__ = ["remove_scratches"]

Mask = NDArray[np.bool_]
Plane = NDArray[np.float32]

_SMALLEST_WINDOW, _LARGEST_WINDOW, _WINDOWS = 5, 11, 120
"""Pixels of the median's side, one to so many of the photo's shorter side: half of it is the
widest thing that stands out."""
_STEP = 22
"""Levels from the median of a pixel that stands out."""
_LEAST_CONTRAST = 45.0
"""Levels from the median that the middle of a speck, and the mean of a scratch / 2, has."""
_TIMES_TEXTURE = 9.0
"""Mean deviations around that a speck stands out by."""
_FLAT = 0.22
"""Deviation of the levels around a speck over its contrast, at most: eyes and teeth are not flat.
"""
_ALONE = 0.04
"""Share of the pixels around a speck that stand out too, at most."""
_FEWEST, _CELLS, _FEWEST_CELLS = 12, 4, 5
"""Specks in a photo, and cells of 4 × 4 that hold one: dust lies everywhere."""
_LEAST_SHARE = 0.025
"""Specks' share of all that stands out. Measured: in 620 sharp faces it is 0.02 and less for all
but one; there the rest is hair and lace."""
_MOST = 0.015
"""Share of the photo that is taken for dust."""
_LONG, _THIN, _STRAIGHT = 0.4, 2.6, 0.9
"""Of a scratch: least length over the photo's shorter side, most mean width and deviation from a
line, pixels."""
_EVEN = 0.35
"""Difference of the two sides of a scratch over its contrast, at most: else it is an edge."""
_MOST_SCRATCHES = 5
_GROWN = 1
"""Pixels around what is found that are filled too: its blurred rim."""
_PIT = 30.0
"""Levels that the wider surroundings of a glint differ from the nearer: an eye."""
_FILL_RADIUS = 3


@dataclass(frozen=True, slots=True)
class _Parts:
    """Connected things that stand out; arrays are (n,) or (n, 2)."""

    labels: NDArray[np.int32]  # (height, width), 0 for none
    areas: NDArray[np.int64]
    sizes: NDArray[np.int64]  # height and width, pixels
    corners: NDArray[np.int64]  # top and left
    middles: NDArray[np.int64]  # row and column of the pixel at the centre


def remove_scratches(image: Image, protect: Mask | None = None) -> Image:
    """Return the image without specks of dust and thin straight scratches.

    Parameters
    ----------
    image
        uint8 (height, width, 3) RGB or (height, width) grey; not written to.
    protect
        bool (height, width): pixels that are kept as they are, such as faces.

    Returns
    -------
    Image
        Of the same shape; the same bytes outside what is filled, and everywhere where nothing is
        certain.

    Raises
    ------
    ValueError
        The mask is not of the image's height and width.

    Notes
    -----
    Filled by A. Telea, "An Image Inpainting Technique Based on the Fast Marching Method", 2004.
    """
    if protect is not None and protect.shape != image.shape[:2]:
        raise ValueError(f"protect is of shape {protect.shape}, the image {image.shape[:2]}")
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    marked = _find_scratches(np.asarray(grey, np.uint8))
    if protect is not None:
        marked &= ~protect
    return _filled(image, marked) if marked.any() else image.copy()


def _find_scratches(grey: Image) -> Mask:
    """Return which pixels are dust or scratch."""
    window = min(grey.shape) // _WINDOWS // 2 * 2 + 1
    window = min(_LARGEST_WINDOW, max(_SMALLEST_WINDOW, window))
    if min(grey.shape) < 4 * window:
        return np.zeros(grey.shape, np.bool_)
    median = np.asarray(cv2.medianBlur(grey, window), np.uint8)
    marked = np.zeros(grey.shape, np.bool_)
    specks = []
    for light in (True, False):
        # Saturating: what lies on the other side of the median is 0.
        above, below = (grey, median) if light else (median, grey)
        contrast = np.asarray(cv2.subtract(above, below), np.uint8)
        parts = _parts(contrast)
        if parts is None:
            continue
        specks.append((parts, _specks(parts, grey, median, contrast, window)))
        marked |= _drawn(parts, _scratches(parts, grey, contrast, window))
    if _is_dust(specks, grey.shape):
        for parts, chosen in specks:
            marked |= _drawn(parts, chosen)
    if not marked.any():
        return marked
    kernel = np.ones((2 * _GROWN + 1, 2 * _GROWN + 1), np.uint8)
    return cv2.dilate(marked.astype(np.uint8), kernel).astype(np.bool_)


def _parts(contrast: Image) -> _Parts | None:
    standing = (contrast >= _STEP).astype(np.uint8)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(standing, connectivity=8)
    if count < 2:
        return None
    stats = np.asarray(stats, np.int64)[1:]
    return _Parts(
        np.asarray(labels, np.int32),
        stats[:, cv2.CC_STAT_AREA],
        stats[:, [cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH]],
        stats[:, [cv2.CC_STAT_TOP, cv2.CC_STAT_LEFT]],
        np.asarray(np.rint(centres[1:, ::-1]), np.int64),
    )


def _specks(parts: _Parts, grey: Image, median: Image, contrast: Image, window: int) -> Mask:
    """Return which parts are specks: small, strong, alone on flat ground."""
    at = parts.middles[:, 0], parts.middles[:, 1]
    strength = cv2.dilate(contrast, np.ones((3, 3), np.uint8))[at].astype(np.float32)
    standing = contrast >= _STEP
    around, near, wide = 4 * window + 1, 2 * window + 1, 6 * window + 1
    density = _mean(standing.astype(np.uint8), around)[at] - parts.areas / around**2
    deviation = np.asarray(cv2.absdiff(grey, median), np.uint8)
    deviation[standing] = 0
    texture = _mean(deviation, around)[at]
    # The median knows nothing of specks: what varies in it is picture.
    level = _mean(median, near)[at]
    squares = cv2.sqrBoxFilter(median, cv2.CV_32F, (near, near), borderType=cv2.BORDER_REFLECT)
    spread = np.sqrt(np.maximum(squares[at] - level * level, 0.0))
    wider = np.abs(_mean(median, wide)[at] - level)
    chosen = (
        (parts.sizes.max(axis=1) <= window)
        & (parts.areas >= 2)
        & (strength >= np.maximum(_LEAST_CONTRAST, _TIMES_TEXTURE * texture))
        & (spread <= _FLAT * strength)
        & (density <= _ALONE)
        & (wider <= _PIT)
    )
    return np.asarray(chosen, np.bool_)


def _mean(levels: Image, side: int) -> Plane:
    size, border = (side, side), cv2.BORDER_REFLECT
    return np.asarray(cv2.boxFilter(levels, cv2.CV_32F, size, borderType=border), np.float32)


def _is_dust(specks: list[tuple[_Parts, Mask]], shape: tuple[int, ...]) -> bool:
    """Return whether specks are many, everywhere and yet little of the photo."""
    if not specks:
        return False
    middles = np.concatenate([parts.middles[chosen] for parts, chosen in specks])
    area = sum(int(parts.areas[chosen].sum()) for parts, chosen in specks)
    standing = sum(int(parts.areas.sum()) for parts, _ in specks)
    cells = middles * _CELLS // np.array(shape)
    return (
        len(middles) >= _FEWEST
        and len(np.unique(cells, axis=0)) >= _FEWEST_CELLS
        and area >= _LEAST_SHARE * standing
        and area <= _MOST * shape[0] * shape[1]
    )


def _scratches(parts: _Parts, grey: Image, contrast: Image, window: int) -> Mask:
    """Return which parts are scratches: long, thin, straight, alike on both sides; or none."""
    long = np.hypot(*parts.sizes.T) >= _LONG * min(grey.shape)
    chosen = np.zeros(len(parts.areas), np.bool_)
    for part in np.flatnonzero(long):
        chosen[part] = _is_scratch(parts, int(part), grey, contrast, window)
    if chosen.sum() > _MOST_SCRATCHES:
        chosen[:] = False
    return chosen


def _is_scratch(parts: _Parts, part: int, grey: Image, contrast: Image, window: int) -> bool:
    top, left = parts.corners[part]
    height, width = parts.sizes[part]
    box = np.s_[top : top + height, left : left + width]
    ys, xs = np.nonzero(parts.labels[box] == part + 1)
    ys, xs = ys + top, xs + left
    points = np.stack([ys, xs], axis=1) - [ys.mean(), xs.mean()]
    values, vectors = np.linalg.eigh(np.cov(points.T))
    length = np.ptp(points @ vectors[:, 1])
    strength = float(contrast[ys, xs].mean())
    if (
        len(ys) > _THIN * length
        or np.sqrt(values[0]) > _STRAIGHT
        or strength < _LEAST_CONTRAST / 2.0
    ):
        return False
    away = vectors[:, 0] * (window // 2 + 2)
    sides = [
        grey[
            np.clip(np.rint(ys + sign * away[0]).astype(np.int64), 0, grey.shape[0] - 1),
            np.clip(np.rint(xs + sign * away[1]).astype(np.int64), 0, grey.shape[1] - 1),
        ].astype(np.float32)
        for sign in (1.0, -1.0)
    ]
    return bool(np.abs(sides[0] - sides[1]).mean() <= _EVEN * strength)


def _drawn(parts: _Parts, chosen: Mask) -> Mask:
    return np.concatenate([[False], chosen])[parts.labels]


def _filled(image: Image, marked: Mask) -> Image:
    return np.asarray(
        cv2.inpaint(image, marked.astype(np.uint8), _FILL_RADIUS, cv2.INPAINT_TELEA), np.uint8
    )
