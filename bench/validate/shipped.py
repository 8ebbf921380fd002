"""The shipped set: our columns against values that two other implementations gave before.

The values lie in ``shipped.json`` with the names and versions of who computed them;
``tools/make_shipped.py`` makes them again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

import degrade
from bench.metrics.distribution.distances import frechet_distance, kernel_distance
from bench.metrics.entry import Status
from bench.metrics.metric import Measurement, PairMetric, Sample
from bench.validate.check import CalibrationCheck, check_pair, check_value

SHIPPED = Path(__file__).with_name("shipped.json")

_TOLERANCE = 1e-5
"""In dB or of 1. torchmetrics takes the logarithm of PSNR in float32, which costs up to 2.6e-6
dB; pyiqa holds the window of SSIM in float32, up to 6.2e-7. All else agrees to 1e-8."""

_OF_ROUNDED_LUMA = {
    "psnr_y_rounded": 5e-3,
    "ssim_y_rounded_clamped": 5e-5,
    "ms_ssim_y_rounded_clamped": 5e-5,
}
"""Luma of half a level is rounded up or down by the last bit of a sum, which implementations form
in different order: up to 1.4e-3 dB and 1.3e-5 were found."""

_SET_COMPARISONS = {"fid": frechet_distance, "kid": kernel_distance}


def shipped(
    load: Callable[[str], PairMetric], path: Path | None = None
) -> Iterator[CalibrationCheck]:
    """Yield a check for every column, image and implementation in ``path`` or `SHIPPED`.

    Where an image is not the one the values are of, its checks fail and say so.
    """
    for name, known in json.loads((path or SHIPPED).read_text(encoding="utf-8")).items():
        pair = CASES[name].pair()
        changed = _changed(pair, known["sha256"])
        for column, values in known["values"].items():
            for by, expected in values.items():
                if changed:
                    yield _check(column, name, changed, expected, by)
                else:
                    tolerance = _tolerance(column)
                    yield check_pair("shipped", load(column), name, pair, expected, tolerance, by)
        vectors = [tiles(each.image) for each in pair]
        for column, values in known["sets"].items():
            measured = changed or _SET_COMPARISONS[column](*vectors)
            for by, expected in values.items():
                yield _check(column, f"{name}, tiles", measured, expected, by)


def _check(
    column: str, case: str, measured: Measurement | float, expected: float, by: str
) -> CalibrationCheck:
    return check_value("shipped", column, case, measured, expected, _tolerance(column), by)


def _tolerance(column: str) -> float:
    return _OF_ROUNDED_LUMA.get(column, _TOLERANCE)


def _changed(pair: tuple[Sample, Sample], known: Mapping[str, Any]) -> Measurement | None:
    for sample, name in zip(pair, ("restored", "hq"), strict=True):
        if digest(sample.image) != known[name]:
            text = f"its {name} image is not the one that the values are of"
            return Measurement(None, Status.ERROR, text)
    return None


_SEED = 7
_TILE = 32


@dataclass(frozen=True, slots=True)
class ShippedCase:
    """One pair: a crop ``(scikit-image's file, top, left, height, width)`` and its degradation."""

    name: str
    crop: tuple[str, int, int, int, int]
    change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

    def pair(self) -> tuple[Sample, Sample]:
        """Return ``(restored, hq)``."""
        hq = sample_crop(*self.crop)
        return Sample(self.change(hq)), Sample(hq)


def sample_crop(file: str, top: int, left: int, height: int, width: int) -> NDArray[np.uint8]:
    """Return a crop of one of scikit-image's images, uint8 HWC RGB."""
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
    ShippedCase("gfpgan", ("astronaut.png", 0, 128, 192, 192), partial(_by_recipe, "gfpgan")),
    ShippedCase("kuaishou", ("chelsea.png", 60, 120, 192, 224), partial(_by_recipe, "kuaishou")),
    ShippedCase("odd-size", ("coffee.png", 100, 150, 181, 223), partial(_by_recipe, "gpen")),
    ShippedCase("colour", ("coffee.png", 60, 180, 192, 192), _by_colour),
    ShippedCase("one-level", ("astronaut.png", 200, 40, 192, 192), _by_a_level),
    ShippedCase("large", ("coffee.png", 0, 100, 400, 400), partial(_by_recipe, "gfpgan")),
)
CASES: Mapping[str, ShippedCase] = MappingProxyType({case.name: case for case in _ALL})
"""Every pair by name; ``large`` is beyond 384 pixels, from where ``ssim_piq`` reduces."""
