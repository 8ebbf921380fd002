"""The Fréchet distance of two image sets on EfficientNet-Lite2 features; it is not FID."""

from __future__ import annotations

from bench.metrics.distribution.set_distances import ByFrechetDistance
from bench.metrics.metric import MetricEntry
from bench.metrics.perceptual.efficientnet_judge import (
    FILES,
    JUDGE,
    PACKAGES,
    POOLED,
    load_judge,
)
from bench.metrics.perceptual.feature_judge import FeatureSetMetric

__all__ = ["FD", "FrechetFeatureDistance", "load_fd"]

FD = MetricEntry(
    name="fd_efficientnet",
    kind="set",
    direction="lower",
    unit="",
    signature=f"fd|{JUDGE}|pooled1280|native-size|singular-value-trace",
    source="Fréchet distance (Dowson and Landau 1982; Heusel et al. 2017); not FID",
    judge=JUDGE,
    packages=PACKAGES,
    packaged=FILES,
    feature=POOLED,
)


class FrechetFeatureDistance(ByFrechetDistance, FeatureSetMetric):
    """Fréchet distance of pooled features, of 1280 dimensions."""

    __slots__ = ()


def load_fd() -> FrechetFeatureDistance:
    """Return the metric with its network loaded."""
    return FrechetFeatureDistance(FD, load_judge())
