"""Glass: blur, pixels that change places with near ones in a fixed order, blur again."""

from __future__ import annotations

import numpy as np

from degrade.ops.blur.blur import gaussian_blur
from degrade.ops.blur.correlate import correlate_separable
from degrade.ops.blur.point_spread import gaussian_1d
from degrade.ops.kernels.arrays import Float32, Int32, Planes, UInt32
from degrade.ops.kernels.compile import inline, kernel
from degrade.ops.kernels.memory import PLANES
from degrade.ops.kernels.philox import BLOCKS, CHUNK, fill_words
from degrade.ops.kernels.planes import framed, truncated, unframed


def glass_blur(
    planes: Planes,
    stream: UInt32,
    *,
    sigma: float,
    distance: int,
    iterations: int,
    exact: bool,
    moved_down: float = 0.0,
    moved_right: float = 0.0,
) -> Planes:
    """Return the planes as through frosted glass.

    Parameters
    ----------
    sigma
        Of the Gaussian blur before and after, pixels.
    distance
        How far a pixel may go in one round along each axis, pixels.
    iterations
        Rounds.
    exact
        ImageNet-C's arithmetic: levels truncated to 8 bits after the first blur, borders that
        repeat, kernels of 4 sigma, and the "swap" that copies and pulls the image down and
        to the right. False swaps truly, each pixel once a round at most, and moves nothing.
    moved_down, moved_right
        Recorded by the plan: the mean shift of ``exact``, pixels. Changes nothing.
    """
    blurred = _blurred_with_repeated_border if exact else _blurred
    soft = blurred(planes, float(sigma))
    if exact:
        soft = truncated(soft, PLANES.take(soft.shape))
    _, height, width = planes.shape
    shuffle = copied_from if exact else swapped_from
    origins = shuffle(height, width, distance, iterations, stream)
    shuffled = gathered(soft, origins, PLANES.take(soft.shape))
    return blurred(shuffled, float(sigma))


def _blurred(planes: Planes, sigma: float) -> Planes:
    return gaussian_blur(planes, None, sigma_x=sigma, sigma_y=sigma, angle=0.0, kernel_size=0)


def _blurred_with_repeated_border(planes: Planes, sigma: float) -> Planes:
    """Return skimage.filters.gaussian: mode nearest, cut at 4 sigma."""
    radius = int(4.0 * sigma + 0.5)
    if radius == 0:
        return planes
    side = gaussian_1d(sigma, radius).astype(np.float32)
    channels, height, width = planes.shape
    shape = channels, height + 2 * radius, width + 2 * radius
    wide = framed(planes, radius, PLANES.take(shape))
    blurred = correlate_separable(wide, side, side, PLANES.take(shape))
    result = unframed(blurred, radius, PLANES.take(planes.shape))
    PLANES.give(wide)
    PLANES.give(blurred)
    return result


@inline
def _offset(word: np.uint32, span: np.uint32, distance: int) -> tuple[np.int64, np.int64]:
    """Return (down, right), each one of ``span`` values from −distance on, by 16 bits of a word."""
    right = np.int64(((word & np.uint32(0xFFFF)) * span) >> np.uint32(16)) - distance
    down = np.int64(((word >> np.uint32(16)) * span) >> np.uint32(16)) - distance
    return down, right


@inline
def _fill_round(stream: UInt32, round_number: int, words: UInt32) -> None:
    """Fill whole chunks of words with those of one round."""
    chunks = words.size // CHUNK
    for chunk in range(chunks):
        part = words[chunk * CHUNK : (chunk + 1) * CHUNK]
        fill_words(stream, (round_number * chunks + chunk) * BLOCKS, part)


@inline
def _round_of_words(height: int, width: int) -> UInt32:
    return np.empty((height * width + CHUNK - 1) // CHUNK * CHUNK, np.uint32)


@kernel
def copied_from(height: int, width: int, distance: int, iterations: int, stream: UInt32) -> Int32:
    """Return where each pixel comes from in ImageNet-C's glass, int32 (H * W) flat positions.

    make_imagenet_c.py, glass_blur: from the last row and column to the first, offsets of
    −d … d − 1, a margin of d left alone; its "swap" of array views copies the other pixel here
    and leaves it there.

    Parameters
    ----------
    height, width
        Of the image, pixels.
    distance
        Largest offset d along each axis, pixels, from 1 on.
    iterations
        Rounds. Round k takes the words of a run of its own, one for each flat position: the low
        half is the offset along the row, the high half the one along the column.
    """
    origins = np.arange(height * width).astype(np.int32)
    words = _round_of_words(height, width)
    for round_number in range(iterations):
        _fill_round(stream, round_number, words)
        for y in range(height - distance, distance, -1):
            for x in range(width - distance, distance, -1):
                position = y * width + x
                down, right = _offset(words[position], np.uint32(2 * distance), distance)
                origins[position] = origins[position + down * width + right]
    return origins


@kernel
def swapped_from(height: int, width: int, distance: int, iterations: int, stream: UInt32) -> Int32:
    """Return where each pixel comes from when pixels swap places, int32 (H * W) flat positions.

    Offsets of −d … d; each pixel moves once a round at most. A partner that has moved already,
    or lies outside, is replaced by the one on the opposite side; if that has moved too, the
    pixel stays. Every swap moves two pixels by opposite offsets, so nothing moves on the
    average and no side is preferred: swaps in the order of a scan that let a pixel move again
    carry a few far ahead of it, and the image looks shifted by a tenth of a pixel (measured).
    Parameters as `copied_from`.
    """
    origins = np.arange(height * width).astype(np.int32)
    words = _round_of_words(height, width)
    # A frame of pixels that count as moved stands for the border.
    wide = width + 2 * distance
    moved = np.empty((height + 2 * distance) * wide, np.uint8)
    for round_number in range(iterations):
        _fill_round(stream, round_number, words)
        moved[:] = 1
        for y in range(height):
            start = (y + distance) * wide + distance
            moved[start : start + width] = 0
        for y in range(height):
            for x in range(width):
                down, right = _offset(words[y * width + x], np.uint32(2 * distance + 1), distance)
                here = (y + distance) * wide + x + distance
                step = down * wide + right
                if moved[here] or step == 0:
                    continue
                side = 1 - 2 * np.int64(moved[here + step])
                if moved[here + side * step]:
                    continue
                moved[here] = moved[here + side * step] = 1
                position = y * width + x
                other = position + side * (down * width + right)
                origins[position], origins[other] = origins[other], origins[position]
    return origins


@kernel
def gathered(planes: Float32, origins: Int32, result: Float32) -> Float32:
    """Write the pixels of ``planes``, float32 (C, H, W), from their origins into ``result``."""
    for c in range(planes.shape[0]):
        source, target = planes[c].reshape(-1), result[c].reshape(-1)
        for i in range(origins.size):
            target[i] = source[origins[i]]
    return result
