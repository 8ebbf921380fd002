"""Blur: Gaussian, motion, defocus. Borders are mirrored; nothing moves.

Disks of many pixels are averages over rows of runs, by running sums: the cost does not grow with
the area.
"""

from __future__ import annotations

import numpy as np

from degrade.ops.blur import point_spread as shapes
from degrade.ops.blur.correlate import (
    ROWS,
    add_taps,
    clear,
    copy_rows,
    correlate_taps,
    correlate_terms,
    fresh_sheet,
    mirror_table,
    scratch_size,
)
from degrade.ops.blur.kernel_form import (
    SHARP,
    KernelForm,
    Slanted,
    TapList,
    gaussian_form,
    tap_list,
)
from degrade.ops.kernels.arrays import Float32, Float64, Int64, Planes
from degrade.ops.kernels.compile import inline, kernel
from degrade.ops.kernels.memory import PLANES
from degrade.ops.kernels.planes import reflected
from degrade.portable_math import cos_degrees, sin_degrees

_POINT = 0.5
"""A disk of at most this radius lies within a pixel: the identity."""


def gaussian_blur(
    planes: Planes,
    stream: object,
    *,
    sigma_x: float,
    sigma_y: float,
    angle: float,
    kernel_size: int,
) -> Planes:
    """Return the planes blurred by a Gaussian.

    Parameters
    ----------
    sigma_x, sigma_y
        Standard deviations along the turned axes, pixels.
    angle
        Degrees counter-clockwise from the horizontal to the ``sigma_x`` axis.
    kernel_size
        Odd width that the kernel is cut to, as published recipes do; 0 keeps 3.5 sigma.
    """
    if max(sigma_x, sigma_y) < SHARP:
        return planes
    return correlate(planes, gaussian_form(sigma_x, sigma_y, angle, kernel_size))


def motion_blur(planes: Planes, stream: object, *, length: float, angle: float) -> Planes:
    """Return the planes blurred along a centred line of ``length`` pixels at ``angle`` degrees."""
    if length <= 0:
        return planes
    taps = shapes.motion_line(float(length), cos_degrees(angle), sin_degrees(angle))
    return correlate(planes, tap_list(taps))


def defocus_blur(planes: Planes, stream: object, *, radius: float) -> Planes:
    """Return the planes blurred by a disk of ``radius`` pixels, its edge antialiased."""
    if radius <= _POINT:
        return planes
    if radius < shapes.RUNS_FROM:
        return correlate(planes, tap_list(shapes.disk(float(radius))))
    chords = shapes.disk_chords(float(radius))
    reach = chords.size // 2
    scratch = _scratch(planes, reach, reach + 3)
    blurred = correlate_runs(planes, chords, PLANES.take(planes.shape), scratch)
    PLANES.give(scratch)
    return blurred


def correlate(planes: Planes, form: KernelForm) -> Planes:
    """Return the planes correlated with a kernel in any of its forms."""
    if isinstance(form, TapList):
        return _correlate_list(planes, form)
    if isinstance(form, Slanted):
        between = first_pass(planes, form)
        rows, columns = second_pass(form)
        blurred = _correlate_list(
            between, TapList(rows, columns, form.line.weights.astype(np.float32))
        )
        PLANES.give(between)
        return blurred
    return correlate_terms(planes, form.columns, form.rows, PLANES.take(planes.shape))


def _correlate_list(planes: Planes, form: TapList) -> Planes:
    reaches = (int(np.abs(offsets).max()) for offsets in (form.rows, form.columns))
    scratch = _scratch(planes, *reaches)
    result = PLANES.take(planes.shape)
    blurred = correlate_taps(planes, form.rows, form.columns, form.weights, result, scratch)
    PLANES.give(scratch)
    return blurred


def _scratch(planes: Planes, down: int, across: int) -> Planes:
    return PLANES.take((scratch_size(planes.shape[1], planes.shape[2], down, across),))


def first_pass(planes: Planes, form: Slanted) -> Planes:
    """Return the planes after the first of two slanted passes."""
    one, first = np.ones((1, 1), np.float32), form.line.first.astype(np.float32)[None]
    columns, rows = (first, one) if form.upright else (one, first)
    return correlate_terms(planes, columns, rows, PLANES.take(planes.shape))


def second_pass(form: Slanted) -> tuple[Int64, Int64]:
    """Return the row and the column of each tap of the second pass."""
    line = form.line
    return (line.across, line.along) if form.upright else (line.along, line.across)


@inline
def _prefix_rows(plane: Float32, mirror: Int64, sums: Float32) -> None:
    """Set each row of ``sums`` to the running sum of the mirrored row, starting with 0.

    Eight rows go side by side: one row alone waits for every addition.
    """
    height, width = plane.shape
    radius = mirror.size // 2
    columns = width + 2 * radius
    totals = np.zeros(8, np.float32)
    for top in range(0, height, 8):
        many = min(8, height - top)
        totals[:] = np.float32(0.0)
        for x in range(columns):
            if x < radius:
                at = mirror[x]
            elif x < radius + width:
                at = x - radius
            else:
                at = mirror[x - width]
            for r in range(many):
                sums[top + r, x] = totals[r]
                totals[r] = totals[r] + plane[top + r, at]
        for r in range(many):
            sums[top + r, columns] = totals[r]


@kernel
def correlate_runs(
    planes: Float32, halves: Float64, result: Float32 | None = None, scratch: Float32 | None = None
) -> Float32:
    """Return the planes averaged over a shape whose rows are centred runs.

    Parameters
    ----------
    halves
        float64 (odd): half the length of the run in each row, pixels; the middle entry is the
        centre's row. A run that ends inside a pixel counts it in part.

    Notes
    -----
    A run is a difference of two running sums, interpolated where it ends inside a pixel: four
    taps a row, however long it is. Sums stay below 2**24 for images up to 60 000 wide, and
    what float32 loses in them is below 0.01 levels after the division by the area.
    """
    out = np.empty_like(planes) if result is None else result
    channels, height, width = planes.shape
    reach = halves.size // 2
    across = int(np.max(halves) + 0.5) + 2
    stride = width + 2 * across + 1
    area = 0.0
    for i in range(halves.size):
        area += 2.0 * halves[i]
    rows = np.empty(4 * halves.size, np.int64)
    shifts = np.empty(rows.size, np.int64)
    weights = np.empty(rows.size, np.float32)
    for i in range(halves.size):
        whole = int(halves[i] + 0.5)
        part = halves[i] + 0.5 - whole
        for k in range(4):
            rows[4 * i + k] = i - reach
        shifts[4 * i], weights[4 * i] = whole, (1.0 - part) / area
        shifts[4 * i + 1], weights[4 * i + 1] = 1 - whole, -(1.0 - part) / area
        shifts[4 * i + 2], weights[4 * i + 2] = whole + 1, part / area
        shifts[4 * i + 3], weights[4 * i + 3] = -whole, -part / area
    padded = fresh_sheet(scratch, height + 2 * reach + ROWS, stride)
    mirror = mirror_table(width, across)
    flat = padded.reshape(-1)
    starts = np.empty(rows.size, np.int64)
    total = np.empty((ROWS - 1) * stride + width, np.float32)
    for c in range(channels):
        _prefix_rows(planes[c], mirror, padded[reach : reach + height])
        for y in range(reach):
            padded[y] = padded[reach + reflected(y - reach, height)]
            padded[reach + height + y] = padded[reach + reflected(height + y, height)]
        for top in range(0, height, ROWS):
            for t in range(rows.size):
                starts[t] = (top + rows[t] + reach) * stride + across + shifts[t]
            clear(total)
            add_taps(total, flat, starts, weights)
            copy_rows(total, stride, top, out[c])
    return out
