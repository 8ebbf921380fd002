"""What a metric is: a direction, a signature, and a value that always says how it came about.

The contract between the metrics and the runner; it must not import a network, a metric or
anything slow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Direction",
    "Kind",
    "Measurement",
    "MetricEntry",
    "PairMetric",
    "Sample",
    "SetMetric",
    "Status",
    "refuse_sizes",
]

Direction = Literal["higher", "lower"]
"""Which way is better."""

Kind = Literal["pair", "set"]
"""``pair`` compares a restored image with its truth, ``set`` one set of images with another."""

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
class MetricEntry:
    """The facts of one metric, known without loading it, and whether it can run here.

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
    status, detail
        ``ok``, or ``package_missing`` / ``weights_missing`` and the command that mends it.
    """

    name: str
    kind: Kind
    direction: Direction
    unit: str
    signature: str
    source: str
    judge: str = ""
    packages: tuple[str, ...] = ()
    weights: str = ""
    file: str = ""
    packaged: tuple[tuple[str, str], ...] = ()
    feature: str = ""
    licence: str = ""
    status: Status = Status.OK
    detail: str = ""

    @property
    def available(self) -> bool:
        """Whether the metric can give values on this machine now."""
        return self.status is Status.OK

    def as_record(self) -> Mapping[str, object]:
        """Return the entry as a JSON-ready mapping."""
        return asdict(self)


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
        sizes = f"restored is {_size(restored)}, its truth {_size(hq)}"
        return Measurement(None, Status.ERROR, f"sizes differ: {sizes}")
    if min(hq.image.shape[:2]) < smallest:
        text = f"{_size(hq)} is too small: at least {smallest} x {smallest} pixels are needed"
        return Measurement(None, Status.ERROR, text)
    return None


def _size(sample: Sample) -> str:
    return " x ".join(str(length) for length in sample.image.shape[:2])


class _Described(Protocol):
    @property
    def name(self) -> str:
        """Column name, such as ``psnr``."""

    @property
    def direction(self) -> Direction:
        """Which way is better."""

    @property
    def unit(self) -> str:
        """``dB``, ``cosine`` or the empty string."""

    @property
    def source(self) -> str:
        """Paper, repository or documentation the formula comes from."""

    @property
    def signature(self) -> str:
        """Everything that decides the value, such as ``psnr|rgb|u8|crop0``."""

    @property
    def judge(self) -> str:
        """The network behind the value (``efficientnet-lite2``), or the empty string."""


@runtime_checkable
class PairMetric(_Described, Protocol):
    """A metric of one restored image against its truth."""

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Compare two images of equal size."""


@runtime_checkable
class SetMetric(_Described, Protocol):
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
            ``(n,)`` numbers, equal for degraded versions of one photograph: those are no
            independent samples. None where each vector is of a photograph of its own.
        """
