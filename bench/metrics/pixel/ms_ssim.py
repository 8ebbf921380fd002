"""Multi-scale structural similarity (Wang et al. 2003), under three protocols with names.

The libraries agree on the weights and on little else: on what becomes of colour, of negative
values, of an odd last row, and of the border at the coarsest scale. Each is in the signature.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import MetricEntry
from bench.metrics.metric import Measurement, RegisteredMetric, Sample, refuse_sizes
from bench.metrics.no_reference.pyiqa_metric import pyiqa_peer
from bench.metrics.pixel.planes import PYIQA, RGB, Y_FULL, Protocol
from bench.metrics.pixel.ssim import (
    LUMA_ROUNDED,
    WINDOW,
    similarity_entry,
    similarity_maps,
    torchmetrics_peer,
)

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales, the finest first: Wang et al. 2003, section 3.2."""

SMALLEST = WINDOW * 2 ** (len(_WEIGHTS) - 1)
"""Pixels on the shorter side, 176, so that a whole window is left at the coarsest scale."""


@dataclass(frozen=True, slots=True)
class Pyramid:
    """What the paper leaves open.

    ``pooled``: a scale's mean is over all channels, so that there is one product; else each channel
    has a product of its own, and the value is their mean. ``clamped``: negative values of the
    contrast-structure map count as 0 before the mean; a negative mean always does, as it has no
    real power. ``padded``: an odd side is continued by zeros on both ends before it is halved
    (pyiqa and pytorch_msssim), which moves the grid and darkens the rim; else its last row is left
    out. ``mirrored``: the coarsest scale counts windows that reach beyond the image, which is
    mirrored there (torchmetrics), though the finer scales do not.
    """

    pooled: bool = False
    clamped: bool = False
    padded: bool = False
    mirrored: bool = False


def ms_ssim(
    restored: NDArray[np.float64],
    hq: NDArray[np.float64],
    pyramid: Pyramid,
    peak: float = 255.0,
) -> float:
    """Return Π c_j^w_j over five scales, times the luminance of the coarsest, in [0, 1].

    The images are ``(height, width, channels)`` float64, at least 176 x 176, of levels up to
    ``peak``.

    Notes
    -----
    Wang, Simoncelli and Bovik 2003, eq. 7. As in all code that was read for this, the coarsest
    factor is the mean of luminance times contrast-structure, not the product of their means.
    """
    last = len(_WEIGHTS) - 1
    product: NDArray[np.float64] | float = 1.0
    for scale, weight in enumerate(_WEIGHTS):
        mirrored = pyramid.mirrored and scale == last
        luminance, structure = similarity_maps(restored, hq, peak, valid=not mirrored)
        if pyramid.clamped:
            structure = np.maximum(structure, 0)
        factor = luminance * structure if scale == last else structure
        mean = np.mean(factor, axis=None if pyramid.pooled else (0, 1))
        product = product * np.maximum(mean, 0) ** weight
        if scale < last:
            restored, hq = (_halved(plane, pyramid.padded) for plane in (restored, hq))
    return float(np.mean(product))


def _halved(plane: NDArray[np.float64], padded: bool) -> NDArray[np.float64]:
    """Return the means of squares of 2 x 2 pixels."""
    if padded:
        height, width = (length % 2 for length in plane.shape[:2])
        plane = np.pad(plane, ((height, height), (width, width), (0, 0)))
    height, width = (length // 2 * 2 for length in plane.shape[:2])
    plane = plane[:height, :width]
    rows = plane[::2] + plane[1::2]
    return (rows[:, ::2] + rows[:, 1::2]) / 4


class MsSsim(RegisteredMetric):
    """MS-SSIM of one image pair under one protocol; higher is better, at most 1."""

    __slots__ = ("_protocol", "_pyramid")

    def __init__(self, entry: MetricEntry, protocol: Protocol, pyramid: Pyramid) -> None:
        super().__init__(entry)
        self._protocol, self._pyramid = protocol, pyramid

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Compare two uint8 HWC RGB images of equal size, at least 176 x 176."""
        refused = refuse_sizes(restored, hq, SMALLEST)
        if refused:
            return refused
        planes = self._protocol.planes(restored.image, hq.image)
        value = ms_ssim(*planes, self._pyramid)
        return Measurement(None if math.isnan(value) else value)


def _signature(colour: str, extra: str) -> str:
    return f"ms-ssim|{colour}|u8|gauss11s1.5|scales5|mean2x2|{extra}|crop0"


MS_SSIM_PROTOCOLS: tuple[tuple[MetricEntry, Protocol, Pyramid], ...] = (
    (
        similarity_entry(
            "ms_ssim",
            _signature("rgb-mean", "valid|odd-padded"),
            "Wang et al. 2003; pytorch_msssim, RGB mean",
            "bench.metrics.pixel.ms_ssim:load_ms_ssim",
            protocols={"strict": "ms_ssim"},
            peers=(
                torchmetrics_peer(
                    "torchmetrics_ms_ssim",
                    None,
                    "pools channels, mirrors at the coarsest scale: ms_ssim_torchmetrics",
                ),
            ),
        ),
        Protocol(RGB),
        Pyramid(padded=True),
    ),
    (
        similarity_entry(
            "ms_ssim_y_rounded_clamped",
            _signature("y-full-rounded", "valid|odd-padded|clamped"),
            f"{PYIQA} ms_ssim",
            "bench.metrics.pixel.ms_ssim:load_ms_ssim",
            protocols={"pyiqa": "ms_ssim"},
            peers=(pyiqa_peer("ms_ssim", 1e-3, LUMA_ROUNDED),),
        ),
        Protocol(Y_FULL, rounded=True),
        Pyramid(clamped=True, padded=True),
    ),
    (
        similarity_entry(
            "ms_ssim_torchmetrics",
            _signature("rgb-pooled", "coarsest-mirrored|odd-cut"),
            "torchmetrics MultiScaleStructuralSimilarityIndexMeasure",
            "bench.metrics.pixel.ms_ssim:load_ms_ssim",
            peers=(torchmetrics_peer("torchmetrics_ms_ssim", 1e-6),),
        ),
        Protocol(RGB),
        Pyramid(pooled=True, mirrored=True),
    ),
)
"""Entry, planes and pyramid of each MS-SSIM."""

ENTRIES = tuple(row[0] for row in MS_SSIM_PROTOCOLS)


def load_ms_ssim(entry: MetricEntry) -> MsSsim:
    """Return one of `ENTRIES`, ready to measure."""
    _, protocol, pyramid = next(row for row in MS_SSIM_PROTOCOLS if row[0].name == entry.name)
    return MsSsim(entry, protocol, pyramid)
