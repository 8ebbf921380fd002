"""Between a photo and its aligned crops, both ways, by one resampler that never aliases.

Knows nothing of faces. The centre of the top-left pixel is (0, 0); an alignment's matrix maps
photo (x, y, 1) to crop (x, y).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np
from numpy.typing import NDArray

from degrade.ops.kernels.compile import is_cached

if TYPE_CHECKING:
    from zoo.portrait.align.alignment import Alignment

__all__ = ["Window", "extract", "footprint", "paste"]

_A = -0.5
"""Keys 1981, "Cubic convolution interpolation": the coefficient that reproduces quadratics."""


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of photo pixels, ``bottom`` and ``right`` outside; empty where they meet."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """``(height, width)``, never negative."""
        return max(0, self.bottom - self.top), max(0, self.right - self.left)

    def rows(self, top: int, bottom: int) -> Window:
        """Return the part between two rows of the photo."""
        return Window(max(self.top, top), self.left, min(self.bottom, bottom), self.right)


def extract(photo: NDArray[np.generic], alignment: Alignment) -> NDArray[np.float32]:
    """Return the aligned crop of a photo: float32 (size, size, channels), in the photo's levels.

    Parameters
    ----------
    photo
        (height, width, channels), uint8, uint16 or float32. Beyond its border it continues
        mirrored, the border pixel twice.
    alignment
        Where the crop lies. A crop that is coarser than the photo is antialiased: the cubic
        filter widens by the shrink factor.

    Notes
    -----
    Cubic filters overshoot at edges: levels may lie outside the photo's range.
    """
    inverse = _inverted(alignment.matrix)
    crop = np.empty((alignment.size, alignment.size, photo.shape[2]), np.float32)
    widen = max(1.0, 1.0 / alignment.scale)
    _resample(np.ascontiguousarray(photo), inverse, widen, True, crop)
    return crop


def footprint(alignment: Alignment, photo_size: tuple[int, int]) -> Window:
    """Return the photo pixels that the crop can touch; empty when it lies outside the photo.

    Parameters
    ----------
    photo_size
        ``(height, width)``.
    """
    edge = alignment.size - 0.5
    corners = np.array([(-0.5, -0.5, 1), (edge, -0.5, 1), (-0.5, edge, 1), (edge, edge, 1)])
    x, y = _inverted(alignment.matrix) @ corners.T
    height, width = photo_size
    return Window(
        top=min(max(0, math.ceil(y.min())), height),
        left=min(max(0, math.ceil(x.min())), width),
        bottom=min(max(0, math.floor(y.max()) + 1), height),
        right=min(max(0, math.floor(x.max()) + 1), width),
    )


def paste(
    change: NDArray[np.float32],
    weight: NDArray[np.float32],
    alignment: Alignment,
    window: Window,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a crop's change and weight as the photo's pixels see them.

    Parameters
    ----------
    change
        float32 (size, size, 3), restored minus crop.
    weight
        float32 (size, size) in [0, 1].
    window
        The photo pixels that are wanted, such as `footprint`'s or some rows of it.

    Returns
    -------
    change, weight
        float32 (height, width, 3) and (height, width) of the window. A crop that is finer
        than the photo is antialiased. Both are 0 at pixels whose centres the crop does not
        cover.
    """
    layers = np.dstack((change, weight)).astype(np.float32, copy=False)
    shifted = alignment.matrix.copy()
    shifted[:, 2] += alignment.matrix[:, :2] @ (window.left, window.top)
    sampled = np.empty((*window.size, 4), np.float32)
    _resample(layers, shifted, max(1.0, alignment.scale), False, sampled)
    return sampled[..., :3], np.clip(sampled[..., 3], 0.0, 1.0)


def _inverted(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (2, 3) matrix of the way back."""
    back = np.linalg.inv(matrix[:, :2])
    return np.column_stack((back, -back @ matrix[:, 2]))


# As degrade.ops.kernels.compile, but dated by this file alone: no other file is compiled into it.
_compiled = numba.njit(nogil=True, fastmath=False, error_model="numpy", cache=is_cached())


@_compiled
def _cubic(x: float) -> float:
    """Return Keys' cubic at distance x >= 0, in units of the filter's width."""
    if x < 1.0:
        return ((_A + 2.0) * x - (_A + 3.0)) * x * x + 1.0
    if x < 2.0:
        return ((_A * x - 5.0 * _A) * x + 8.0 * _A) * x - 4.0 * _A
    return 0.0


@_compiled
def _taps(
    position: float,
    widen: float,
    length: int,
    indices: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> int:
    """Fill the mirrored indices and the weights, of sum 1, along one axis; return how many."""
    first = math.ceil(position - 2.0 * widen)
    last = math.floor(position + 2.0 * widen)
    count = last - first + 1
    total = 0.0
    for tap in range(count):
        total += _cubic(abs(first + tap - position) / widen)
    for tap in range(count):
        weights[tap] = _cubic(abs(first + tap - position) / widen) / total
        mirrored = (first + tap) % (2 * length)
        indices[tap] = mirrored if mirrored < length else 2 * length - 1 - mirrored
    return count


@_compiled
def _resample(
    source: NDArray[np.generic],
    matrix: NDArray[np.float64],
    widen: float,
    mirrored: bool,
    result: NDArray[np.float32],
) -> None:
    """Fill ``result`` with ``source`` at ``matrix`` · (x, y, 1) of each of its pixels.

    The filter is ``widen`` times Keys' cubic along the source's axes. Where the place is not
    inside the source the result is 0, unless ``mirrored``.
    """
    height, width, channels = source.shape
    room = math.ceil(4.0 * widen) + 2
    columns, rows = np.empty(room, np.int64), np.empty(room, np.int64)
    across, down = np.empty(room, np.float32), np.empty(room, np.float32)
    for i in range(result.shape[0]):
        for j in range(result.shape[1]):
            x = matrix[0, 0] * j + matrix[0, 1] * i + matrix[0, 2]
            y = matrix[1, 0] * j + matrix[1, 1] * i + matrix[1, 2]
            result[i, j] = np.float32(0.0)
            inside = -0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5
            if not (inside or mirrored):
                continue
            wide = _taps(x, widen, width, columns, across)
            tall = _taps(y, widen, height, rows, down)
            for n in range(tall):
                for m in range(wide):
                    share = down[n] * across[m]
                    for c in range(channels):
                        result[i, j, c] += share * np.float32(source[rows[n], columns[m], c])
