"""Blur of a moving camera: a hand's crooked path, and ImageNet-C's one-sided line."""

from __future__ import annotations

import math

import numpy as np

from degrade.ops.blur.camera_paths import camera_path, mean_offset, one_sided_taps
from degrade.ops.blur.correlate import correlate_taps
from degrade.ops.kernels.arrays import Float64, Planes
from degrade.ops.kernels.memory import PLANES
from degrade.ops.kernels.planes import framed, unframed

Taps = Float64


def shake_blur(
    planes: Planes,
    stream: object,
    *,
    length: float,
    angle: float,
    bend: float,
    path: int,
    removed_down: float = 0.0,
    removed_right: float = 0.0,
) -> Planes:
    """Return the planes blurred along a hand's path, moved back so that its mean stays in place.

    Parameters
    ----------
    length
        Of the path, pixels.
    angle
        Direction at its start, degrees counter-clockwise from the horizontal.
    bend
        Standard deviation of the direction at its end from that at its start, degrees.
    path
        Which of all the paths of this length, angle and bend.
    removed_down, removed_right
        Recorded by the plan: the shift from the path's start that was taken out, pixels.
        Changes nothing.
    """
    if length <= 0:
        return planes
    taps = shake_taps(float(length), float(angle), float(bend), path)
    rows, columns = np.nonzero(taps)
    middle = taps.shape[0] // 2
    weights = taps[rows, columns].astype(np.float32)
    result = PLANES.take(planes.shape)
    return correlate_taps(planes, rows - middle, columns - middle, weights, result)


def shake_taps(length: float, angle: float, bend: float, path: int) -> Taps:
    """Return the point-spread function of a path: square, odd, sum 1, centroid in the middle.

    Sixteen points a pixel, each spread over the four pixels around it. A point of light goes
    along the path, so the correlation reads it backwards.
    """
    corners = camera_path(length, angle, bend, path)
    mean_down, mean_right = mean_offset(corners)
    between = max(1, math.ceil(16.0 * length / (len(corners) - 1)))
    shares = (np.arange(between) + 0.5) / between
    ends = np.array(corners) - (mean_down, mean_right)
    points = ends[:-1, None] + shares[:, None] * (ends[1:] - ends[:-1])[:, None]
    # Reversed: the pixel that gives its light lies against the direction of motion.
    offsets = -points.reshape(-1, 2)
    radius = math.ceil(float(np.abs(offsets).max())) + 1
    taps = np.zeros((2 * radius + 1, 2 * radius + 1))
    before = np.floor(offsets)
    down, right = (offsets - before).T
    top, left = (before.astype(np.int64) + radius).T
    for row, across in ((0, 1.0 - down), (1, down)):
        for column, along in ((0, 1.0 - right), (1, right)):
            np.add.at(taps, (top + row, left + column), across * along)
    return taps / len(offsets)


def one_sided_motion_blur(
    planes: Planes,
    stream: object,
    *,
    radius: int,
    sigma: float,
    angle: float,
    moved_down: float = 0.0,
    moved_right: float = 0.0,
) -> Planes:
    """Return the planes blurred by ImageNet-C's motion: half a Gaussian, off centre.

    Parameters
    ----------
    radius
        The line has ``2 * radius + 1`` taps.
    sigma
        Of the half Gaussian, pixels.
    angle
        Where the light comes from, degrees counter-clockwise (ImageNet-C's counts clockwise).
    moved_down, moved_right
        Recorded by the plan: how far the image moves, pixels. Changes nothing.

    Notes
    -----
    Borders repeat. `motion_blur` is the centred line.
    """
    offsets, weights = one_sided_taps(radius, float(sigma), float(angle))
    rows, columns = np.array(offsets, np.int64).T
    reach = int(max(np.abs(rows).max(), np.abs(columns).max()))
    taps = np.array(weights).astype(np.float32)
    nonzero = taps > 0.0
    channels, height, width = planes.shape
    shape = channels, height + 2 * reach, width + 2 * reach
    wide = framed(planes, reach, PLANES.take(shape))
    moved = correlate_taps(
        wide, rows[nonzero].copy(), columns[nonzero].copy(), taps[nonzero], PLANES.take(shape)
    )
    result = unframed(moved, reach, PLANES.take(planes.shape))
    PLANES.give(wide)
    PLANES.give(moved)
    return result
