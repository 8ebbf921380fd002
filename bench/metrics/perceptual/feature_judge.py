"""A network of ImageNet features as the judge: one pass an image, shared by every metric.

EfficientNet-Lite2 and MobileNet-V2 are kept for judging: no restorer here is trained against them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.metrics.described import Described
from bench.metrics.metric import Measurement, MetricEntry, Sample, Status

if TYPE_CHECKING:
    from zoo.networks.features.efficientnet import FeatureMaps

__all__ = ["SMALLEST", "FeatureMetric", "FeatureSetMetric"]

SMALLEST = 32
"""Pixels on the shorter side; below them zero padding outweighs the image in the last maps."""


class FeatureMetric(Described):
    """A metric that looks at images through its judge, at their own size.

    Parameters
    ----------
    entry
        The facts, with the judge's name.
    extract
        Gives a uint8 HWC RGB image its features, see `zoo.networks.features.efficientnet.extract`.
    """

    __slots__ = ("_extract",)

    def __init__(
        self, entry: MetricEntry, extract: Callable[[NDArray[np.uint8]], FeatureMaps]
    ) -> None:
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
