"""The Fréchet distance of two image sets on EfficientNet-Lite2 features; it is not FID."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics.efficientnet_judge import (
    FILES,
    JUDGE,
    PACKAGES,
    POOLED,
    EfficientNetSetMetric,
    load_judge,
)
from bench.metrics.frechet import frechet_distance, refuse_sets
from bench.metrics.metric import Measurement, MetricEntry

__all__ = ["FD", "FdEfficientNet", "load_fd"]

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


class FdEfficientNet(EfficientNetSetMetric):
    """Fréchet distance of pooled features.

    Biased upwards for small sets: compare values of equal n only, and below 1280 images on
    either side (the covariances are rank-deficient) read it as a rough guide.
    """

    __slots__ = ()

    def compare(
        self,
        restored: NDArray[np.float64],
        reference: NDArray[np.float64],
        images: NDArray[np.intp] | None = None,
    ) -> Measurement:
        """Return the distance of two ``(n, 1280)`` sets, n at least 2; ``images`` is unread."""
        refused = refuse_sets(restored, reference)
        return refused or Measurement(frechet_distance(restored, reference))


def load_fd() -> FdEfficientNet:
    """Return the metric with its network loaded."""
    return FdEfficientNet(FD, load_judge())
