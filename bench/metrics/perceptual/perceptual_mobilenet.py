"""The perceptual distance on MobileNet-V2 features: a second opinion, by another network."""

from __future__ import annotations

from dataclasses import replace

from bench.metrics.perceptual.mobilenet_judge import JUDGE, PACKAGES, load_judge
from bench.metrics.perceptual.perceptual_efficientnet import PERCEPTUAL, PerceptualDistance

__all__ = ["PERCEPTUAL_MOBILENET", "load_perceptual_mobilenet"]

PERCEPTUAL_MOBILENET = replace(
    PERCEPTUAL,
    name="perceptual_mobilenet",
    signature=f"perceptual|{JUDGE}|stages5|unit-channels|mean|native-size",
    judge=JUDGE,
    packages=PACKAGES,
    packaged=(),
    weights=JUDGE,
)


def load_perceptual_mobilenet() -> PerceptualDistance:
    """Return the metric with its network loaded."""
    return PerceptualDistance(PERCEPTUAL_MOBILENET, load_judge())
