"""The Fréchet distance of two image sets on MobileNet-V2 features; it is not FID."""

from __future__ import annotations

from dataclasses import replace

from bench.metrics.distribution.fd_efficientnet import FD, FrechetFeatureDistance
from bench.metrics.perceptual.mobilenet_judge import JUDGE, PACKAGES, POOLED, load_judge

__all__ = ["FD_MOBILENET", "load_fd_mobilenet"]

FD_MOBILENET = replace(
    FD,
    name="fd_mobilenet",
    signature=f"fd|{JUDGE}|pooled1280|native-size|singular-value-trace",
    judge=JUDGE,
    packages=PACKAGES,
    packaged=(),
    weights=JUDGE,
    feature=POOLED,
)


def load_fd_mobilenet() -> FrechetFeatureDistance:
    """Return the metric with its network loaded."""
    return FrechetFeatureDistance(FD_MOBILENET, load_judge())
