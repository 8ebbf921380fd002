"""What of a score is an error: 0 for a perfect image, so that a ratio of two means something."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["ErrorOf", "error_of"]

ErrorOf = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Values of a metric to errors, elementwise."""

_SIMILARITIES = ("ssim", "ms_ssim")
_DISTANCES = ("perceptual_efficientnet", "lpips", "dists", "landmark_distance")


def error_of(facts: Mapping[str, str]) -> ErrorOf | None:
    """Return how a metric's values become errors; None for one without a perfect value.

    PSNR becomes the root mean square error as a share of white, ``10 ** (-dB / 20)``, whose
    mean no single perfect image can carry away; a similarity of at most 1 (SSIM, a cosine)
    becomes its distance from 1; a distance from the truth, or an angle, stands as it is.

    Parameters
    ----------
    facts
        Of the metric, as ``run.json`` holds them.
    """
    name = facts["name"].removeprefix("pyiqa:")
    if facts["unit"] == "dB":
        return _root_mean_square
    if facts["unit"] == "cosine" or _is(name, _SIMILARITIES):
        return _missing_similarity
    angle = name.startswith("identity") and facts["direction"] == "lower"
    if angle or _is(name, _DISTANCES):
        return _as_it_is
    return None


def _is(name: str, known: tuple[str, ...]) -> bool:
    return any(name == each or name.startswith((f"{each}_", f"{each}-")) for each in known)


def _root_mean_square(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(10.0 ** (-values / 20.0), np.float64)


def _missing_similarity(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 - values, np.float64)


def _as_it_is(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values
