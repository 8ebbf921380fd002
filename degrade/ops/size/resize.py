"""Resizing, for good or there and back: one table of taps for each axis, applied in two passes.

Pixel centres map as (i + ½) · input / output − ½. Without antialias the filter keeps its own
width and the border pixel repeats (OpenCV's INTER_NEAREST aside, which is off centre); with it
the filter widens by the shrink factor and the weights inside the image are normalised
(Pillow's way). ``area`` always covers the source interval exactly.
"""

from __future__ import annotations

import math

import numpy as np

from degrade.ops.kernels.arrays import Float32, Float64, Int64, Planes
from degrade.ops.kernels.compile import inline, kernel
from degrade.ops.kernels.memory import PLANES


def resize(
    planes: Planes, stream: object, *, height: int, width: int, filter: str, antialias: bool
) -> Planes:
    """Return the planes at ``(height, width)``.

    ``linear`` and ``cubic`` without antialias are OpenCV's INTER_LINEAR and INTER_CUBIC.
    """
    if planes.shape[1:] == (height, width):
        return planes
    code = FILTERS.index(filter)
    rows = resample_table(code, planes.shape[1], height, antialias)
    columns = resample_table(code, planes.shape[2], width, antialias)
    result = PLANES.take((planes.shape[0], height, width))
    resized = resample(planes, *rows, *columns, result)
    if filter in ("cubic", "lanczos3"):
        np.clip(resized, 0.0, 255.0, out=resized)
    return resized


def resize_blur(
    planes: Planes, stream: object, *, height: int, width: int, down: str, up: str
) -> Planes:
    """Return the planes shrunk to ``(height, width)`` and enlarged back to their own size."""
    small = resize(planes, stream, height=height, width=width, filter=down, antialias=True)
    full_height, full_width = planes.shape[1:]
    back = resize(small, stream, height=full_height, width=full_width, filter=up, antialias=False)
    if back is not small:
        PLANES.give(small)
    return back


FILTERS = ("nearest", "area", "linear", "cubic", "lanczos3")
"""Filter names; the position is the code the kernels use."""

_CUBIC = -0.75
"""OpenCV's cubic coefficient, modules/imgproc/src/resize.cpp; Pillow's is -0.5."""


@inline
def _weight(code: int, x: float) -> float:
    """Return the filter at distance x in (widened) source pixels."""
    x = abs(x)
    if code == 2:
        return max(0.0, 1.0 - x)
    if code == 3:
        if x < 1.0:
            return ((_CUBIC + 2.0) * x - (_CUBIC + 3.0)) * x * x + 1.0
        if x < 2.0:
            return ((_CUBIC * x - 5.0 * _CUBIC) * x + 8.0 * _CUBIC) * x - 4.0 * _CUBIC
        return 0.0
    if x >= 3.0:
        return 0.0
    return float(_sinc(x) * _sinc(x / 3.0))


@inline
def _sinc(x: float) -> float:
    """Return sin(πx) / (πx) for 0 <= x <= 3 by the sine's series around the nearest integer."""
    if x < 1e-8:
        return 1.0
    whole = float(math.floor(x + 0.5))
    r = 3.141592653589793 * (x - whole)
    square = r * r
    total = 1.0
    for n in range(18, 0, -2):
        total = 1.0 - total * square / (n * (n + 1))
    sine = r * total
    if int(whole) % 2 == 1:
        sine = -sine
    return sine / (3.141592653589793 * x)


@inline
def _area_taps(size_in: int, size_out: int, indices: Int64, weights: Float64) -> None:
    scale = size_in / size_out
    for i in range(size_out):
        begin, end = i * scale, min((i + 1) * scale, float(size_in))
        first = min(int(np.floor(begin)), size_in - 1)
        for t in range(indices.shape[1]):
            left, right = max(begin, float(first + t)), min(end, float(first + t + 1))
            indices[i, t] = min(first + t, size_in - 1)
            weights[i, t] = max(0.0, right - left)


@inline
def _filter_taps(
    code: int, size_in: int, size_out: int, antialias: bool, indices: Int64, weights: Float64
) -> None:
    scale = size_in / size_out
    wide = max(1.0, scale) if antialias else 1.0
    half = indices.shape[1] // 2
    for i in range(size_out):
        centre = (i + 0.5) * scale - 0.5
        first = int(np.floor(centre)) - half + 1
        for t in range(indices.shape[1]):
            position = first + t
            inside = min(max(position, 0), size_in - 1)
            indices[i, t] = inside
            weights[i, t] = _weight(code, (position - centre) / wide)
            if antialias and position != inside:
                weights[i, t] = 0.0


@kernel
def resample_table(
    code: int, size_in: int, size_out: int, antialias: bool
) -> tuple[Int64, Float32]:
    """Return ``indices`` (int64) and ``weights`` (float32), both (size_out, taps), rows sum to 1.

    Parameters
    ----------
    code
        Position in `FILTERS`.
    size_in, size_out
        Pixels along the axis.
    antialias
        Widen the filter by the shrink factor.
    """
    scale = size_in / size_out
    support = 1.0 if code == 2 else (2.0 if code == 3 else 3.0)
    wide = max(1.0, scale) if antialias else 1.0
    taps = 2 * int(np.ceil(support * wide))
    if code == 0:
        taps = 1
    elif code == 1:
        taps = int(np.ceil(scale)) + 1
    indices = np.zeros((size_out, taps), np.int64)
    weights = np.zeros((size_out, taps), np.float64)
    if code == 0:
        for i in range(size_out):
            # floor((i + ½) · input / output), exact also where it is a whole number.
            indices[i, 0] = ((2 * i + 1) * size_in) // (2 * size_out)
            weights[i, 0] = 1.0
    elif code == 1:
        _area_taps(size_in, size_out, indices, weights)
    else:
        _filter_taps(code, size_in, size_out, antialias, indices, weights)
    for i in range(size_out):
        total = 0.0
        for t in range(taps):
            total += weights[i, t]
        for t in range(taps):
            weights[i, t] /= total
    return indices, weights.astype(np.float32)


@inline
def _across(row: Float32, columns: Int64, weights: Float32, target: Float32) -> None:
    """Resize one row."""
    taps = columns.shape[1]
    if taps == 2:
        for x in range(target.size):
            target[x] = weights[x, 0] * row[columns[x, 0]] + weights[x, 1] * row[columns[x, 1]]
        return
    for x in range(target.size):
        total = np.float32(0.0)
        for t in range(taps):
            total = total + weights[x, t] * row[columns[x, t]]
        target[x] = total


@inline
def _add_row(weight: np.float32, row: Float32, target: Float32) -> None:
    for x in range(target.size):
        target[x] = target[x] + weight * row[x]


@inline
def _enlarge(
    plane: Float32,
    rows: Int64,
    row_weights: Float32,
    columns: Int64,
    column_weights: Float32,
    out: Float32,
) -> None:
    """Across first: each source row once, kept while the results that need it pass."""
    taps = rows.shape[1]
    row_buffer = np.empty((taps, out.shape[1]), np.float32)
    holds = np.full(taps, -1, np.int64)
    for y in range(out.shape[0]):
        target = out[y]
        for t in range(taps):
            row = rows[y, t]
            position = row % taps
            if holds[position] != row:
                _across(plane[row], columns, column_weights, row_buffer[position])
                holds[position] = row
        if taps == 2:
            upper, lower = row_buffer[rows[y, 0] % 2], row_buffer[rows[y, 1] % 2]
            above, below = row_weights[y, 0], row_weights[y, 1]
            for x in range(target.size):
                target[x] = above * upper[x] + below * lower[x]
            continue
        for x in range(target.size):
            target[x] = np.float32(0.0)
        for t in range(taps):
            if row_weights[y, t] != np.float32(0.0):
                _add_row(row_weights[y, t], row_buffer[rows[y, t] % taps], target)


@inline
def _shrink(
    plane: Float32,
    rows: Int64,
    row_weights: Float32,
    columns: Int64,
    column_weights: Float32,
    out: Float32,
) -> None:
    """Down first: the gathering pass across then runs over the fewer rows."""
    line = np.empty(plane.shape[1], np.float32)
    for y in range(out.shape[0]):
        for x in range(line.size):
            line[x] = np.float32(0.0)
        for t in range(rows.shape[1]):
            if row_weights[y, t] != np.float32(0.0):
                _add_row(row_weights[y, t], plane[rows[y, t]], line)
        _across(line, columns, column_weights, out[y])


@kernel
def resample(
    planes: Float32,
    rows: Int64,
    row_weights: Float32,
    columns: Int64,
    column_weights: Float32,
    result: Float32 | None = None,
) -> Float32:
    """Return the planes resized by two tables from `resample_table`; levels are not clipped.

    ``result``, float32 (C, height_out, width_out), is written into when it is given.
    """
    shape = (planes.shape[0], rows.shape[0], columns.shape[0])
    out = np.empty(shape, np.float32) if result is None else result
    for c in range(planes.shape[0]):
        if rows.shape[0] > planes.shape[1]:
            _enlarge(planes[c], rows, row_weights, columns, column_weights, out[c])
        else:
            _shrink(planes[c], rows, row_weights, columns, column_weights, out[c])
    return out
