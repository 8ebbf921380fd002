"""Blur: Gaussian, motion, defocus. Planes in and out; borders are mirrored; nothing moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.blur import point_spread as shapes
from degrade.ops.blur.correlate import (
    correlate_taps,
    correlate_terms,
    scratch_size,
)
from degrade.ops.blur.kernel_form import (
    SHARP,
    KernelForm,
    Slanted,
    TapList,
    gaussian_form,
    gaussian_taps,
    tap_list,
)
from degrade.ops.blur.runs import correlate_runs
from degrade.ops.kernels.memory import PLANES
from degrade.portable_math import cos_degrees, sin_degrees

__all__ = ["correlate", "defocus_blur", "gaussian_blur", "gaussian_taps", "motion_blur"]

Planes = NDArray[np.float32]

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
    done = correlate_runs(planes, chords, PLANES.take(planes.shape), scratch)
    PLANES.give(scratch)
    return done


def correlate(planes: Planes, form: KernelForm) -> Planes:
    """Return the planes correlated with a kernel in any of its forms."""
    if isinstance(form, TapList):
        return _correlate_list(planes, form)
    if isinstance(form, Slanted):
        between = first_pass(planes, form)
        rows, columns = second_pass(form)
        done = _correlate_list(
            between, TapList(rows, columns, form.line.weights.astype(np.float32))
        )
        PLANES.give(between)
        return done
    return correlate_terms(planes, form.columns, form.rows, PLANES.take(planes.shape))


def _correlate_list(planes: Planes, form: TapList) -> Planes:
    reaches = (int(np.abs(offsets).max()) for offsets in (form.rows, form.columns))
    scratch = _scratch(planes, *reaches)
    result = PLANES.take(planes.shape)
    done = correlate_taps(planes, form.rows, form.columns, form.weights, result, scratch)
    PLANES.give(scratch)
    return done


def _scratch(planes: Planes, down: int, across: int) -> Planes:
    return PLANES.take((scratch_size(planes.shape[1], planes.shape[2], down, across),))


def first_pass(planes: Planes, form: Slanted) -> Planes:
    """Return the planes after the first of two slanted passes."""
    one, first = np.ones((1, 1), np.float32), form.line.first.astype(np.float32)[None]
    columns, rows = (first, one) if form.upright else (one, first)
    return correlate_terms(planes, columns, rows, PLANES.take(planes.shape))


def second_pass(form: Slanted) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row and the column of each tap of the second pass."""
    line = form.line
    return (line.across, line.along) if form.upright else (line.along, line.across)
