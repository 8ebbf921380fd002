"""NIQE (Mittal et al. 2013): how far an image's statistics are from those of pristine photographs.

It looks at no truth. The statistics of the pristine photographs are the authors', 11 kB, found
locally; the arithmetic is in `bench.metrics.no_reference.natural_statistics`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from bench.metrics.described import Described
from bench.metrics.metric import Measurement, MetricEntry, Sample, Status
from bench.metrics.pixel.planes import Y_FULL, Y_LIMITED, Protocol

__all__ = [
    "NIQE",
    "NIQE_Y_FULL",
    "Niqe",
    "Pristine",
    "load_niqe",
    "load_niqe_y_full",
    "read_pristine",
]

_SMALLEST = 192
"""Pixels on the longer side; the shorter one needs 96: a covariance needs two blocks."""

_BLOCK = 96
"""Pixels, section III.B: blocks do not overlap; what is left at the right and below is unread."""


@dataclass(frozen=True, slots=True)
class Pristine:
    """What the authors measured on 125 pristine photographs.

    Attributes
    ----------
    mean, covariance
        Of the features of sharp blocks, ``(36,)`` and ``(36, 36)``.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


def _entry(name: str, colour: str, source: str) -> MetricEntry:
    return MetricEntry(
        name=name,
        kind="pair",
        direction="lower",
        unit="",
        signature=f"niqe|{colour}-rounded|u8|blocks96|scales2|matlab-bicubic|flat0|pristine-2a7c182a",
        source=f"Mittal et al. 2013 (IEEE SPL 20.3), {source}",
        packages=("scipy",),
        weights="niqe",
    )


NIQE = _entry("niqe", "y-limited", "luma as in BasicSR and VQFR")
NIQE_Y_FULL = _entry("niqe_y_full", "y-full", "luma as in pyiqa")


class Niqe(Described):
    """NIQE of the restored image alone; 0 would be pristine, photographs have 2 to 6.

    The half-size scale is MATLAB's antialiased bicubic, as the authors' code has it; ports that
    halve by OpenCV's ``INTER_CUBIC``, which does not antialias, give other values.

    Parameters
    ----------
    entry
        The facts.
    protocol
        The luma.
    pristine
        Of `read_pristine`.
    """

    __slots__ = ("_pristine", "_protocol")

    def __init__(self, entry: MetricEntry, protocol: Protocol, pristine: Pristine) -> None:
        super().__init__(entry)
        self._protocol, self._pristine = protocol, pristine

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Judge ``restored``, uint8 HWC RGB of at least two blocks; ``hq`` is not read."""
        height, width = restored.image.shape[:2]
        if (height // _BLOCK) * (width // _BLOCK) < 2:
            text = f"{height} x {width} is too small: at least {_BLOCK} x {_SMALLEST} are needed"
            return Measurement(None, Status.ERROR, text)
        return restored.feature(self.name, self._value)

    def _value(self, image: NDArray[np.uint8]) -> Measurement:
        from bench.metrics.no_reference.natural_statistics import block_features, distance_from

        # Both arguments of `planes` are the image: there is no truth to match.
        luma = self._protocol.planes(image, image)[0][:, :, 0]
        features = block_features(luma, _BLOCK)
        usable = features[np.isfinite(features).all(axis=1)]
        if len(usable) < 2:
            return Measurement(None, Status.ERROR, "fewer than two blocks have any texture")
        return Measurement(distance_from(features, self._pristine.mean, self._pristine.covariance))


def read_pristine(path: Path) -> Pristine:
    """Return what the published ``niqe_pris_params.npz`` holds, of which nothing is executed.

    Raises
    ------
    WeightsRefused
        The file is damaged or holds something else.
    """
    from zoo.weights.files import WeightsRefused

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return Pristine(
                stored["mu_pris_param"].astype(np.float64).reshape(36),
                stored["cov_pris_param"].astype(np.float64).reshape(36, 36),
            )
    except (ValueError, KeyError, EOFError, OSError, AttributeError, BadZipFile) as error:
        raise WeightsRefused(f"{path} does not hold NIQE's pristine statistics: {error}") from error


def _load(entry: MetricEntry, protocol: Protocol) -> Niqe:
    from zoo.weights.files import known_weights, locate

    return Niqe(entry, protocol, read_pristine(locate(known_weights(entry.weights), offline=True)))


def load_niqe() -> Niqe:
    """Return ``niqe``, ready; WeightsMissing when the pristine statistics are not here."""
    return _load(NIQE, Protocol(Y_LIMITED, rounded=True))


def load_niqe_y_full() -> Niqe:
    """Return ``niqe_y_full``, ready; WeightsMissing when the statistics are not here."""
    return _load(NIQE_Y_FULL, Protocol(Y_FULL, rounded=True))
