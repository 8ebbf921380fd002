"""The kernel Inception distance over all pairs of images, with weights found locally.

Libraries draw subsets of the images, most of them unseeded, and refuse or shrink sets of fewer
than 1000; their mean estimates what is computed here at once. Papers often print it times 1000.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics.frechet import refuse_sets
from bench.metrics.inception_judge import (
    CLEAN,
    JUDGE,
    LEGACY,
    PACKAGES,
    WEIGHTS,
    InceptionSetMetric,
    load_inception,
)
from bench.metrics.kd_efficientnet import kernel_distance
from bench.metrics.metric import Measurement, MetricEntry, Status

__all__ = ["KID", "KID_CLEAN", "Kid", "load_kid", "load_kid_clean"]

_SOURCE = "Binkowski et al. 2018 (arXiv 1801.01401), unbiased MMD² of Gretton et al. 2012"


def _entry(name: str, protocol: str, source: str, feature: str) -> MetricEntry:
    kernel = "pool3-2048|poly3-gamma1/d-coef1|unbiased|all-pairs-of-photographs"
    return MetricEntry(
        name=name,
        kind="set",
        direction="lower",
        unit="",
        signature=f"kid|inception-2015-12-05|{protocol}|{kernel}",
        source=f"{_SOURCE}; {source}",
        judge=JUDGE,
        packages=PACKAGES,
        weights=WEIGHTS,
        feature=feature,
    )


KID = _entry("kid", "pytorch-fid-legacy|bilinear299", "features as for fid", LEGACY)
KID_CLEAN = _entry("kid_clean", "clean|pil-bicubic299", "features as for fid_clean", CLEAN)


class Kid(InceptionSetMetric):
    """Kernel distance of Inception's pool3 features; zero on average for equal distributions.

    Restored images beside their own truths are no independent sets, which pulls the value
    below zero for small ones: name a ``reference`` set, as for ``kd_efficientnet``.
    """

    __slots__ = ()

    def compare(
        self,
        restored: NDArray[np.float64],
        reference: NDArray[np.float64],
        images: NDArray[np.intp] | None = None,
    ) -> Measurement:
        """Return the distance of two ``(n, 2048)`` sets, n at least 2; it may be negative."""
        refused = refuse_sets(restored, reference)
        if not refused and images is not None and len(np.unique(images)) < 2:
            refused = Measurement(None, Status.ERROR, "at least 2 photographs are needed, not 1")
        return refused or Measurement(kernel_distance(restored, reference, images))


def load_kid() -> Kid:
    """Return ``kid`` with its network loaded; WeightsMissing when it is not here."""
    return Kid(KID, load_inception())


def load_kid_clean() -> Kid:
    """Return ``kid_clean`` with its network loaded; WeightsMissing when it is not here."""
    return Kid(KID_CLEAN, load_inception())
