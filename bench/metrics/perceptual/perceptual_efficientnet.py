"""A perceptual distance on EfficientNet-Lite2 features, with no learned weights.

Made in the manner of LPIPS (Zhang et al. 2018, eq. 1 with every channel weighted alike), but
on another network: its values are not LPIPS and may not be called so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics.metric import Measurement, MetricEntry, Sample, refuse_sizes
from bench.metrics.perceptual.efficientnet_judge import (
    FILES,
    JUDGE,
    PACKAGES,
    load_judge,
)
from bench.metrics.perceptual.feature_judge import SMALLEST, FeatureMetric

__all__ = ["PERCEPTUAL", "PerceptualDistance", "load_perceptual", "stage_distance"]

PERCEPTUAL = MetricEntry(
    name="perceptual_efficientnet",
    kind="pair",
    direction="lower",
    unit="",
    signature=f"perceptual|{JUDGE}|stages5|unit-channels|mean|native-size",
    source="in the manner of Zhang et al. 2018 (arXiv 1801.03924), unweighted; not LPIPS",
    judge=JUDGE,
    packages=PACKAGES,
    packaged=FILES,
)

_EPSILON = 1e-10
"""Keeps a position where every feature is zero from dividing by zero."""


def stage_distance(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the mean over positions of the squared distance of unit-length feature vectors.

    Parameters
    ----------
    first, second
        ``(channels, height, width)`` maps; each position's vector is scaled to length 1.

    Returns
    -------
    float
        0 for equal maps, 2 for orthogonal ones, 4 for opposite ones.
    """
    apart = _unit(first)
    apart -= _unit(second)
    return float(_squared_length(apart).mean(dtype=np.float64))


def _unit(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.sqrt(_squared_length(maps)) + np.float32(_EPSILON)
    return np.divide(maps, length, dtype=np.float32)


def _squared_length(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.einsum("chw,chw->hw", maps, maps), np.float32)


class PerceptualDistance(FeatureMetric):
    """Mean of `stage_distance` over five resolutions, 1/2 to 1/32; 0 (equal) to 4."""

    __slots__ = ()

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Compare two uint8 HWC RGB images of equal size, at least 32 x 32."""
        refused = refuse_sizes(restored, hq, SMALLEST)
        if refused:
            return refused
        stages = zip(self.features(restored).stages, self.features(hq).stages, strict=True)
        return Measurement(float(np.mean([stage_distance(*pair) for pair in stages])))


def load_perceptual() -> PerceptualDistance:
    """Return the metric with its network loaded."""
    return PerceptualDistance(PERCEPTUAL, load_judge())
