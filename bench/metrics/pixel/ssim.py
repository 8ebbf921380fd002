"""Structural similarity (Wang et al. 2004), under the protocols that published figures follow.

The column ``ssim`` is the mean over R, G and B as BasicSR computes it, for three reasons: it
is the default of the scripts behind face papers (BasicSR, VQFR, CodeFormer); it looks at the
same pixels as the column ``psnr`` beside it; and a luma protocol cannot see a colour cast
(on the calibration pair I04, a change of colour only, RGB gives .93 and luma .998), which
restorers do cause. The others have names of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import MetricEntry, Peer
from bench.metrics.metric import Measurement, RegisteredMetric, Sample, refuse_sizes
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

    The images are ``(height, width, channels)`` float64, at least 11 x 11, of levels up to
    ``peak``; only windows that lie wholly inside count. ``clamped`` sets negative values of the
    contrast-structure factor to zero, as pyiqa does.

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

    ``valid`` keeps only windows that lie inside; else the image is mirrored at its edges, its last
    pixel standing once. ``(height, width, channels)`` or, of one channel, ``(height, width)``.
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


LUMA_ROUNDED = "luma in float32, then rounded"
_NOTHING: Mapping[str, str] = MappingProxyType({})


def similarity_entry(
    name: str,
    signature: str,
    source: str,
    loader: str = "bench.metrics.pixel.ssim:load_ssim",
    *,
    ranking: int = 0,
    protocols: Mapping[str, str] = _NOTHING,
    peers: tuple[Peer, ...] = (),
) -> MetricEntry:
    """Return the entry of a structural similarity: higher is better, 1 for equal images."""
    return MetricEntry(
        name,
        "pair",
        "higher",
        "",
        signature,
        source,
        loader,
        error="one_minus",
        ranking=ranking,
        protocols=protocols,
        equal=(1.0, 1e-12),
        peers=peers,
    )


def _ssim_signature(colour: str, extra: str = "") -> str:
    return f"ssim|{colour}|u8|gauss11s1.5|valid|crop0{extra}"


def torchmetrics_peer(function: str, tolerance: float | None, why: str = "") -> Peer:
    """Return torchmetrics as the peer of an entry, by a function of `bench.validate.peers`."""
    packages = ("torch", "torchmetrics")
    return Peer("torchmetrics", f"bench.validate.peers:{function}", packages, tolerance, why)


SSIM_PROTOCOLS: tuple[tuple[MetricEntry, Protocol, bool], ...] = (
    (
        similarity_entry(
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
                torchmetrics_peer("torchmetrics_ssim", None, "mirrors the border and counts it"),
                pyiqa_peer("ssim", None, "rounded luma: ssim_y_rounded_clamped"),
            ),
        ),
        Protocol(RGB),
        False,
    ),
    (
        similarity_entry(
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
        similarity_entry(
            "ssim_y_rounded_clamped",
            _ssim_signature("y-full-rounded", "|clamped"),
            f"{PYIQA} ssim",
            protocols={"pyiqa": "ssim"},
            peers=(pyiqa_peer("ssim", 1e-3, LUMA_ROUNDED),),
        ),
        Protocol(Y_FULL, rounded=True),
        True,
    ),
    (
        similarity_entry(
            "ssim_y", _ssim_signature("y-full"), "Wang et al. 2004 on full-range luma"
        ),
        Protocol(Y_FULL),
        False,
    ),
    (
        similarity_entry(
            "ssim_y_limited",
            _ssim_signature("y-limited"),
            f"{BASICSR}, test_y_channel",
            protocols={"basicsr": "ssim_y"},
        ),
        Protocol(Y_LIMITED),
        False,
    ),
    (
        similarity_entry(
            "ssim_vqfr",
            _ssim_signature("rgb-mean", "|vqfr"),
            f"{VQFR}, mean and deviation of HQ imposed",
            protocols={"vqfr": "ssim"},
        ),
        Protocol(RGB, matched=True),
        False,
    ),
    (
        similarity_entry(
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

ENTRIES = tuple(row[0] for row in SSIM_PROTOCOLS)


def load_ssim(entry: MetricEntry) -> Ssim:
    """Return one of `ENTRIES`, ready to measure."""
    _, protocol, clamped = next(row for row in SSIM_PROTOCOLS if row[0].name == entry.name)
    return Ssim(entry, protocol, clamped)
