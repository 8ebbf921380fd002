"""NIQE (Mittal et al. 2013): how far an image's statistics are from those of pristine photographs.

It looks at no reference. The pristine statistics are the authors', 11 kB, found locally; the
arithmetic is written from the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import MetricEntry, Peer, Status
from bench.metrics.metric import Measurement, RegisteredMetric, Sample
from bench.metrics.pixel.planes import Y_FULL, Y_LIMITED, Protocol

_SMALLEST = 192
"""Pixels on the longer side; the shorter one needs 96: a covariance needs two blocks."""

_BLOCK = 96
"""Pixels, section III.B: blocks do not overlap; what is left at the right and below is unread."""


@dataclass(frozen=True, slots=True)
class Pristine:
    """Mean ``(36,)`` and covariance ``(36, 36)`` of sharp blocks of 125 pristine photographs."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


def _entry(name: str, colour: str, source: str, space: str, **protocols: str) -> MetricEntry:
    peer = Peer(
        f"pyiqa niqe {space}",
        "bench.validate.peers:pyiqa_niqe",
        ("pyiqa",),
        0.06,
        "counts rounding in flat regions",
        argument=space,
    )
    return MetricEntry(
        name,
        "pair",
        "lower",
        "",
        f"niqe|{colour}-rounded|u8|blocks96|scales2|matlab-bicubic|flat0|pristine-2a7c182a",
        f"Mittal et al. 2013 (IEEE SPL 20.3), {source}",
        "bench.metrics.no_reference.niqe:load_niqe",
        packages=("scipy",),
        weights="niqe",
        needs_reference=False,
        protocols=protocols,
        peers=(peer,),
    )


ENTRIES = (
    _entry(
        "niqe",
        "y-limited",
        "luma as in BasicSR and VQFR",
        "ycbcr",
        strict="niqe",
        basicsr="niqe",
        vqfr="niqe",
        pmrf="niqe",
    ),
    _entry("niqe_y_full", "y-full", "luma as in pyiqa", "yiq", pyiqa="niqe"),
)


class Niqe(RegisteredMetric):
    """NIQE of the restored image alone; 0 would be pristine, photographs have 2 to 6.

    The half-size scale is MATLAB's antialiased bicubic, as the authors' code has it; ports that
    halve by OpenCV's ``INTER_CUBIC``, which does not antialias, give other values.
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

        # Both arguments of `planes` are the image: there is no HQ to match.
        luma = self._protocol.planes(image, image)[0][:, :, 0]
        features = block_features(luma, _BLOCK)
        usable = features[np.isfinite(features).all(axis=1)]
        if len(usable) < 2:
            return Measurement(None, Status.ERROR, "fewer than two blocks have any texture")
        return Measurement(distance_from(features, self._pristine.mean, self._pristine.covariance))


def read_pristine(path: Path) -> Pristine:
    """Return what ``niqe_pris_params.npz`` holds, executing nothing; raises WeightsRefused."""
    from zoo.weights.files import WeightsRefused

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return Pristine(
                stored["mu_pris_param"].astype(np.float64).reshape(36),
                stored["cov_pris_param"].astype(np.float64).reshape(36, 36),
            )
    except (ValueError, KeyError, EOFError, OSError, AttributeError, BadZipFile) as error:
        raise WeightsRefused(f"{path} does not hold NIQE's pristine statistics: {error}") from error


def load_niqe(entry: MetricEntry) -> Niqe:
    """Return one of `ENTRIES`; WeightsMissing when the pristine statistics are not here."""
    from zoo.weights.files import known_weights, locate

    colour = Y_LIMITED if "y-limited" in entry.signature else Y_FULL
    pristine = read_pristine(locate(known_weights(entry.weights), offline=True))
    return Niqe(entry, Protocol(colour, rounded=True), pristine)


Plane = NDArray[np.float64]

_SIDE, _SIGMA = 7, 7 / 6
"""The window of the local mean and deviation, and its own deviation, in pixels: section III.A."""

_ROUNDING = 1e-10
"""What is nearer to zero is rounding. In flat regions there is nothing else, and the fit counts
signs; every other port counts those of its own rounding. Measured on the calibration pairs, the
authors' values are met within 0.6 % with this, and within 5 % without it."""

_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Neighbours whose products are looked at, rows and columns: section III.C."""

_SHAPES = np.arange(0.2, 10.001, 0.001)
"""Shapes of the generalised Gaussian that are tried, as in the authors' code."""

_TAPS = np.array([-0.01171875, -0.03515625, 0.11328125, 0.43359375])
"""Half of the cubic kernel of Keys 1981 (a = -.5) stretched twofold, at distances of 3.5 to .5
pixels: MATLAB's ``imresize(x, .5)``."""


def block_features(luma: Plane, block: int) -> NDArray[np.float64]:
    """Return ``(blocks, 36)`` features, 18 at full and 18 at half size, of levels 0-255.

    ``block`` is a block's side at full size, even; what is left at the right and below is unread.
    Rows of blocks without any texture hold NaN or infinity.
    """
    rows, columns = (length // block for length in luma.shape)
    plane = luma[: rows * block, : columns * block]
    features_of_scales = []
    for side in (block, block // 2):
        normal = _normalised(plane)
        cut = normal.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side, side)
        features_of_scales.append(_features(cut))
        plane = halved(plane)
    return np.concatenate(features_of_scales, axis=1)


def distance_from(
    features: NDArray[np.float64], mean: NDArray[np.float64], covariance: NDArray[np.float64]
) -> float:
    """Return NIQE, eq. 10: the distance of two Gaussians under their mean covariance.

    Of ``(blocks, 36)`` features, means leave out what is not finite, the covariance whole such
    blocks.
    """
    known = np.where(np.isfinite(features), features, np.nan)
    apart = mean - np.nanmean(known, axis=0)
    own = np.cov(known[np.isfinite(known).all(axis=1)], rowvar=False)
    return float(np.sqrt(apart @ np.linalg.pinv((covariance + own) / 2) @ apart))


def halved(plane: Plane) -> Plane:
    """Return a plane of even sides at half size, antialiased as MATLAB does; edges mirrored."""
    for _ in range(2):
        padded = np.pad(plane, ((3, 3), (0, 0)), mode="symmetric")
        rows = [padded[offset : offset + len(plane) : 2] for offset in range(8)]
        pairs = np.stack([rows[offset] + rows[7 - offset] for offset in range(4)])
        plane = np.tensordot(_TAPS, pairs, axes=1).T
    return np.ascontiguousarray(plane)


def _normalised(plane: Plane) -> Plane:
    """Return the plane less its local mean over its local deviation plus 1 (eq. 1)."""
    import cv2

    offsets = np.arange(_SIDE) - _SIDE // 2
    weights = np.exp(-np.square(offsets) / (2 * _SIGMA**2))
    weights /= weights.sum()

    def blurred(values: Plane) -> Plane:
        edges = cv2.BORDER_REPLICATE
        return np.asarray(cv2.sepFilter2D(values, cv2.CV_64F, weights, weights, borderType=edges))

    mean = blurred(plane)
    deviation = np.sqrt(np.abs(blurred(np.square(plane)) - np.square(mean)))
    normal: Plane = (plane - mean) / (deviation + 1)
    normal[np.abs(normal) < _ROUNDING] = 0
    return normal


def _features(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``(blocks, 18)``: a fit to the values, and to their products with four neighbours."""
    from scipy.special import gammaln

    shape, left, right = _fitted(blocks)
    features_of_scales = [shape, (left + right) / 2]
    for shift in _SHIFTS:
        shape, left, right = _fitted(blocks * np.roll(blocks, shift, axis=(1, 2)))
        mean = (right - left) * np.exp(gammaln(2 / shape) - gammaln(1 / shape))  # eq. 8
        features_of_scales += [shape, mean, left, right]
    return np.stack(features_of_scales, axis=1)


def _fitted(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Fit an asymmetric generalised Gaussian to each block by its moments (Lasmar et al. 2009).

    Return shapes, left and right scales, ``(blocks,)`` each.
    """
    from scipy.special import gammaln

    table = np.exp(2 * gammaln(2 / _SHAPES) - gammaln(1 / _SHAPES) - gammaln(3 / _SHAPES))
    square = np.square(values)
    below, above = values < 0, values > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.sqrt((square * below).sum((1, 2)) / below.sum((1, 2)))
        right = np.sqrt((square * above).sum((1, 2)) / above.sum((1, 2)))
        skew = left / right
        ratio = np.square(np.abs(values).mean((1, 2))) / square.mean((1, 2))
        ratio *= (skew**3 + 1) * (skew + 1) / np.square(skew**2 + 1)
    shape = _SHAPES[np.abs(table - ratio[:, None]).argmin(axis=1)]
    scale = np.exp((gammaln(1 / shape) - gammaln(3 / shape)) / 2)
    return shape, left * scale, right * scale
