"""Stand-ins for metrics that cannot run here: every value says why and what mends it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics.described import Described
from bench.metrics.metric import Measurement, MetricEntry, PairMetric, Sample, SetMetric

__all__ = ["UnavailablePairMetric", "UnavailableSetMetric", "unavailable"]


class UnavailablePairMetric(Described):
    """A pair metric without its package or weights."""

    __slots__ = ()

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Return the reason, whatever the images."""
        return Measurement(None, self.entry.status, self.entry.detail)


class UnavailableSetMetric(Described):
    """A set metric without its package or weights."""

    __slots__ = ()

    def describe(self, sample: Sample) -> NDArray[np.float64] | Measurement:
        """Return the reason, whatever the image."""
        return Measurement(None, self.entry.status, self.entry.detail)

    def compare(
        self,
        restored: NDArray[np.float64],
        reference: NDArray[np.float64],
        images: NDArray[np.intp] | None = None,
    ) -> Measurement:
        """Return the reason, whatever the sets."""
        return Measurement(None, self.entry.status, self.entry.detail)


def unavailable(entry: MetricEntry) -> PairMetric | SetMetric:
    """Return the stand-in for an entry whose status is not ``ok``."""
    kind = UnavailablePairMetric if entry.kind == "pair" else UnavailableSetMetric
    return kind(entry)
