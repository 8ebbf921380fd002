"""What a metric is: an entry of facts, and a value that always says how it came about.

The contract between the metrics and everything that uses them, and the base class that they
share. It imports no network, no metric and nothing slow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Direction",
    "ErrorScale",
    "Kind",
    "Measurement",
    "MetricEntry",
    "PairMetric",
    "Peer",
    "RegisteredMetric",
    "Sample",
    "SetDistance",
    "SetMetric",
    "Status",
    "UnavailableMetric",
    "refuse_sizes",
    "unavailable",
]

Direction = Literal["higher", "lower"]
"""Which way is better."""

Kind = Literal["pair", "set"]
"""``pair`` compares a restored image with its HQ, ``set`` one set of images with another."""

ErrorScale = Literal["", "rmse", "one_minus", "value"]
"""How a value becomes an error that is 0 for a perfect image: decibels as the root mean square
error in shares of white, a similarity of at most 1 as its distance from 1, a distance as it is."""

SetDistance = Literal["", "frechet", "kernel"]
"""How a set metric compares feature vectors, where `bench.stats` knows how to resample it."""

Feature = TypeVar("Feature")


class Status(StrEnum):
    """How a measurement came about; only ``ok`` carries a value.

    ``left_out``: a published protocol keeps the image out of its mean, and the detail says why.
    """

    OK = "ok"
    NO_FACE = "no_face"
    NO_FACE_IN_REFERENCE = "no_face_in_reference"
    WEIGHTS_MISSING = "weights_missing"
    PACKAGE_MISSING = "package_missing"
    LEFT_OUT = "left_out"
    ERROR = "error"


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


@dataclass(frozen=True, slots=True)
class Peer:
    """Another implementation of a metric, for `bench crosscheck`.

    Attributes
    ----------
    name
        The package, and what it calls the metric.
    loader
        ``module:function``, called with ``argument`` where there is one; returns a function of
        two samples (restored, HQ) to a `Measurement`, or for a set metric of two arrays of
        feature vectors to a float.
    packages
        Import names it needs.
    tolerance
        Relative, for the worst image; None where the two are of different definitions, which
        ``why`` names, so that a difference is no fault.
    """

    name: str
    loader: str
    packages: tuple[str, ...]
    tolerance: float | None
    why: str = ""
    argument: str = ""


@dataclass(frozen=True, slots=True)
class MetricEntry:
    """All facts of one metric, known without loading it, and whether it can run here.

    This is the only place where a metric is declared: listings, protocols, severity, comparison,
    calibration, the gate and the reports read them from here or from the run's record.

    Attributes
    ----------
    name
        Column name, such as ``psnr``.
    kind
        ``pair`` or ``set``.
    direction
        ``higher`` or ``lower`` is better.
    unit
        ``dB``, ``cosine``, ``°``, ``rad``, ``px``, ``%`` or the empty string.
    signature
        Everything that decides the value, such as ``psnr|rgb|u8|crop0``.
    source
        Paper, repository or documentation the formula comes from.
    loader
        ``module:function``, called with the entry; returns the metric, ready to measure.
    judge
        The network behind the value (``efficientnet-lite2``), or the empty string.
    packages
        Import names that must be installed.
    weights
        Name that ``zoo fetch`` knows, for weights no package ships; or the empty string.
    file
        Name of a file of weights that a person brings, see `zoo.weights.files.own_file`; or empty.
    packaged
        ``(import name, path inside)`` of weights that installed packages ship.
    feature
        What the vector of a set metric is, such as ``inception-pool3``: letters, digits and
        dashes. Metrics with the same name share their vectors. Empty for a pair metric.
    licence
        Name in `zoo.weights.licences.LICENCES` of a licence that must be agreed to first, or empty.
    needs_reference
        Whether it compares with HQ, or with a set; False for one that judges an image alone.
    error
        How severity reads its values as errors; empty for a metric without a perfect value, which
        then has curves and no mean restoration error.
    cap
        The largest value that counts in comparisons; None for no limit.
    distance
        Of a set metric: how `bench.stats` resamples it; empty where it cannot.
    ranking
        The metric with the largest number ranks images, and tells which inputs are the hardest
        where it is a distance; 0 only where a run has no other.
    protocols
        Name of a protocol to what the metric is reported as there, such as ``psnr``.
    equal
        Its value for an image and itself (or a set and itself) and the tolerance; None where
        that is not known.
    peers
        Other implementations of it.
    status, detail
        ``ok``, or ``package_missing`` / ``weights_missing`` and the command that mends it.
    """

    name: str
    kind: Kind
    direction: Direction
    unit: str
    signature: str
    source: str
    loader: str = ""
    judge: str = ""
    packages: tuple[str, ...] = ()
    weights: str = ""
    file: str = ""
    packaged: tuple[tuple[str, str], ...] = ()
    feature: str = ""
    licence: str = ""
    needs_reference: bool = True
    error: ErrorScale = ""
    cap: float | None = None
    distance: SetDistance = ""
    ranking: int = 0
    protocols: Mapping[str, str] = field(default_factory=dict)
    equal: tuple[float, float] | None = None
    peers: tuple[Peer, ...] = ()
    status: Status = Status.OK
    detail: str = ""

    @property
    def available(self) -> bool:
        """Whether the metric can give values on this machine now."""
        return self.status is Status.OK

    @property
    def ceiling(self) -> float:
        """The largest value that counts in comparisons, perhaps infinite."""
        return math.inf if self.cap is None else self.cap

    def as_record(self) -> dict[str, object]:
        """Return the entry as a JSON-ready mapping, without what only calibration reads."""
        names = (each.name for each in fields(self))
        internal = ("loader", "equal", "peers", "protocols")
        facts = {name: getattr(self, name) for name in names if name not in internal}
        return {**facts, "protocols": dict(self.protocols)}


class Sample:
    """One decoded image and everything computed from it, each thing once.

    Parameters
    ----------
    image
        uint8 HWC RGB.
    """

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
    """Return the error measurement of two images that cannot be compared, or None.

    Parameters
    ----------
    smallest
        The least height and width, in pixels, that the metric is defined for.
    """
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
