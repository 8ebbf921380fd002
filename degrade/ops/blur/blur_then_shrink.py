"""A Gaussian blur and the linear shrink that follows it, as one: only what is read is blurred.

Most published face recipes blur an image and then keep a fiftieth of it. Rows between the ones
that the shrink reads are never made. Each row that is read lies a fraction below its base row, so
the vertical interpolation joins the kernel: one more tap row. Equal to the two steps one after the
other but for the order of float32 roundings (tested to 0.01 levels).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from degrade.ops.blur.blur import second_pass
from degrade.ops.blur.correlate import add_taps, clear, mirror_ends, mirror_table
from degrade.ops.blur.kernel_form import (
    SHARP,
    KernelForm,
    Slanted,
    TapList,
    Terms,
    gaussian_form,
)
from degrade.ops.kernels.arrays import Float32, Int64, Planes
from degrade.ops.kernels.compile import inline, kernel
from degrade.ops.kernels.memory import PLANES
from degrade.ops.kernels.planes import reflected
from degrade.ops.operation import Value
from degrade.ops.size.resize import FILTERS, resample, resample_table

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
    planes: Planes, form: KernelForm, bases: Int64, fractions: Float32, few: Planes
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
    tall, wide = (2 * int(np.abs(offsets).max()) for offsets in merged[:2])
    channels, height, width = planes.shape
    room = (height + tall + 1) * channels * (width + wide + level.size)
    scratch = PLANES.take((room,))
    taps_at_rows(planes, upright, level, *merged, bases, fractions, few, scratch)
    PLANES.give(scratch)


def _over_two_rows(taps: TapList) -> tuple[Int64, Int64, Float32, Float32]:
    """Return rows, columns, and each tap's weight for a row and for the row below it."""
    merged: dict[tuple[int, int], list[float]] = {}
    listed = zip(taps.rows.tolist(), taps.columns.tolist(), taps.weights.tolist(), strict=True)
    for row, column, weight in listed:
        merged.setdefault((row, column), [0.0, 0.0])[0] = weight
        merged.setdefault((row + 1, column), [0.0, 0.0])[1] = weight
    offsets = np.array(list(merged), np.int64)
    weights = np.array(list(merged.values()), np.float32)
    return (
        np.ascontiguousarray(offsets[:, 0]),
        np.ascontiguousarray(offsets[:, 1]),
        np.ascontiguousarray(weights[:, 0]),
        np.ascontiguousarray(weights[:, 1]),
    )


@inline
def _fill_sheet(planes: Float32, upright: Float32, above: int, across: int, sheet: Float32) -> None:
    """Fill ``sheet`` with the planes correlated down their columns with ``upright``.

    Channels stand side by side, each mirrored by ``across`` at its ends; ``above`` mirrored
    rows come before the first. A single tap of 1 copies.
    """
    channels, height, width = planes.shape
    stride = width + 2 * across
    mirror = mirror_table(width, across)
    half = upright.size // 2
    starts = np.empty(upright.size, np.int64)
    for y in range(height):
        row = sheet[above + y]
        for t in range(upright.size):
            starts[t] = reflected(y + t - half, height) * width
        for c in range(channels):
            whole = row[c * stride : (c + 1) * stride]
            middle = whole[across : across + width]
            clear(middle)
            add_taps(middle, planes[c].reshape(-1), starts, upright)
            mirror_ends(whole, mirror)
    for y in range(sheet.shape[0]):
        if y < above or y >= above + height:
            source = sheet[above + reflected(y - above, height)]
            target = sheet[y]
            for x in range(target.size):
                target[x] = source[x]


@inline
def _split_row(line: Float32, stride: int, row: int, result: Float32) -> None:
    """Copy each channel's part of a row to its plane."""
    channels, _, width = result.shape
    for c in range(channels):
        source, target = line[c * stride :], result[c, row]
        for x in range(width):
            target[x] = source[x]


@kernel
def terms_at_rows(
    planes: Float32,
    columns: Float32,
    rows: Float32,
    bases: Int64,
    fractions: Float32,
    result: Float32,
) -> Float32:
    """Return rows of the planes correlated with ``Σ outer(columns[k], rows[k])``.

    Parameters
    ----------
    columns, rows
        float32 (terms, odd length), centred.
    bases, fractions
        Of each wanted row: row ``bases[j]`` of the correlated image, times one minus the
        fraction, plus the next row times the fraction.
    result
        float32 (C, wanted rows, W), written into and returned.
    """
    channels, height, width = planes.shape
    terms, tall = columns.shape
    down, across = tall // 2, rows.shape[1] // 2
    stride = width + 2 * across
    mirror = mirror_table(width, across)
    line = np.zeros(channels * stride + 2 * across, np.float32)
    total = np.empty(channels * stride, np.float32)
    shifts = np.arange(rows.shape[1]).astype(np.int64)
    starts = np.empty(tall + 1, np.int64)
    weights = np.empty(tall + 1, np.float32)
    one = np.float32(1.0)
    for j in range(bases.size):
        part = fractions[j]
        for t in range(tall + 1):
            starts[t] = reflected(bases[j] + t - down, height) * width
        clear(total)
        for k in range(terms):
            weights[0] = (one - part) * columns[k, 0]
            weights[tall] = part * columns[k, tall - 1]
            for t in range(1, tall):
                weights[t] = (one - part) * columns[k, t] + part * columns[k, t - 1]
            for c in range(channels):
                whole = line[c * stride : (c + 1) * stride]
                middle = whole[across : across + width]
                clear(middle)
                add_taps(middle, planes[c].reshape(-1), starts, weights)
                mirror_ends(whole, mirror)
            add_taps(total, line, shifts, rows[k])
        _split_row(total, stride, j, result)
    return result


@kernel
def taps_at_rows(
    planes: Float32,
    upright: Float32,
    level: Float32,
    rows: Int64,
    columns: Int64,
    weights: Float32,
    next_weights: Float32,
    bases: Int64,
    fractions: Float32,
    result: Float32,
    scratch: Float32,
) -> Float32:
    """Return rows of the planes correlated with a list of taps, and along an axis besides.

    Parameters
    ----------
    upright, level
        float32 (odd): a kernel down the columns, used on every row before the taps, and one
        along the rows, used on the wanted rows after them; a single 1 for none.
    rows, columns
        int64, offset of each tap from the base row and the column.
    weights, next_weights
        float32: the tap's weight for the base row, and for the row after it.
    bases, fractions, result
        As in `terms_at_rows`.
    scratch
        float32, flat: ``(H + 2 down + 1) * C * (W + 2 across + level's taps)`` for taps that
        reach that far.
    """
    channels, height, width = planes.shape
    across = down = 0
    for t in range(rows.size):
        across = max(across, abs(columns[t]))
        down = max(down, abs(rows[t]))
    half = level.size // 2
    stride = width + 2 * (across + half)
    flat = scratch[: (height + 2 * down + 1) * channels * stride]
    sheet = flat.reshape(height + 2 * down + 1, channels * stride)
    _fill_sheet(planes, upright, down, across + half, sheet)
    line = np.zeros(channels * stride + 2 * half, np.float32)
    total = np.empty(channels * stride, np.float32)
    starts = np.empty(rows.size, np.int64)
    mixed = np.empty(rows.size, np.float32)
    shifts = np.arange(level.size).astype(np.int64)
    one = np.float32(1.0)
    for j in range(bases.size):
        part = fractions[j]
        for t in range(rows.size):
            row = bases[j] + rows[t] + down
            starts[t] = row * channels * stride + across + columns[t]
            mixed[t] = (one - part) * weights[t] + part * next_weights[t]
        reached = line[: channels * stride - 2 * across]
        clear(reached)
        add_taps(reached, flat, starts, mixed)
        clear(total)
        add_taps(total[: channels * stride - 2 * across], line, shifts, level)
        _split_row(total, stride, j, result)
    return result
