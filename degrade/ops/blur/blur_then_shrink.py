"""A Gaussian blur and the linear shrink that follows it, as one: only what is read is blurred.

Most published face recipes blur a picture and then keep a fiftieth of it. Rows between the ones
that the shrink reads are never made. Equal to the two steps one after the other but for the
order of float32 roundings (tested to 0.01 levels).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from degrade.ops.blur.blur import second_pass
from degrade.ops.blur.correlate_rows import taps_at_rows, terms_at_rows
from degrade.ops.blur.kernel_form import (
    SHARP,
    KernelForm,
    Slanted,
    TapList,
    Terms,
    gaussian_form,
)
from degrade.ops.kernels.memory import PLANES
from degrade.ops.operation import Value
from degrade.ops.size.resample import FILTERS, resample, resample_table

__all__ = ["blur_then_shrink"]

Planes = NDArray[np.float32]

_WORTH_IT = 1.25
"""Shrink factor from which leaving rows out saves more than working on single rows costs."""


def blur_then_shrink(
    planes: Planes, blur: Mapping[str, Value], resize: Mapping[str, Value]
) -> Planes | None:
    """Return the planes after `gaussian_blur` and `resize`, or None where it does not apply.

    Parameters
    ----------
    planes
        float32 (3, H, W), levels 0-255.
    blur, resize
        The parameters of the two steps.
    """
    height, width = int(resize["height"]), int(resize["width"])
    if resize["filter"] != "linear" or resize["antialias"]:
        return None
    if planes.shape[1] < _WORTH_IT * height or planes.shape[2] < width:
        return None
    sigma_x, sigma_y = float(blur["sigma_x"]), float(blur["sigma_y"])
    if max(sigma_x, sigma_y) < SHARP:
        return None
    angle, size = float(blur["angle"]), int(blur["kernel_size"])
    form = gaussian_form(sigma_x, sigma_y, angle, size)
    rows, row_weights = resample_table(FILTERS.index("linear"), planes.shape[1], height, False)
    bases, fractions = np.ascontiguousarray(rows[:, 0]), np.ascontiguousarray(row_weights[:, 1])
    few = PLANES.take((planes.shape[0], height, planes.shape[2]))
    _wanted_rows(planes, form, bases, fractions, few)
    columns, column_weights = resample_table(FILTERS.index("linear"), planes.shape[2], width, False)
    every = np.arange(height, dtype=np.int64)[:, None]
    result = PLANES.take((planes.shape[0], height, width))
    resample(few, every, np.ones((height, 1), np.float32), columns, column_weights, result)
    PLANES.give(few)
    return result


def _wanted_rows(
    planes: Planes,
    form: KernelForm,
    bases: NDArray[np.int64],
    fractions: NDArray[np.float32],
    few: Planes,
) -> None:
    if isinstance(form, Terms):
        terms_at_rows(planes, form.columns, form.rows, bases, fractions, few)
        return
    upright = level = np.ones(1, np.float32)
    if isinstance(form, Slanted):
        first = form.line.first.astype(np.float32)
        upright, level = (first, level) if form.upright else (upright, first)
        form = TapList(*second_pass(form), form.line.weights.astype(np.float32))
    merged = _over_two_rows(form)
    tall, wide = (2 * int(np.abs(places).max()) for places in merged[:2])
    channels, height, width = planes.shape
    room = (height + tall + 1) * channels * (width + wide + level.size)
    scratch = PLANES.take((room,))
    taps_at_rows(planes, upright, level, *merged, bases, fractions, few, scratch)
    PLANES.give(scratch)


def _over_two_rows(
    taps: TapList,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Return rows, columns, and each tap's weight for a row and for the row below it."""
    merged: dict[tuple[int, int], list[float]] = {}
    listed = zip(taps.rows.tolist(), taps.columns.tolist(), taps.weights.tolist(), strict=True)
    for row, column, weight in listed:
        merged.setdefault((row, column), [0.0, 0.0])[0] = weight
        merged.setdefault((row + 1, column), [0.0, 0.0])[1] = weight
    places = np.array(list(merged), np.int64)
    weights = np.array(list(merged.values()), np.float32)
    return (
        np.ascontiguousarray(places[:, 0]),
        np.ascontiguousarray(places[:, 1]),
        np.ascontiguousarray(weights[:, 0]),
        np.ascontiguousarray(weights[:, 1]),
    )
