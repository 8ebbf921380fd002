"""The part that the identity metrics of ArcFace networks share: crop, describe, compare."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.metrics.described import Described
from bench.metrics.identity.identity_dlib import cosine, degrees
from bench.metrics.metric import Measurement, MetricEntry, Sample, Status, refuse_sizes

__all__ = ["SMALLEST", "ArcFacePair"]

SMALLEST = 32
"""Pixels of a side; `zoo align` cuts no smaller faces."""


class ArcFacePair(Described):
    """Cosine, or the angle, of two descriptors of the same place in both images.

    The images are aligned faces, so no detector is asked and every pair has a value. Nothing is
    left out: an image equal to its truth scores 1, or 0 degrees.

    Parameters
    ----------
    entry
        The facts; its unit says whether the value is a cosine or degrees.
    describe
        uint8 (size, size, 3) RGB, aligned → ``(features,)``.
    template
        How the faces are aligned; names what is kept with a sample.
    """

    __slots__ = ("_describe", "_template")

    def __init__(
        self,
        entry: MetricEntry,
        describe: Callable[[NDArray[np.uint8]], NDArray[np.float64]],
        template: str,
    ) -> None:
        super().__init__(entry)
        self._describe, self._template = describe, template

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Compare two uint8 RGB images of equal size, square, of at least 32 pixels."""
        refused = refuse_sizes(restored, hq, SMALLEST)
        if refused:
            return refused
        height, width = hq.image.shape[:2]
        if height != width:
            text = f"{height} x {width} is no square: give faces that `zoo align` cut"
            return Measurement(None, Status.ERROR, text)
        name = f"{self.judge} {self._template}"
        value = cosine(*(each.feature(name, self._describe) for each in (restored, hq)))
        return Measurement(degrees(value) if self.unit == "°" else value)
