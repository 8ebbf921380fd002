"""The quality of an image's last JPEG compression: from its pixels, where no file tells.

JPEG leaves block coefficients that are multiples of its steps; rounding to 8 bits moves them
by a third of a level only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from degrade.fit.blocks import BLOCK, block_coefficients, block_grid
from degrade.fit.interpolation import shorten
from degrade.images import Image
from degrade.ops.codec.jpeg import SUBSAMPLINGS, quantisation_tables

_LUMA_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
_BLUE_WEIGHTS = np.array([-0.168736, -0.331264, 0.5], np.float32)
_YCC = np.stack([_LUMA_WEIGHTS, _BLUE_WEIGHTS])
"""Y and Cb of RGB: JFIF 1.02, page 3 (ITU-R BT.601)."""

_QUALITIES = range(4, 96)
"""Above 95 the quantisation step nears one level and there is nothing left to tell."""

_CERTAIN = 0.5
"""Measured: JPEGs of quality 5 to 95 give 0.00-0.08, with noise of 3 levels on top up to 0.75;
images never compressed, blurred or noisy give 0.95 and more."""

_COARSE, _OFF, _WORSE = 3.0, 0.5, 4.0
"""Least step in levels; squared distance over that of chance; and over that of zeros. Measured
on 60 faces each: JPEG 30-95 alone, after blur or noise, or with noise of 2 levels on top never
pass both; with a blur of half a pixel on top 59 of 60 do."""

_ENOUGH_BLOCKS, _MOST_BLOCKS = 6, 1024
"""Fewer blocks tell a quality from chance badly; more cost time and change no answer."""

_FLAT = 1e-3
"""Squared levels; images nearer to every lattice than that hold no trace."""

_FEW_BLOCKS = 64
_SHIFTS = ((4, 4), (3, 5), (5, 3), (2, 4), (4, 2))
"""Rows and columns cut off for a grid off the blocks; more than one where blocks are few."""


@dataclass(frozen=True, slots=True)
class JpegTrace:
    """The last JPEG compression of an image."""

    quality: int  # 1-100 on the scale of the Independent JPEG Group
    # 0-1: by how much of its usual distance the pixels are nearer to that quality's lattice
    confidence: float
    # First row and column that begin a block, 0-7, in the pixels it was compressed at
    grid: tuple[int, int]
    subsampling: str | None  # ``444``, ``422`` or ``420``; None where nothing tells


def luma_steps(quality: int) -> NDArray[np.float32]:
    """Return the ``(8, 8)`` luminance steps in levels of an orthonormal cosine transform.

    Parameters
    ----------
    quality
        1-100, scaled as the Independent JPEG Group's ``jpeg_quality_scaling`` does.
    """
    return np.asarray(quantisation_tables(quality)[0].reshape(BLOCK, BLOCK), np.float32)


def find_jpeg(image: Image) -> JpegTrace | None:
    """Return the last JPEG compression that the pixels show, or None.

    Looked for on the grid from the corner on, then on the one whose block borders stand out (a
    crop); where there is none and the image was enlarged last, in the pixels before that.

    Parameters
    ----------
    image
        uint8 (height, width, 3) RGB, 24 pixels a side or more.

    Notes
    -----
    Within 1 of the truth from 4 to 95; None above, after more than mild noise, after any blur,
    and for quantisation tables that are not libjpeg's.
    """
    return find_jpeg_in_place(image) or find_jpeg_before(image)


def find_jpeg_before(image: Image) -> JpegTrace | None:
    """Return the last JPEG compression of the pixels that were then enlarged, or None."""
    from degrade.fit.old_size import find_old_size, shrink_back

    old = find_old_size(image)
    return find_jpeg_in_place(shrink_back(image, old)) if old is not None and old.exact else None


def find_jpeg_in_place(image: Image) -> JpegTrace | None:
    """Return the last JPEG compression that shows in the pixels as they are, or None."""
    trace = quality_on_grid(image)
    if trace is not None or min(image.shape[:2]) < 3 * BLOCK:
        return trace
    grid = block_grid(image @ _LUMA_WEIGHTS)
    if not grid.certain or (grid.top, grid.left) == (0, 0):
        return None
    trace = quality_on_grid(image[grid.top :, grid.left :])
    return None if trace is None else replace(trace, grid=(grid.top, grid.left))


def quality_on_grid(image: Image) -> JpegTrace | None:
    """Return the JPEG compression whose blocks begin at the top left corner, or None.

    For each quality, the block coefficients' distance to the nearest multiple of its steps is
    compared on the JPEG grid and on grids shifted by about half a block, where compression
    leaves no trace; the quality with the least ratio is the one (after Fan & de Queiroz 2003,
    "Identification of bitmap compression history").

    Parameters
    ----------
    image
        uint8 HWC RGB.
    """
    planes = image @ _YCC.T
    planes[..., 0] -= 128
    # Clipped colours have left the lattice of the coefficients.
    whole: NDArray[np.bool_] = np.all((image > 0) & (image < 255), axis=2)
    lattice = _read(planes[..., 0], whole)
    if lattice is None:
        return None
    ratios = {quality: lattice.ratio(luma_steps(quality)) for quality in _QUALITIES}
    best = min(ratios, key=ratios.__getitem__)
    if ratios[best] >= _CERTAIN or lattice.stretched(luma_steps(best)):
        return None
    return JpegTrace(best, 1.0 - ratios[best], (0, 0), _subsampling(planes, whole, best))


@dataclass(frozen=True, slots=True)
class _Lattice:
    """Block coefficients (n, 8, 8) where compression leaves its lattice, and where it does not."""

    on_grid: NDArray[np.float32]
    off_grid: NDArray[np.float32]

    def ratio(self, steps: NDArray[np.float32]) -> float:
        """Return the squared distance to multiples of the steps on the grid, over that off it."""
        on, off = (
            np.mean((coefficients - np.rint(coefficients / steps) * steps) ** 2)
            for coefficients in (self.on_grid, self.off_grid)
        )
        return float(on / off) if off > _FLAT else 1.0

    def stretched(self, steps: NDArray[np.float32]) -> bool:
        """Return whether the multiples themselves lie off the lattice while zeros lie on it.

        So does a compression that was blurred a little since: its lattice is another at every
        frequency, and the quality that fits best is not its own. Noise moves all alike.
        """
        levels = np.rint(self.on_grid / steps)
        errors = (self.on_grid - levels * steps) ** 2
        coarse = np.broadcast_to(steps >= _COARSE, levels.shape)
        zeros = errors[(levels == 0) & coarse]
        others = (levels != 0) & coarse
        others[:, 0, 0] = False  # A blur keeps the mean of a block.
        if not zeros.size or not others.any():
            return False
        share = np.mean((12.0 * errors / steps**2)[others])
        return bool(share > _OFF and errors[others].mean() > _WORSE * zeros.mean())


def _read(plane: NDArray[np.floating], whole: NDArray[np.bool_]) -> _Lattice | None:
    on_grid = block_coefficients(plane, whole, _MOST_BLOCKS)
    shifts = _SHIFTS[: 1 if len(on_grid) >= _FEW_BLOCKS else None]
    parts = [
        block_coefficients(plane[y:-y, x:-x], whole[y:-y, x:-x], _MOST_BLOCKS) for y, x in shifts
    ]
    off_grid = np.concatenate(parts)
    if min(len(on_grid), len(off_grid)) < _ENOUGH_BLOCKS:
        return None
    return _Lattice(on_grid, off_grid)


def _subsampling(
    planes: NDArray[np.floating], whole: NDArray[np.bool_], quality: int
) -> str | None:
    """Return how the chroma that the pixels show was subsampled; decoders enlarge it linearly."""
    steps = np.asarray(quantisation_tables(quality)[1].reshape(BLOCK, BLOCK), np.float32)
    ratios: dict[str, float] = {}
    for name, (down, across) in SUBSAMPLINGS.items():
        plane = _shrunk(_shrunk(planes[..., 1], down).T, across).T
        lattice = _read(plane, _all_of(whole, down, across))
        if lattice is not None:
            ratios[name] = lattice.ratio(steps)
    best = min(ratios, key=ratios.__getitem__, default=None)
    return best if best is not None and ratios[best] < _CERTAIN else None


def _shrunk(plane: NDArray[np.floating], share: int) -> NDArray[np.floating]:
    """Return the rows whose linear enlargement by ``share`` the plane is."""
    if share == 1:
        return plane
    even = plane[: plane.shape[0] // share * share]
    return shorten(np.ascontiguousarray(even, np.float64), even.shape[0] // share, "linear")


def _all_of(whole: NDArray[np.bool_], down: int, across: int) -> NDArray[np.bool_]:
    height, width = whole.shape[0] // down, whole.shape[1] // across
    cells = whole[: height * down, : width * across].reshape(height, down, width, across)
    return np.asarray(cells.all(axis=(1, 3)))
