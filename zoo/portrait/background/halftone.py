"""Take a printed photograph's screen off: halftone dots, stripes, moiré of both.

In small overlapping blocks, what stands at the screen's frequencies is brought down to what lies
around them: a block without dots keeps its detail.
"""

from __future__ import annotations

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from zoo.portrait.background.quality import OPPONENT
from zoo.portrait.background.screen_detection import Plane, Screen, find_screen
from zoo.restorer import Image

__all__ = ["remove_halftone"]

_PERIODS, _FAINT_PERIODS = 6.0, 10.0
"""Periods of the screen in a block, where it is strong and where it is faint. Measured on faces
printed at periods of 4 to 8 pixels: 5 and 7 lose 0.1 dB. More of them take less of the picture
from around a peak, and follow dots that change their size less well."""
_FAINT_POWER, _STRONG_POWER = 2.0, 4.0
"""Natural logarithm of the power over its ground of faint and of strong screens."""
_SMALLEST, _LARGEST = 16, 192
"""Pixels of a block's side."""
_REACH = 2.6
"""Bins around a peak that belong to it: 2 is the window's own width, the rest that of dots that
change their size. Measured likewise: 2 loses 1 dB at periods of 8."""
_LEFT = 0.2
"""Share of the amplitude around that a peak is left with; noise of the dots lies around too."""
_BELOW = 1.6
"""Bins around the mean that are never touched."""
_NEAR, _FAR, _FAR_WEIGHT = 2.5, 8.0, 1e-3
"""Deviations, bins, of the weights of what lies around, and the share of the wider one, which
counts where all that is near is screen itself."""
_ASIDE, _ALONG = 0.7, 5.0
"""Deviations, bins, of the weights of what lies in the same direction: beside and along it."""
_TINY = 1e-6
_ROOT3 = np.sqrt(np.float32(3.0))
_ROWS = 256
"""Rows whose colours are worked on at a time: bounds the memory."""


def remove_halftone(image: Image) -> Image:
    """Return the image without the dots or stripes of print that are all over it.

    Parameters
    ----------
    image
        uint8 (height, width, 3) RGB or (height, width) grey; not written to.

    Returns
    -------
    Image
        Of the same shape; the same bytes where no screen is certain. Grey stays grey.
    """
    if image.ndim == 2:
        grey = image.astype(np.float32)
        change = _change(grey)
        return image.copy() if change is None else _rounded(grey + change)
    colours = 1 if _is_grey(image) else len(OPPONENT)
    changes = [(axis, _change(_projected(image, axis))) for axis in OPPONENT[:colours]]
    result = image.copy()
    for top in range(0, len(image), _ROWS):
        rows = np.s_[top : top + _ROWS]
        levels = image[rows].astype(np.float32)
        for axis, change in changes:
            if change is not None:
                levels += change[rows][..., None] * (axis * _ROOT3)
        result[rows] = _rounded(levels)
    return result


def _projected(image: Image, axis: NDArray[np.float32]) -> Plane:
    """Return a plane of `OPPONENT`; the first is the mean of the channels, in levels."""
    plane = np.zeros(image.shape[:2], np.float32)
    for channel, share in enumerate(axis / _ROOT3):
        plane += share * image[..., channel]
    return plane


def _is_grey(image: Image) -> bool:
    red, green, blue = cv2.split(image)
    return bool(np.array_equal(red, green) and np.array_equal(green, blue))


def _rounded(levels: NDArray[np.float32]) -> Image:
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)


def _change(plane: Plane) -> Plane | None:
    """Return what to add to a plane of levels, None where it has no screen."""
    screen = find_screen(plane)
    return None if screen is None else _minus_screen(plane, screen)


def _minus_screen(plane: Plane, screen: Screen) -> Plane:
    half = _block_side(screen) // 2
    side = 2 * half
    window = np.hanning(side + 1)[:side].astype(np.float32)
    own, around, weights = _ground_weights(side, screen.peaks)
    height, width = plane.shape
    # An even number of half blocks, one of them before the first pixel and one after the last.
    rows, columns = (half + -length % half + half for length in plane.shape)
    columns += (width + half + columns) // half % 2 * half
    margins = half, rows, half, columns
    wide = np.asarray(cv2.copyMakeBorder(plane, *margins, cv2.BORDER_REFLECT), np.float32)
    total = np.zeros_like(wide)
    window = window[:, None] * window
    for top in range(0, len(wide) - side + 1, half):
        strip = wide[top : top + side]
        for left in (0, half):
            # Blocks side by side; those between them come in the second round.
            count = (strip.shape[1] - left) // side
            part = np.s_[top : top + side, left : left + count * side]
            blocks = wide[part].reshape(side, count, side).transpose(1, 0, 2)
            spectra = scipy.fft.rfft2(blocks * window, axes=(1, 2))
            change = _lowered(spectra.reshape(count, -1), own, around, weights)
            change = scipy.fft.irfft2(change.reshape(spectra.shape), s=(side, side), axes=(1, 2))
            # A second window: a peak that sinks in one block and not in the next leaves no seam.
            total[part] += (change * window).transpose(1, 0, 2).reshape(side, -1)
    overlap = np.square(window[:half]) + np.square(window[half:])
    overlap = overlap[:, :half] + overlap[:, half:]
    total /= np.tile(overlap, (len(total) // half, total.shape[1] // half))
    return total[half : half + height, half : half + width]


def _block_side(screen: Screen) -> int:
    """Return an even number of pixels."""
    periods = np.interp(screen.power, (_FAINT_POWER, _STRONG_POWER), (_FAINT_PERIODS, _PERIODS))
    return 2 * round(np.clip(periods / screen.frequency, _SMALLEST, _LARGEST) / 2)


def _lowered(
    spectra: NDArray[np.complex64],
    own: NDArray[np.int64],
    around: NDArray[np.int64],
    weights: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> NDArray[np.complex64]:
    """Return what to add to the spectra (blocks, bins) so that the peaks sink into their ground."""
    amplitudes = np.abs(spectra[:, around])
    # An edge is a streak through the mean, stronger than what lies beside it.
    ground = np.maximum(amplitudes @ weights[0], amplitudes @ weights[1])
    peaks = spectra[:, own]
    gain = ground / np.maximum(np.abs(peaks), _TINY)
    # Nothing of what is as strong as its ground, all of what is twice as strong.
    sunk = np.clip(1.0 / np.maximum(gain, _TINY) - 1.0, 0.0, 1.0)
    change = np.zeros_like(spectra)
    change[:, own] = peaks * sunk * (np.minimum(_LEFT * gain, 1.0) - 1.0)
    return change


def _ground_weights(
    side: int, peaks: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Return the bins of the screen, those around, and how these make the ground of each.

    Bins are numbered as `scipy.fft.rfft2` lays them out. Amplitudes of pictures fall as one over
    the frequency: multiplied by it, near and far ones may be averaged.
    """
    bins = np.stack(
        np.broadcast_arrays(
            scipy.fft.fftfreq(side, 1.0 / side)[:, None], scipy.fft.rfftfreq(side, 1.0 / side)
        ),
        axis=-1,
    ).reshape(-1, 2)
    frequency = np.hypot(bins[:, 0], bins[:, 1])
    usable = frequency > _BELOW
    screen = usable & (_distances(bins, peaks * side, side).min(axis=1) < _REACH)
    own, around = np.flatnonzero(screen), np.flatnonzero(usable & ~screen)
    apart = np.square(_distances(bins[around], bins[own], side))
    near = np.exp(-apart / (2.0 * _NEAR**2)) + _FAR_WEIGHT * np.exp(-apart / (2.0 * _FAR**2))
    away = np.abs(np.outer(bins[around, 0], bins[own, 1]) - np.outer(bins[around, 1], bins[own, 0]))
    away /= frequency[own]
    along = np.exp(-np.square(away) / (2.0 * _ASIDE**2) - apart / (2.0 * _ALONG**2))
    whitening = frequency[around][:, None] / frequency[own]
    shares = [kernel / np.maximum(kernel.sum(axis=0), _TINY) for kernel in (near, along)]
    return own, around, tuple((share * whitening).astype(np.float32) for share in shares)


def _distances(
    bins: NDArray[np.float64], others: NDArray[np.float64], side: int
) -> NDArray[np.float64]:
    """Return how far each of (n, 2) bins is from each of others or their opposites, (n, others)."""
    opposites = []
    for sign in (1.0, -1.0):
        apart = bins[:, None] - sign * others
        apart -= side * np.rint(apart / side)
        opposites.append(np.hypot(apart[..., 0], apart[..., 1]))
    return np.minimum(*opposites)
