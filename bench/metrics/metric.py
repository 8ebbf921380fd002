"""What a metric does: samples in, a measurement out that always says how it came about.

The contract between the metrics and everything that runs them, and the base class that they
share; their facts are in `bench.metrics.entry`. It imports no network and nothing slow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import Direction, MetricEntry, Status

Feature = TypeVar("Feature")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of one metric, or the reason there is none.

    ``value`` may be ``math.inf`` (the PSNR of two identical images); JSON has no such
    number, so writers spell it ``inf``. ``detail`` is one line: the command that mends it,
    or the error's text.
    """

    value: float | None
    status: Status = Status.OK
    detail: str = ""


class Sample:
    """One decoded image (uint8 HWC RGB) and everything computed from it, each thing once."""

    __slots__ = ("_features", "image")

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self.image = image
        self._features: dict[str, Any] = {}

    def feature(self, name: str, compute: Callable[[NDArray[np.uint8]], Feature]) -> Feature:
        """Return ``compute(image)``, computed at most once for each ``name``."""
        if name not in self._features:
            self._features[name] = compute(self.image)
        value: Feature = self._features[name]
        return value


def refuse_sizes(restored: Sample, hq: Sample, smallest: int = 1) -> Measurement | None:
    """Return the error of images of unequal size or of sides below ``smallest`` pixels, or None."""
    if restored.image.shape != hq.image.shape:
        sizes = f"restored is {_size(restored)}, HQ {_size(hq)}"
        return Measurement(None, Status.ERROR, f"sizes differ: {sizes}")
    if min(hq.image.shape[:2]) < smallest:
        text = f"{_size(hq)} is too small: at least {smallest} x {smallest} pixels are needed"
        return Measurement(None, Status.ERROR, text)
    return None


def _size(sample: Sample) -> str:
    return " x ".join(str(length) for length in sample.image.shape[:2])


class _Facts(Protocol):
    """What every metric answers for; see `MetricEntry`."""

    @property
    def name(self) -> str: ...
    @property
    def direction(self) -> Direction: ...
    @property
    def unit(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def signature(self) -> str: ...
    @property
    def judge(self) -> str: ...


@runtime_checkable
class PairMetric(_Facts, Protocol):
    """A metric of one restored image against its HQ."""

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Compare two images of equal size."""


@runtime_checkable
class SetMetric(_Facts, Protocol):
    """A distance between two sets of images, through one vector for each image."""

    @property
    def feature(self) -> str:
        """Names the vector; set metrics with the same name share their vectors."""

    def describe(self, sample: Sample) -> NDArray[np.float64] | Measurement:
        """Return the feature vector of one image, or the reason there is none."""

    def compare(
        self,
        restored: NDArray[np.float64],
        reference: NDArray[np.float64],
        images: NDArray[np.intp] | None = None,
    ) -> Measurement:
        """Return the distance between two sets of features.

        Parameters
        ----------
        restored, reference
            ``(n, d)`` and ``(m, d)``.
        images
            ``(n,)`` numbers, equal for degraded versions of one image: those are no
            independent samples. None where each vector is of an image of its own.
        """


class RegisteredMetric:
    """A metric that reads its facts from its `MetricEntry`."""

    __slots__ = ("entry",)

    def __init__(self, entry: MetricEntry) -> None:
        self.entry = entry

    @property
    def name(self) -> str:
        """Column name."""
        return self.entry.name

    @property
    def direction(self) -> Direction:
        """Which way is better."""
        return self.entry.direction

    @property
    def unit(self) -> str:
        """Unit of the value, or the empty string."""
        return self.entry.unit

    @property
    def source(self) -> str:
        """Where the formula comes from."""
        return self.entry.source

    @property
    def signature(self) -> str:
        """Everything that decides the value."""
        return self.entry.signature

    @property
    def feature(self) -> str:
        """Names the vector of a set metric, or the empty string."""
        return self.entry.feature

    @property
    def judge(self) -> str:
        """The network behind the value, or the empty string."""
        return self.entry.judge


class UnavailableMetric(RegisteredMetric):
    """A metric without its package or weights: every value is the reason."""

    __slots__ = ()

    @property
    def reason(self) -> Measurement:
        """What is missing, and the command that mends it."""
        return Measurement(None, self.entry.status, self.entry.detail)


class _UnavailablePair(UnavailableMetric):
    __slots__ = ()

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        return self.reason


class _UnavailableSet(UnavailableMetric):
    __slots__ = ()

    def describe(self, sample: Sample) -> NDArray[np.float64] | Measurement:
        return self.reason

    def compare(
        self,
        restored: NDArray[np.float64],
        reference: NDArray[np.float64],
        images: NDArray[np.intp] | None = None,
    ) -> Measurement:
        return self.reason


def unavailable(entry: MetricEntry) -> PairMetric | SetMetric:
    """Return the stand-in for an entry whose status is not ``ok``."""
    return _UnavailablePair(entry) if entry.kind == "pair" else _UnavailableSet(entry)
