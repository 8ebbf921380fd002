"""Peak signal-to-noise ratio, under the protocols that published figures follow.

Holds the formula only; colour and cropping are in `bench.metrics.protocol`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bench.metrics.described import Described
from bench.metrics.metric import Measurement, MetricEntry, Sample, refuse_sizes
from bench.metrics.protocol import BASICSR, PYIQA, RGB, VQFR, Y_FULL, Y_LIMITED, Protocol

__all__ = ["PSNR_PROTOCOLS", "Psnr", "psnr"]


def psnr(restored: NDArray[np.float64], hq: NDArray[np.float64], peak: float = 255.0) -> float:
    """Return 10 log10(peak² / mean squared error) in dB; ``inf`` for equal arrays.

    Parameters
    ----------
    restored, hq
        Float64 arrays of equal shape; the error is the mean over all of their values.
    peak
        The largest possible level.
    """
    error = float(np.mean(np.square(restored - hq)))
    return math.inf if error == 0 else 10 * math.log10(peak * peak / error)


class Psnr(Described):
    """PSNR of one image pair under one protocol; higher is better, in dB.

    No epsilon is added, so identical images give ``inf`` (pyiqa gives 80).
    """

    __slots__ = ("_protocol",)

    def __init__(self, entry: MetricEntry, protocol: Protocol) -> None:
        super().__init__(entry)
        self._protocol = protocol

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Compare two uint8 HWC RGB images of equal size."""
        refused = refuse_sizes(restored, hq, smallest=1 + 2 * self._protocol.crop)
        if refused:
            return refused
        return Measurement(psnr(*self._protocol.planes(restored.image, hq.image)))


def _entry(name: str, signature: str, source: str) -> MetricEntry:
    return MetricEntry(name, "pair", "higher", "dB", signature, source)


PSNR_PROTOCOLS: tuple[tuple[MetricEntry, Protocol], ...] = (
    (
        _entry("psnr", "psnr|rgb|u8|crop0", f"{BASICSR}, RGB, as face papers report it"),
        Protocol(RGB),
    ),
    (
        _entry("psnr_crop4", "psnr|rgb|u8|crop4", f"{BASICSR}, RGB, crop_border 4"),
        Protocol(RGB, crop=4),
    ),
    (
        _entry("psnr_y", "psnr|y-full|u8|crop0", f"{PYIQA} psnry, without its epsilon"),
        Protocol(Y_FULL),
    ),
    (
        _entry("psnr_y_rounded", "psnr|y-full-rounded|u8|crop0", f"{PYIQA}'s rounded luma"),
        Protocol(Y_FULL, rounded=True),
    ),
    (
        _entry("psnr_y_limited", "psnr|y-limited|u8|crop0", f"{BASICSR}, test_y_channel"),
        Protocol(Y_LIMITED),
    ),
    (
        _entry("psnr_vqfr", "psnr|rgb|u8|crop0|vqfr", f"{VQFR}, mean and deviation of HQ imposed"),
        Protocol(RGB, matched=True),
    ),
)
"""What each named PSNR is; the values of all of them on five known pairs are in the tests."""
