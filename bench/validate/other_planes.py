"""The planes that each protocol compares, by scikit-image, pyiqa, torch and NumPy, not by us.

What `bench.validate.implementations` puts before other people's formulas; nothing else
imports this. uint8 HWC RGB in, float64 levels out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from pyiqa.utils import color_util
from skimage import color
from skimage.transform import downscale_local_mean

__all__ = [
    "Image",
    "Levels",
    "Prepare",
    "corrected",
    "cropped",
    "halved",
    "limited",
    "limited_of_pyiqa",
    "luma",
    "luma_of_pyiqa",
    "plain",
    "pooled",
    "reduced",
    "rounded",
    "tensor",
]

Image = NDArray[np.uint8]
Levels = NDArray[np.float64]
Prepare = Callable[[Image, Image], tuple[Levels, Levels]]


def plain(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Return both as they are."""
    return restored.astype(np.float64), hq.astype(np.float64)


def cropped(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Leave out four pixels along each side."""
    return plain(restored[4:-4, 4:-4], hq[4:-4, 4:-4])


def luma(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Return full-range luma, by scikit-image."""
    first, second = (color.rgb2yiq(each)[..., :1] * 255 for each in (restored, hq))
    return first, second


def luma_of_pyiqa(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Return full-range luma, by pyiqa."""
    first, second = (
        color_util.rgb2yiq(tensor(each / 255))[0, :1].permute(1, 2, 0).numpy() * 255
        for each in (restored, hq)
    )
    return first, second


def rounded(prepare: Prepare, restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Return the planes of another function, rounded to whole levels."""
    first, second = prepare(restored, hq)
    return np.rint(first), np.rint(second)


def limited(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Return MATLAB's luma, by scikit-image."""
    first, second = (color.rgb2ycbcr(each)[..., :1] for each in (restored, hq))
    return first, second


def limited_of_pyiqa(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Return MATLAB's luma, by pyiqa."""
    first, second = (
        color_util.rgb2ycbcr(tensor(each / 255))[0, :1].permute(1, 2, 0).numpy() * 255
        for each in (restored, hq)
    )
    return first, second


def corrected(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """VQFR's ``correct_mean_var`` line by line, one channel after the other."""
    first, second = plain(restored, hq)
    for channel in range(3):
        for _ in range(2):
            plane = first[..., channel] - first[..., channel].mean() + second[..., channel].mean()
            first[..., channel] = plane / plane.std() * second[..., channel].std()
    return first, second


def halved(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Reduced as piq does, by scikit-image."""
    side = max(1, round(min(hq.shape[:2]) / 256))
    whole = tuple(slice(0, length // side * side) for length in hq.shape[:2])
    first, second = (reduced(each[whole].astype(np.float64), side) for each in (restored, hq))
    return first, second


def reduced(planes: Levels, side: int) -> Levels:
    """Return means over squares, by scikit-image; the size must be divisible."""
    means = downscale_local_mean(planes, (side, side, 1))  # type: ignore[no-untyped-call]
    return np.asarray(means)


def pooled(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Reduced as piq does, by torch."""
    side = max(1, round(min(hq.shape[:2]) / 256))
    first, second = (
        torch.nn.functional.avg_pool2d(tensor(each), side)[0].permute(1, 2, 0).numpy()
        for each in (restored, hq)
    )
    return first, second


def tensor(image: NDArray[np.generic]) -> torch.Tensor:
    """Return ``(1, channels, height, width)`` float64."""
    return torch.from_numpy(np.ascontiguousarray(image, np.float64)).permute(2, 0, 1)[None]
