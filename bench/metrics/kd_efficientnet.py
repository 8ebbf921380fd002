"""The kernel distance of two image sets on EfficientNet-Lite2 features; it is not KID."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics.efficientnet_judge import JUDGE, PACKAGES, EfficientNetSetMetric, load_judge
from bench.metrics.frechet import refuse_sets
from bench.metrics.metric import Measurement, MetricEntry

__all__ = ["KD", "KdEfficientNet", "kernel_distance", "load_kd"]

KD = MetricEntry(
    name="kd_efficientnet",
    kind="set",
    direction="lower",
    unit="",
    signature=f"kd|{JUDGE}|pooled1280|native-size|poly3-gamma1/d-coef1|unbiased|all-pairs",
    source="kernel of Binkowski et al. 2018, unbiased MMD² of Gretton et al. 2012; not KID",
    judge=JUDGE,
    packages=PACKAGES,
)

_BLOCK = 1024
"""Rows of the kernel matrix held at once."""


def kernel_distance(restored: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """Return the unbiased squared maximum mean discrepancy under k(x, y) = (x·y / d + 1)³.

    Parameters
    ----------
    restored, reference
        ``(n, d)`` and ``(m, d)`` features, n and m at least 2.

    Returns
    -------
    float
        Zero on average for two samples of one distribution, so below zero for some.

    Notes
    -----
    Gretton et al. 2012, eq. 3, over all pairs: no subsets, so nothing is drawn at random.
    """
    n, m = len(restored), len(reference)
    within = _kernel_sum(restored, restored) - _kernel_diagonal(restored)
    without = _kernel_sum(reference, reference) - _kernel_diagonal(reference)
    across = _kernel_sum(restored, reference)
    return within / (n * (n - 1)) + without / (m * (m - 1)) - 2 * across / (n * m)


def _kernel_sum(rows: NDArray[np.float64], columns: NDArray[np.float64]) -> float:
    blocks = (rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK))
    return sum(float(_kernel(block @ columns.T, rows.shape[1]).sum()) for block in blocks)


def _kernel_diagonal(rows: NDArray[np.float64]) -> float:
    return float(_kernel(np.square(rows).sum(axis=1), rows.shape[1]).sum())


def _kernel(products: NDArray[np.float64], dimensions: int) -> NDArray[np.float64]:
    shifted = products / dimensions + 1
    return shifted * shifted * shifted


class KdEfficientNet(EfficientNetSetMetric):
    """Kernel distance of pooled features, whose expectation does not depend on n.

    That holds for independent sets. Restored images beside their own truths are not: each is
    nearer to its truth than to another photograph, which lowers the value by about 2 / n of
    that nearness, so a few pairs score below zero, and a perfect restorer lowest.
    """

    __slots__ = ()

    def compare(self, restored: NDArray[np.float64], reference: NDArray[np.float64]) -> Measurement:
        """Return the distance of two ``(n, 1280)`` sets, n at least 2; it may be negative."""
        refused = refuse_sets(restored, reference)
        return refused or Measurement(kernel_distance(restored, reference))


def load_kd() -> KdEfficientNet:
    """Return the metric with its network loaded."""
    return KdEfficientNet(KD, load_judge())
