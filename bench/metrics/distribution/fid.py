"""The Fréchet Inception distance, as pytorch-fid and as clean-fid compute it.

``fid`` is pytorch-fid's protocol ("legacy" in clean-fid and pyiqa), as the BasicSR family of
face papers descends from it; ``fid_clean`` resizes otherwise and gives other values.
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
from bench.metrics.distribution.set_distances import ByFrechetDistance
from bench.metrics.metric import MetricEntry

__all__ = ["FID", "FID_CLEAN", "Fid", "load_fid", "load_fid_clean"]

_SOURCE = "Heusel et al. 2017 (arXiv 1706.08500)"


def _entry(name: str, protocol: str, source: str, feature: str) -> MetricEntry:
    return MetricEntry(
        name=name,
        kind="set",
        direction="lower",
        unit="",
        signature=f"fid|inception-2015-12-05|{protocol}|pool3-2048",
        source=f"{_SOURCE}, {source}",
        judge=JUDGE,
        packages=PACKAGES,
        weights=WEIGHTS,
        feature=feature,
    )


FID = _entry(
    "fid",
    "pytorch-fid-legacy|bilinear299",
    "protocol and weights of pytorch-fid 0.3.0",
    LEGACY,
)
FID_CLEAN = _entry(
    "fid_clean",
    "clean|pil-bicubic299",
    "protocol of clean-fid (arXiv 2104.11222), weights of pytorch-fid",
    CLEAN,
)


class Fid(ByFrechetDistance, InceptionSetMetric):
    """Fréchet distance of Inception's pool3 features, of 2048 dimensions."""

    __slots__ = ()


def load_fid() -> Fid:
    """Return ``fid`` with its network loaded; WeightsMissing when it is not here."""
    return Fid(FID, load_inception())


def load_fid_clean() -> Fid:
    """Return ``fid_clean`` with its network loaded; WeightsMissing when it is not here."""
    return Fid(FID_CLEAN, load_inception())
