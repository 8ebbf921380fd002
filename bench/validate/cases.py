"""The pictures of the shipped set: crops of scikit-image's photographs, degraded from a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

import degrade
from bench.metrics.metric import Sample

__all__ = ["CASES", "Case", "digest", "photograph", "tiles"]

_SEED = 7
_TILE = 32


@dataclass(frozen=True, slots=True)
class Case:
    """One pair.

    Attributes
    ----------
    name
        Names it in ``shipped.json``.
    crop
        File inside scikit-image, top, left, height and width.
    change
        uint8 HWC RGB → the same size, degraded.
    """

    name: str
    crop: tuple[str, int, int, int, int]
    change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

    def pair(self) -> tuple[Sample, Sample]:
        """Return ``(restored, hq)``."""
        hq = photograph(*self.crop)
        return Sample(self.change(hq)), Sample(hq)


def photograph(file: str, top: int, left: int, height: int, width: int) -> NDArray[np.uint8]:
    """Return a crop of one of scikit-image's photographs, uint8 HWC RGB."""
    image = degrade.open_source("sample-photos").read(file)
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def digest(image: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of an image's size and pixels, in hexadecimal."""
    size = "x".join(map(str, image.shape)).encode()
    return hashlib.sha256(size + b"\0" + np.ascontiguousarray(image).tobytes()).hexdigest()


def tiles(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return 32 x 32 tiles as ``(n, 12)`` vectors: the means of their quarters, 0 to 1.

    They stand in for a network's features where only the distance between sets is checked.
    """
    rows, columns = image.shape[0] // _TILE, image.shape[1] // _TILE
    half = _TILE // 2
    quarters = image[: rows * _TILE, : columns * _TILE].astype(np.float64)
    quarters = quarters.reshape(rows, 2, half, columns, 2, half, 3).mean(axis=(2, 5)) / 255
    vectors: NDArray[np.float64] = quarters.transpose(0, 2, 1, 3, 4).reshape(rows * columns, 12)
    return vectors


def _by_recipe(recipe: str, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    size = image.shape[0], image.shape[1]
    plan = degrade.plan(
        degrade.load_recipe(recipe), seed=_SEED, image_id="calibration.png", size=size
    )
    return degrade.apply(plan, image)


def _by_colour(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shift the colours while luma hardly changes: what luma protocols cannot see."""
    shifted = image.astype(np.int16) + np.array([24, -14, 9], np.int16)
    return np.clip(shifted, 0, 255).astype(np.uint8)


def _by_a_level(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Change every seventh pixel by one level: near the limit, where an epsilon shows."""
    changed = image.reshape(-1, 3).copy()
    changed[::7] ^= 1
    return changed.reshape(image.shape)


_ALL = (
    Case("gfpgan", ("astronaut.png", 0, 128, 192, 192), partial(_by_recipe, "gfpgan")),
    Case("kuaishou", ("chelsea.png", 60, 120, 192, 224), partial(_by_recipe, "kuaishou")),
    Case("odd-size", ("coffee.png", 100, 150, 181, 223), partial(_by_recipe, "gpen")),
    Case("colour", ("coffee.png", 60, 180, 192, 192), _by_colour),
    Case("one-level", ("astronaut.png", 200, 40, 192, 192), _by_a_level),
    Case("large", ("coffee.png", 0, 100, 400, 400), partial(_by_recipe, "gfpgan")),
)
CASES: Mapping[str, Case] = MappingProxyType({case.name: case for case in _ALL})
"""Every pair by name; ``large`` is beyond 384 pixels, from where ``ssim_piq`` reduces."""
