"""Perceptual distances on the features of an ImageNet network, with no learned weights.

In the manner of LPIPS (Zhang et al. 2018, eq. 1 with every channel weighted alike), but on other
networks: the values are not LPIPS and may not be called so. MobileNet-V2's is a second opinion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import MetricEntry
from bench.metrics.metric import Measurement, Sample, refuse_sizes
from bench.metrics.perceptual.features import (
    EFFICIENTNET,
    MOBILENET,
    SMALLEST,
    FeatureMetric,
    Judge,
    load_judge,
)

_EPSILON = 1e-10
"""Keeps a position where every feature is zero from dividing by zero."""


def _entry(name: str, judge: Judge, ranking: int) -> MetricEntry:
    return MetricEntry(
        name,
        "pair",
        "lower",
        "",
        f"perceptual|{judge.name}|stages5|unit-channels|mean|native-size",
        "in the manner of Zhang et al. 2018 (arXiv 1801.03924), unweighted; not LPIPS",
        "bench.metrics.perceptual.feature_distance:load_perceptual",
        judge=judge.name,
        packages=judge.packages,
        packaged=judge.packaged,
        weights=judge.weights,
        error="value",
        ranking=ranking,
        equal=(0.0, 1e-6),
    )


ENTRIES = (
    _entry("perceptual_efficientnet", EFFICIENTNET, ranking=5),
    _entry("perceptual_mobilenet", MOBILENET, ranking=0),
)


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


def load_perceptual(entry: MetricEntry) -> PerceptualDistance:
    """Return one of `ENTRIES` with its network loaded; errors as `load_judge`."""
    return PerceptualDistance(entry, load_judge(entry.judge))


def stage_distance(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the mean squared distance of two ``(channels, height, width)`` maps' unit vectors.

    0 for equal maps, 2 for orthogonal ones, 4 for opposite ones.
    """
    difference = _unit(first)
    difference -= _unit(second)
    return float(_squared_length(difference).mean(dtype=np.float64))


def _unit(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.sqrt(_squared_length(maps)) + np.float32(_EPSILON)
    return np.divide(maps, length, dtype=np.float32)


def _squared_length(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.einsum("chw,chw->hw", maps, maps), np.float32)
