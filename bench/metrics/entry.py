"""The facts of a metric: the only place where one is declared. It imports nothing slow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Literal

Direction = Literal["higher", "lower"]
"""Which way is better."""

Kind = Literal["pair", "set"]
"""``pair`` compares a restored image with its HQ, ``set`` one set of images with another."""

ErrorScale = Literal["", "rmse", "one_minus", "value"]
"""How a value becomes an error that is 0 for a perfect image: decibels as the root mean square
error in shares of white, a similarity of at most 1 as its distance from 1, a distance as it is."""

SetDistance = Literal["", "frechet", "kernel"]
"""How a set metric compares feature vectors, where `bench.stats` knows how to resample it."""


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
class Peer:
    """Another implementation of a metric, for `bench crosscheck`."""

    name: str  # the package, and what it calls the metric
    # ``module:function``, called with ``argument`` where there is one; returns a function of two
    # samples (restored, HQ) to a `Measurement`, or for a set metric of two arrays of feature
    # vectors to a float
    loader: str
    packages: tuple[str, ...]  # import names it needs
    # Relative, for the worst image; None where the two are of different definitions, which ``why``
    # names, so that a difference is no fault
    tolerance: float | None
    why: str = ""
    argument: str = ""


@dataclass(frozen=True, slots=True)
class MetricEntry:
    """All facts of one metric, known without loading it, and whether it can run here.

    This is the only place where a metric is declared: listings, protocols, severity, comparison,
    calibration, the gate and the reports read them from here or from the run's record.
    """

    name: str  # column name, such as ``psnr``
    kind: Kind  # ``pair`` or ``set``
    direction: Direction  # ``higher`` or ``lower`` is better
    unit: str  # ``dB``, ``cosine``, ``°``, ``rad``, ``px``, ``%`` or the empty string
    signature: str  # everything that decides the value, such as ``psnr|rgb|u8|crop0``
    source: str  # paper, repository or documentation the formula comes from
    # ``module:function``, called with the entry; returns the metric, ready to measure
    loader: str = ""
    judge: str = ""  # the network behind the value (``efficientnet-lite2``), or the empty string
    packages: tuple[str, ...] = ()  # import names that must be installed
    # Name that ``zoo fetch`` knows, for weights no package ships; or the empty string
    weights: str = ""
    # Name of a file of weights that a person brings, see `zoo.weights.files.own_file`; or empty
    file: str = ""
    # ``(import name, path inside)`` of weights that installed packages ship
    packaged: tuple[tuple[str, str], ...] = ()
    # What the vector of a set metric is, such as ``inception-pool3``: letters, digits and dashes.
    # Metrics with the same name share their vectors. Empty for a pair metric.
    feature: str = ""
    # Name in `zoo.weights.licences.LICENCES` of a licence that must be agreed to first, or empty
    licence: str = ""
    # Whether it compares with HQ, or with a set; False for one that judges an image alone
    needs_reference: bool = True
    # How severity reads its values as errors; empty for a metric without a perfect value, which
    # then has curves and no mean restoration error
    error: ErrorScale = ""
    cap: float | None = None  # the largest value that counts in comparisons; None for no limit
    # Of a set metric: how `bench.stats` resamples it; empty where it cannot
    distance: SetDistance = ""
    # The metric with the largest number ranks images, and tells which inputs are the hardest where
    # it is a distance; 0 only where a run has no other
    ranking: int = 0
    # Name of a protocol to what the metric is reported as there, such as ``psnr``
    protocols: Mapping[str, str] = field(default_factory=dict)
    # Its value for an image and itself (or a set and itself) and the tolerance; None where that is
    # not known
    equal: tuple[float, float] | None = None
    peers: tuple[Peer, ...] = ()  # other implementations of it
    # ``ok``, or ``package_missing`` / ``weights_missing`` and the command that mends it
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
