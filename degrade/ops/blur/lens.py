"""What a lens does: ImageNet-C's defocus and zoom, and lateral chromatic aberration."""

from __future__ import annotations

import math

import numpy as np

from degrade.ops.blur import filter_blur as filters
from degrade.ops.blur.blur import correlate_runs
from degrade.ops.blur.correlate import correlate_separable
from degrade.ops.blur.filter_blur import correlate_kernel
from degrade.ops.blur.point_spread import gaussian_1d
from degrade.ops.kernels.arrays import Float32, Float64, Int32, Planes
from degrade.ops.kernels.compile import inline, kernel
from degrade.ops.kernels.memory import PLANES

Axis = tuple[Int32, Float32]


def aliased_disk_blur(planes: Planes, stream: object, *, radius: float, alias: float) -> Planes:
    """Return the planes blurred by ImageNet-C's defocus disk.

    Whole pixels within ``radius``, smoothed by a Gaussian of ``alias`` pixels over 3 or 5
    taps; `defocus_blur` is the disk by area. Levels are clipped to 255: the kernel's sum may
    be a little off 1 (see `degrade.ops.blur.filter_blur.aliased_disk`).
    """
    if radius < filters.GRID:
        # The disk ends inside its grid: it is a run in each row, then a Gaussian of 3 taps.
        side = gaussian_1d(float(alias), 1).astype(np.float32)
        soft = correlate_separable(planes, side, side, PLANES.take(planes.shape))
        blurred = correlate_runs(soft, _runs(float(radius)), PLANES.take(planes.shape))
        PLANES.give(soft)
        return blurred
    blurred = correlate_kernel(planes, filters.aliased_disk(float(radius), float(alias)))
    return np.clip(blurred, 0.0, 255.0, out=blurred)


def _runs(radius: float) -> Float64:
    """Return half the run of whole pixels inside a circle, for each of its rows, float64 (odd)."""
    reach = math.floor(radius)
    halves = np.zeros(2 * reach + 1)
    for row in range(-reach, reach + 1):
        whole = 0
        while (whole + 1) ** 2 + row * row <= radius * radius:
            whole += 1
        halves[row + reach] = whole + 0.5
    return halves


def zoom_blur(
    planes: Planes, stream: object, *, factor: float, step: float, exact: bool = False
) -> Planes:
    """Return the mean of the image and of its magnifications by 1, 1 + step, … below ``factor``.

    ImageNet-C's zoom_blur (make_imagenet_c.py): the image itself counts twice.

    Parameters
    ----------
    factor
        Where the magnifications end, not included, as ``numpy.arange(1, factor, step)``.
    step
        Between two magnifications.
    exact
        ImageNet-C's way of magnifying: crop to whole pixels, scale corner to corner, trim;
        layers lie up to a pixel off. False magnifies about the image's centre.
    """
    # numpy.arange's own numbers, which decide how pixels are rounded: 1.11 in steps of 0.01
    # comes to 12 layers, not 11, and its 26th is a hair above 1.25.
    count = max(1, math.ceil((factor - 1.0) / step))
    apart = (1.0 + step) - 1.0
    zooms = [1.0 + number * apart for number in range(count)]
    axis = _cropped_axis if exact else _centred_axis
    rows, columns = (_stacked([axis(side, zoom) for zoom in zooms]) for side in planes.shape[1:])
    return mean_of_magnified(planes, *rows, *columns, PLANES.take(planes.shape))


def chromatic_aberration(planes: Planes, stream: object, *, red: float, blue: float) -> Planes:
    """Return the planes with red and blue magnified about the centre; green stays.

    ``red`` and ``blue`` are factors: 1.004 puts a corner of a 512 px face about 1.4 px out.
    """
    result = PLANES.take(planes.shape)
    for channel, zoom in ((0, red), (1, 1.0), (2, blue)):
        rows, columns = (_centred_axis(side, float(zoom)) for side in planes.shape[1:])
        magnified(planes[channel], *rows, *columns, result[channel])
    return result


def _centred_axis(side: int, zoom: float) -> Axis:
    """Return the pixel before each place of a magnification about the centre, and the rest."""
    middle = (side - 1) / 2.0
    return _axis(middle + (np.arange(side, dtype=np.float64) - middle) / zoom, side)


def _cropped_axis(side: int, zoom: float) -> Axis:
    """Return ImageNet-C's places: scipy.ndimage.zoom of a centred crop, trimmed."""
    crop = math.ceil(side / zoom)
    # scipy.ndimage.zoom rounds the new size and maps the first and last pixels onto each other.
    full = round(crop * zoom)
    trim = (full - side) // 2
    ratio = (crop - 1) / (full - 1) if full > 1 else 0.0
    positions = np.arange(side, dtype=np.float64)
    return _axis((side - crop) // 2 + (positions + trim) * ratio, side)


def _axis(positions: Float64, side: int) -> Axis:
    inside = np.clip(positions, 0.0, side - 1.0)
    before = np.floor(inside)
    return before.astype(np.int32), (inside - before).astype(np.float32)


def _stacked(axes: list[Axis]) -> Axis:
    before, shares = zip(*axes, strict=True)
    return np.stack(before), np.stack(shares)


@inline
def _magnified_row(
    upper: Float32,
    lower: Float32,
    share: np.float32,
    columns: Int32,
    column_shares: Float32,
    line: Float32,
    total: Float32,
) -> None:
    """Add one row, read between ``upper`` and ``lower``, to ``total``."""
    width = upper.size
    for x in range(width):
        line[x] = upper[x] + share * (lower[x] - upper[x])
    line[width] = line[width - 1]
    for x in range(width):
        left = line[columns[x]]
        total[x] = total[x] + (left + column_shares[x] * (line[columns[x] + 1] - left))


@kernel
def mean_of_magnified(
    planes: Float32,
    rows: Int32,
    row_shares: Float32,
    columns: Int32,
    column_shares: Float32,
    result: Float32,
) -> Float32:
    """Return the mean of the planes and of every magnified layer of them.

    Parameters
    ----------
    rows, row_shares
        int32 and float32 (layers, H): the pixel before each place, and how far beyond it.
    columns, column_shares
        The same (layers, W).
    """
    channels, height, width = planes.shape
    layers = rows.shape[0]
    line = np.empty(width + 1, np.float32)
    part = np.float32(1.0) / np.float32(layers + 1)
    for c in range(channels):
        for y in range(height):
            total = result[c, y]
            total[:] = planes[c, y]
            for layer in range(layers):
                top = rows[layer, y]
                _magnified_row(
                    planes[c, top], planes[c, min(top + 1, height - 1)], row_shares[layer, y],
                    columns[layer], column_shares[layer], line, total,
                )  # fmt: skip
            for x in range(width):
                total[x] = total[x] * part
    return result


@kernel
def magnified(
    plane: Float32,
    rows: Int32,
    row_shares: Float32,
    columns: Int32,
    column_shares: Float32,
    result: Float32,
) -> None:
    """Write one plane, float32 (H, W), into ``result`` as one set of tables magnifies it."""
    height, width = plane.shape
    line = np.empty(width + 1, np.float32)
    for y in range(height):
        result[y][:] = np.float32(0.0)
        top = rows[y]
        _magnified_row(
            plane[top], plane[min(top + 1, height - 1)], row_shares[y],
            columns, column_shares, line, result[y],
        )  # fmt: skip
