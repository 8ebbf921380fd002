"""The kernel Inception distance over all pairs of images, with weights found locally.

Libraries draw subsets of the images, most of them unseeded, and refuse or shrink sets of fewer
than 1000; their mean estimates what is computed here at once. Papers often print it times 1000.
"""

from __future__ import annotations

from bench.metrics.distribution.inception_judge import (
    CLEAN,
    JUDGE,
    LEGACY,
    PACKAGES,
    WEIGHTS,
    InceptionSetMetric,
    load_inception,
)
from bench.metrics.distribution.set_distances import ByKernelDistance
from bench.metrics.metric import MetricEntry

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


class Kid(ByKernelDistance, InceptionSetMetric):
    """Kernel distance of Inception's pool3 features."""

    __slots__ = ()


def load_kid() -> Kid:
    """Return ``kid`` with its network loaded; WeightsMissing when it is not here."""
    return Kid(KID, load_inception())


def load_kid_clean() -> Kid:
    """Return ``kid_clean`` with its network loaded; WeightsMissing when it is not here."""
    return Kid(KID_CLEAN, load_inception())
