"""Structural similarity (Wang et al. 2004), also at five scales (2003), under named protocols.

The column ``ssim`` is the mean over R, G and B as BasicSR computes it, for three reasons: it
is the default of the scripts behind face papers (BasicSR, VQFR, CodeFormer); it looks at the
same pixels as the column ``psnr`` beside it; and a luma protocol cannot see a colour cast
(on the calibration pair I04, a change of colour only, RGB gives .93 and luma .998), which
restorers do cause. The others have names of their own.

Of MS-SSIM the libraries agree on the weights and on little else: on what becomes of colour, of
negative values, of an odd last row, and of the border at the coarsest scale. Each is in the
signature.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bench.metrics.metric import (
    Measurement,
    MetricEntry,
    Peer,
    RegisteredMetric,
    Sample,
    refuse_sizes,
)
from bench.metrics.no_reference.pyiqa_metric import pyiqa_peer
from bench.metrics.pixel.planes import (
    BASICSR,
    PIQ,
    PYIQA,
    RGB,
    VQFR,
    Y_FULL,
    Y_LIMITED,
    Protocol,
)

__all__ = [
    "ENTRIES",
    "MS_SSIM_PROTOCOLS",
    "SMALLEST",
    "SSIM_PROTOCOLS",
    "WINDOW",
    "MsSsim",
    "Pyramid",
    "Ssim",
    "load_ms_ssim",
    "load_ssim",
    "ms_ssim",
    "similarity_maps",
    "ssim",
]

WINDOW = 11
SIGMA = 1.5
K1, K2 = 0.01, 0.03
"""Window, its deviation in pixels, and the stabilisers: Wang et al. 2004, section III.C."""


def ssim(
    restored: NDArray[np.float64],
    hq: NDArray[np.float64],
    peak: float = 255.0,
    clamped: bool = False,
) -> float:
    """Return the mean structural similarity over all positions of the window and all channels.

    Parameters
    ----------
    restored, hq
        ``(height, width, channels)`` float64, at least 11 x 11; only windows that lie wholly
        inside count.
    peak
        The largest possible level.
    clamped
        Set negative values of the contrast-structure factor to zero, as pyiqa does.

    Notes
    -----
    With s = x + y and d = x - y, four blurs give all that is needed instead of five:
    E[s²] - E[d²] = 4 E[xy] and E[s²] + E[d²] = 2 (E[x²] + E[y²]). In float64 the result
    agrees with the direct form to 1e-12.
    """
    luminance, structure = similarity_maps(restored, hq, peak)
    if clamped:
        structure = np.maximum(structure, 0)
    return float(np.mean(luminance * structure))


def similarity_maps(
    restored: NDArray[np.float64], hq: NDArray[np.float64], peak: float, *, valid: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the two factors of SSIM's eq. 13, luminance and contrast-structure, at each place.

    Parameters
    ----------
    restored, hq, peak
        As for `ssim`.
    valid
        Keep only windows that lie inside; else the image is mirrored at its edges, its last
        pixel standing once.

    Returns
    -------
    tuple
        Two ``(height, width, channels)`` or, of one channel, ``(height, width)`` arrays.
    """
    total, difference = restored + hq, restored - hq
    mean_total, mean_difference = _blur(total, valid), _blur(difference, valid)
    square_total, square_difference = np.square(mean_total), np.square(mean_difference)
    spread_total = _blur(np.square(total, out=total), valid) - square_total
    spread_difference = _blur(np.square(difference, out=difference), valid) - square_difference
    # Twice the numerators and denominators of eq. 13: c1 and c2 are doubled with them.
    c1, c2 = 2 * (K1 * peak) ** 2, 2 * (K2 * peak) ** 2
    structure = (spread_total - spread_difference + c2) / (spread_total + spread_difference + c2)
    luminance = (square_total - square_difference + c1) / (square_total + square_difference + c1)
    return luminance, structure


def _blur(plane: NDArray[np.float64], valid: bool) -> NDArray[np.float64]:
    """Return the Gaussian-weighted mean, at every position or where the window lies inside."""
    import cv2

    offsets = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-np.square(offsets) / (2 * SIGMA**2))
    weights /= weights.sum()
    blurred = cv2.sepFilter2D(plane, cv2.CV_64F, weights, weights)
    edge = WINDOW // 2 if valid else 0
    return np.asarray(blurred[edge : -edge or None, edge : -edge or None], np.float64)


class Ssim(RegisteredMetric):
    """SSIM of one image pair under one protocol; higher is better, at most 1."""

    __slots__ = ("_clamped", "_protocol")

    def __init__(self, entry: MetricEntry, protocol: Protocol, clamped: bool) -> None:
        super().__init__(entry)
        self._protocol, self._clamped = protocol, clamped

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Compare two uint8 HWC RGB images of equal size, at least 11 x 11."""
        refused = refuse_sizes(restored, hq, smallest=WINDOW)
        if refused:
            return refused
        planes = self._protocol.planes(restored.image, hq.image)
        return Measurement(ssim(*planes, clamped=self._clamped))


_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales, the finest first: Wang et al. 2003, section 3.2."""

SMALLEST = WINDOW * 2 ** (len(_WEIGHTS) - 1)
"""Pixels on the shorter side, 176, so that a whole window is left at the coarsest scale."""


@dataclass(frozen=True, slots=True)
class Pyramid:
    """What the paper leaves open.

    Attributes
    ----------
    pooled
        Whether a scale's mean is over all channels, so that there is one product; else each
        channel has a product of its own, and the value is their mean.
    clamped
        Whether negative values of the contrast-structure map count as 0 before the mean. A
        negative mean always does: it has no real power.
    padded
        Whether an odd side is continued by zeros on both ends before it is halved (pyiqa and
        pytorch_msssim), which moves the grid and darkens the rim; else its last row is left out.
    mirrored
        Whether the coarsest scale counts windows that reach beyond the image, which is
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

    Parameters
    ----------
    restored, hq
        ``(height, width, channels)`` float64, at least 176 x 176.
    pyramid
        What the paper leaves open.
    peak
        The largest possible level.

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


_LUMA_ROUNDED = "luma in float32, then rounded"
_NOTHING: Mapping[str, str] = MappingProxyType({})


def _entry(
    name: str,
    signature: str,
    source: str,
    loader: str = "load_ssim",
    *,
    ranking: int = 0,
    protocols: Mapping[str, str] = _NOTHING,
    peers: tuple[Peer, ...] = (),
) -> MetricEntry:
    return MetricEntry(
        name,
        "pair",
        "higher",
        "",
        signature,
        source,
        f"bench.metrics.pixel.ssim:{loader}",
        error="one_minus",
        ranking=ranking,
        protocols=protocols,
        equal=(1.0, 1e-12),
        peers=peers,
    )


def _ssim_signature(colour: str, extra: str = "") -> str:
    return f"ssim|{colour}|u8|gauss11s1.5|valid|crop0{extra}"


def _ms_ssim_signature(colour: str, extra: str) -> str:
    return f"ms-ssim|{colour}|u8|gauss11s1.5|scales5|mean2x2|{extra}|crop0"


def _torchmetrics(function: str, tolerance: float | None, why: str = "") -> Peer:
    packages = ("torch", "torchmetrics")
    return Peer("torchmetrics", f"bench.validate.peers:{function}", packages, tolerance, why)


SSIM_PROTOCOLS: tuple[tuple[MetricEntry, Protocol, bool], ...] = (
    (
        _entry(
            "ssim",
            _ssim_signature("rgb-mean"),
            f"Wang et al. 2004; {BASICSR}, RGB mean",
            ranking=2,
            protocols={
                "strict": "ssim",
                "basicsr": "ssim",
                "restoreformer": "ssim",
                "pmrf": "ssim",
            },
            peers=(
                Peer("scikit-image", "bench.validate.peers:skimage_ssim", ("skimage",), 1e-6),
                _torchmetrics("torchmetrics_ssim", None, "mirrors the border and counts it"),
                pyiqa_peer("ssim", None, "rounded luma: ssim_y_rounded_clamped"),
            ),
        ),
        Protocol(RGB),
        False,
    ),
    (
        _entry(
            "ssim_rgb_clamped",
            _ssim_signature("rgb-mean", "|clamped"),
            f"{PYIQA} ssimc",
            protocols={"pyiqa": "ssimc"},
            peers=(pyiqa_peer("ssimc", 1e-5, "window in float32"),),
        ),
        Protocol(RGB),
        True,
    ),
    (
        _entry(
            "ssim_y_rounded_clamped",
            _ssim_signature("y-full-rounded", "|clamped"),
            f"{PYIQA} ssim",
            protocols={"pyiqa": "ssim"},
            peers=(pyiqa_peer("ssim", 1e-3, _LUMA_ROUNDED),),
        ),
        Protocol(Y_FULL, rounded=True),
        True,
    ),
    (
        _entry("ssim_y", _ssim_signature("y-full"), "Wang et al. 2004 on full-range luma"),
        Protocol(Y_FULL),
        False,
    ),
    (
        _entry(
            "ssim_y_limited",
            _ssim_signature("y-limited"),
            f"{BASICSR}, test_y_channel",
            protocols={"basicsr": "ssim_y"},
        ),
        Protocol(Y_LIMITED),
        False,
    ),
    (
        _entry(
            "ssim_vqfr",
            _ssim_signature("rgb-mean", "|vqfr"),
            f"{VQFR}, mean and deviation of HQ imposed",
            protocols={"vqfr": "ssim"},
        ),
        Protocol(RGB, matched=True),
        False,
    ),
    (
        _entry(
            "ssim_piq",
            _ssim_signature("rgb-mean", "|mean-to-256"),
            f"{PIQ}, as PMRF's second script has it",
            protocols={"pmrf": "ssim"},
        ),
        Protocol(RGB, reduced=True),
        False,
    ),
)
"""Entry, planes and clamping of each SSIM; their values on five known pairs are in the tests."""

MS_SSIM_PROTOCOLS: tuple[tuple[MetricEntry, Protocol, Pyramid], ...] = (
    (
        _entry(
            "ms_ssim",
            _ms_ssim_signature("rgb-mean", "valid|odd-padded"),
            "Wang et al. 2003; pytorch_msssim, RGB mean",
            "load_ms_ssim",
            protocols={"strict": "ms_ssim"},
            peers=(
                _torchmetrics(
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
        _entry(
            "ms_ssim_y_rounded_clamped",
            _ms_ssim_signature("y-full-rounded", "valid|odd-padded|clamped"),
            f"{PYIQA} ms_ssim",
            "load_ms_ssim",
            protocols={"pyiqa": "ms_ssim"},
            peers=(pyiqa_peer("ms_ssim", 1e-3, _LUMA_ROUNDED),),
        ),
        Protocol(Y_FULL, rounded=True),
        Pyramid(clamped=True, padded=True),
    ),
    (
        _entry(
            "ms_ssim_torchmetrics",
            _ms_ssim_signature("rgb-pooled", "coarsest-mirrored|odd-cut"),
            "torchmetrics MultiScaleStructuralSimilarityIndexMeasure",
            "load_ms_ssim",
            peers=(_torchmetrics("torchmetrics_ms_ssim", 1e-6),),
        ),
        Protocol(RGB),
        Pyramid(pooled=True, mirrored=True),
    ),
)
"""Entry, planes and pyramid of each MS-SSIM."""

ENTRIES = (*(row[0] for row in SSIM_PROTOCOLS), *(row[0] for row in MS_SSIM_PROTOCOLS))


def load_ssim(entry: MetricEntry) -> Ssim:
    """Return one of the single-scale `ENTRIES`, ready to measure."""
    _, protocol, clamped = next(row for row in SSIM_PROTOCOLS if row[0].name == entry.name)
    return Ssim(entry, protocol, clamped)


def load_ms_ssim(entry: MetricEntry) -> MsSsim:
    """Return one of the multi-scale `ENTRIES`, ready to measure."""
    _, protocol, pyramid = next(row for row in MS_SSIM_PROTOCOLS if row[0].name == entry.name)
    return MsSsim(entry, protocol, pyramid)
