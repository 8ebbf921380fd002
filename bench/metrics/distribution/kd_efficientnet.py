"""The kernel distance of two image sets on EfficientNet-Lite2 features; it is not KID."""

from __future__ import annotations

from bench.metrics.distribution.set_distances import ByKernelDistance
from bench.metrics.metric import MetricEntry
from bench.metrics.perceptual.efficientnet_judge import (
    FILES,
    JUDGE,
    PACKAGES,
    POOLED,
    load_judge,
)
from bench.metrics.perceptual.feature_judge import FeatureSetMetric

__all__ = ["KD", "KdEfficientNet", "load_kd"]

KD = MetricEntry(
    name="kd_efficientnet",
    kind="set",
    direction="lower",
    unit="",
    signature=f"kd|{JUDGE}|pooled1280|native-size|poly3-gamma1/d-coef1|unbiased|pairs-of-photographs",
    source="kernel of Binkowski et al. 2018, unbiased MMD² of Gretton et al. 2012; not KID",
    judge=JUDGE,
    packages=PACKAGES,
    packaged=FILES,
    feature=POOLED,
)


class KdEfficientNet(ByKernelDistance, FeatureSetMetric):
    """Kernel distance of pooled features."""

    __slots__ = ()


def load_kd() -> KdEfficientNet:
    """Return the metric with its network loaded."""
    return KdEfficientNet(KD, load_judge())
