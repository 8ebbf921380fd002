"""The restorer ``dejpeg``: finds the JPEG quality in the pixels, then averages shifted JPEGs.

Reads nothing but pixels, so it also knows a JPEG that was saved as PNG.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

from degrade.planning import Plan
from zoo.restorer import Card, Image
from zoo.restorers.face_by_face import restore_each
from zoo.restorers.jpeg_steps import BLOCK, luma_steps

__all__ = ["ShiftedJpeg", "estimate_quality"]

_LUMA_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601, as JFIF prescribes."""

_QUALITIES = range(4, 96)
"""Above 95 the quantisation step nears one level and there is nothing left to remove."""

_CERTAIN = 0.5
"""Measured: JPEGs of quality 5 to 95 give 0.00-0.08, with noise of 3 levels on top up to 0.75;
pictures never compressed, blurred or noisy give 0.95 and more."""

_ENOUGH_BLOCKS = 16
"""Fewer whole blocks than a 40 × 40 image has off its grid tell a quality from chance badly."""


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


def estimate_quality(image: Image) -> int | None:
    """Return the JPEG quality whose steps the pixels lie on, or None when they lie on none.

    For each quality, the block coefficients' distance to the nearest multiple of its steps is
    compared on the JPEG grid and on a grid shifted by half a block, where compression leaves no
    trace; the quality with the least ratio is the one (after Fan & de Queiroz 2003,
    "Identification of bitmap compression history").

    Parameters
    ----------
    image
        uint8 HWC RGB whose top left corner is a corner of the JPEG's blocks.

    Returns
    -------
    int or None
        1-100 on the scale of the Independent JPEG Group.
    """
    luma = image @ _LUMA_WEIGHTS - 128
    # Clipped colours have left the lattice of the coefficients.
    whole: NDArray[np.bool_] = np.all((image > 0) & (image < 255), axis=2)
    half = BLOCK // 2
    on_grid = _coefficients(luma, whole)
    off_grid = _coefficients(luma[half:-half, half:-half], whole[half:-half, half:-half])
    if min(len(on_grid), len(off_grid)) < _ENOUGH_BLOCKS:
        return None
    ratios = {
        quality: _rounding_error(on_grid, quality) / max(_rounding_error(off_grid, quality), 1e-6)
        for quality in _QUALITIES
    }
    best = min(ratios, key=ratios.__getitem__)
    return best if ratios[best] < _CERTAIN else None


def _deblock(face: Image) -> Image:
    quality = estimate_quality(face)
    if quality is None:
        return face.copy()
    height, width = face.shape[:2]
    # One block of border on each side, two behind, so every shift covers the whole face.
    border = (BLOCK, 2 * BLOCK)
    padded: Image = np.pad(face, (border, border, (0, 0)), mode="symmetric")
    total = np.zeros(face.shape, np.float32)
    # A checkerboard of half the 64 shifts: within 0.03 dB of all of them.
    shifts = [(y, x) for y in range(BLOCK) for x in range(BLOCK) if (y + x) % 2 == 0]
    for y, x in shifts:
        coded = _recompress(padded[y:, x:], quality)
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


def _coefficients(luma: NDArray[np.floating], whole: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the ``(n, 8, 8)`` cosine coefficients of the blocks without a clipped pixel."""
    unclipped = _blocks(whole).all(axis=(1, 2))
    transformed = dctn(_blocks(luma)[unclipped], axes=(1, 2), norm="ortho")
    return np.asarray(transformed, np.float32)


def _blocks(plane: NDArray[np.generic]) -> NDArray[np.generic]:
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    whole = plane[: rows * BLOCK, : columns * BLOCK]
    return whole.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2).reshape(-1, BLOCK, BLOCK)


def _rounding_error(coefficients: NDArray[np.float32], quality: int) -> float:
    """Return the mean squared distance to the nearest multiples of a quality's steps."""
    steps = luma_steps(quality)
    return float(np.mean((coefficients - np.rint(coefficients / steps) * steps) ** 2))
