"""Peak signal-to-noise ratio, under the protocols that published figures follow.

Holds the formula only; colour and cropping are in `bench.metrics.pixel.planes`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import MetricEntry, Peer
from bench.metrics.metric import Measurement, RegisteredMetric, Sample, refuse_sizes
from bench.metrics.no_reference.pyiqa_metric import pyiqa_peer
from bench.metrics.pixel.planes import BASICSR, PYIQA, RGB, VQFR, Y_FULL, Y_LIMITED, Protocol

CAP = 10 * math.log10(12 * 255**2)
"""The largest decibels that count in comparisons: 58.92 dB is the PSNR of an image that differs
from HQ by no more than rounding to 8 bits (an error uniform within half a level has the variance
1/12; Bennett 1948). Nothing is visible beyond it. So two perfect images differ by 0, and leaving an
undegraded image alone beats changing it by what that costs below the cap."""

EPSILON = 1e-8
"""Added to the mean squared error of levels in [0, 1] by pyiqa (``psnr_arch.py``), piq and
BasicSR's ``calculate_psnr_pt``: equal images then have 80 dB, and a pair at 60 dB loses .043."""


def psnr(
    restored: NDArray[np.float64],
    hq: NDArray[np.float64],
    peak: float = 255.0,
    epsilon: float = 0.0,
) -> float:
    """Return 10 log10(1 / (mean squared error / peak² + epsilon)) in dB over float64 arrays.

    With ``epsilon`` 0 equal arrays give ``inf``; the other choice is `EPSILON`.
    """
    error = float(np.mean(np.square(restored - hq))) / (peak * peak) + epsilon
    return math.inf if error == 0 else -10 * math.log10(error)


class Psnr(RegisteredMetric):
    """PSNR of one image pair under one protocol; higher is better, in dB.

    Without an epsilon identical images give ``inf``, with one 80 dB.
    """

    __slots__ = ("_epsilon", "_protocol")

    def __init__(self, entry: MetricEntry, protocol: Protocol, epsilon: float = 0.0) -> None:
        super().__init__(entry)
        self._protocol, self._epsilon = protocol, epsilon

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Compare two uint8 HWC RGB images of equal size."""
        refused = refuse_sizes(restored, hq, smallest=1 + 2 * self._protocol.crop)
        if refused:
            return refused
        planes = self._protocol.planes(restored.image, hq.image)
        return Measurement(psnr(*planes, epsilon=self._epsilon))


def _entry(
    name: str,
    signature: str,
    source: str,
    *,
    ranking: int = 0,
    protocols: Mapping[str, str] = MappingProxyType({}),
    peers: tuple[Peer, ...] = (),
) -> MetricEntry:
    return MetricEntry(
        name,
        "pair",
        "higher",
        "dB",
        signature,
        source,
        "bench.metrics.pixel.psnr:load_psnr",
        error="rmse",
        cap=CAP,
        ranking=ranking,
        protocols=protocols,
        equal=(80.0, 1e-9) if "eps" in signature else (math.inf, 0.0),
        peers=peers,
    )


PSNR_PROTOCOLS: tuple[tuple[MetricEntry, Protocol, float], ...] = (
    (
        _entry(
            "psnr",
            "psnr|rgb|u8|crop0",
            f"{BASICSR}, RGB, as face papers report it",
            ranking=1,
            protocols={"strict": "psnr", "basicsr": "psnr", "restoreformer": "psnr"},
            peers=(
                Peer("scikit-image", "bench.validate.peers:skimage_psnr", ("skimage",), 1e-9),
                pyiqa_peer("psnr", 1e-4, "adds 1e-8 to the error: never above 80 dB"),
            ),
        ),
        Protocol(RGB),
        0.0,
    ),
    (
        _entry(
            "psnr_eps",
            "psnr|rgb|u8|crop0|eps1e-8",
            f"{PYIQA} psnr; calculate_psnr_pt",
            protocols={"pmrf": "psnr", "pyiqa": "psnr"},
        ),
        Protocol(RGB),
        EPSILON,
    ),
    (
        _entry("psnr_crop4", "psnr|rgb|u8|crop4", f"{BASICSR}, RGB, crop_border 4"),
        Protocol(RGB, crop=4),
        0.0,
    ),
    (
        _entry(
            "psnr_y",
            "psnr|y-full|u8|crop0",
            f"{PYIQA} psnry, without its epsilon",
            peers=(pyiqa_peer("psnry", 1e-3, "adds 1e-8 to the error"),),
        ),
        Protocol(Y_FULL),
        0.0,
    ),
    (
        _entry(
            "psnr_y_eps",
            "psnr|y-full|u8|crop0|eps1e-8",
            f"{PYIQA} psnry",
            protocols={"pyiqa": "psnr_y"},
        ),
        Protocol(Y_FULL),
        EPSILON,
    ),
    (
        _entry("psnr_y_rounded", "psnr|y-full-rounded|u8|crop0", f"{PYIQA}'s rounded luma"),
        Protocol(Y_FULL, rounded=True),
        0.0,
    ),
    (
        _entry(
            "psnr_y_limited",
            "psnr|y-limited|u8|crop0",
            f"{BASICSR}, test_y_channel",
            protocols={"basicsr": "psnr_y"},
        ),
        Protocol(Y_LIMITED),
        0.0,
    ),
    (
        _entry(
            "psnr_vqfr",
            "psnr|rgb|u8|crop0|vqfr",
            f"{VQFR}, mean and deviation of HQ imposed",
            protocols={"vqfr": "psnr"},
        ),
        Protocol(RGB, matched=True),
        0.0,
    ),
)
"""Entry, planes and epsilon of each PSNR; their values on five known pairs are in the tests."""

ENTRIES = tuple(entry for entry, _, _ in PSNR_PROTOCOLS)


def load_psnr(entry: MetricEntry) -> Psnr:
    """Return one of `ENTRIES`, ready to measure."""
    _, protocol, epsilon = next(row for row in PSNR_PROTOCOLS if row[0].name == entry.name)
    return Psnr(entry, protocol, epsilon)
