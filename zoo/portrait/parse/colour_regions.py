"""Which region a pixel belongs to, by its colour: soft places in, soft regions out.

Knows nothing of faces. Every region learns the colours of the places it is expected at, and takes
the pixels that have them; like GrabCut (Rother, Kolmogorov and Blake, SIGGRAPH 2004), but for
several regions at once and with histograms instead of random starts, so that nothing is drawn
from a generator.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from zoo.restorer import Image

__all__ = ["colour_regions"]

_ROUNDS = 4
_BINS = 16
_LIGHT_STEP, _CHROMA_STEP = 16, 6
"""Widths of the bins in 8-bit CIELAB; chroma is clipped to 48 either side of grey."""
_SPREAD = 0.8
"""Standard deviation, in bins, by which a colour counts for its neighbours."""
_FLOOR = 0.05
"""Share of every region's colours that may be anything."""
_TRUST = 0.85
"""Exponent of the likelihood: neighbouring pixels are no independent witnesses."""
_NEAR = 0.012
"""Half the window whose colours count with a pixel's own, a share of the height."""
_NEIGHBOURS = 0.5
"""Their weight: a fleck of another colour stays with what lies around it."""
_KINSHIP = 0.3
"""Weight of the colours a region is expected to have, beside those it is found with."""
_GUIDE_NOISE = 0.0015
"""Guided filter's epsilon, as a variance of lightness in [0, 1]."""


def colour_regions(
    image: Image, prior: NDArray[np.float32], kin: Mapping[int, int]
) -> NDArray[np.float32]:
    """Return how likely each pixel belongs to each region, given its colour and its place.

    Parameters
    ----------
    image
        uint8 (height, width, 3) RGB.
    prior
        float32 (regions, height, width), expectation by place alone; sums to 1 over regions.
    kin
        Regions that look like another one (an ear like skin): they start with its colours, and
        keep a share of them.

    Returns
    -------
    NDArray[np.float32]
        Of the same shape, sums to 1. A region that is expected nowhere is found nowhere.

    Notes
    -----
    Rounds of expectation and maximisation over colour histograms; at the end the edges are drawn
    to those of the picture by a guided filter (He, Sun and Tang, ECCV 2010).
    """
    sigma = max(0.006 * image.shape[0], 0.5)
    calm = cv2.GaussianBlur(image, (0, 0), sigma)
    bins = _bin_of(np.asarray(cv2.cvtColor(calm, cv2.COLOR_RGB2LAB), np.uint8))
    window = 2 * max(1, round(_NEAR * image.shape[0])) + 1
    belief = prior
    masses = np.square(prior, dtype=np.float64).sum(axis=(1, 2))
    for number in range(_ROUNDS):
        counts = _owned(np.stack([_counts(bins, layer) for layer in belief]))
        anything = np.full_like(counts[0], 1.0 / counts[0].size)
        colours: list[NDArray[np.float32]] = []
        for region, own in enumerate(counts):
            if region not in kin:
                colours.append(_colours(own, masses[region], anything))
                continue
            like = counts[kin[region]] / max(float(counts[kin[region]].sum()), 1e-12)
            colours.append(_colours(own if number else like, masses[region], like))
        belief = prior * np.stack([_likelihood(share[bins], window) for share in colours])
        belief /= np.maximum(belief.sum(axis=0), np.float32(1e-12))
    light = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255)
    return _drawn_to_edges(belief, np.asarray(light, np.float32))


def _bin_of(lab: NDArray[np.uint8]) -> NDArray[np.intp]:
    levels = lab.astype(np.intp)
    light = levels[..., 0] // _LIGHT_STEP
    chroma = np.clip((levels[..., 1:] - 128) // _CHROMA_STEP + _BINS // 2, 0, _BINS - 1)
    return (light * _BINS + chroma[..., 0]) * _BINS + chroma[..., 1]


def _counts(bins: NDArray[np.intp], belief: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how often a region has each colour, float64 (bins³,).

    Places count by the square of the belief, so that a region does not learn the colours of a
    neighbour whose pixels it may hold.
    """
    from scipy.ndimage import gaussian_filter

    counts = np.bincount(bins.ravel(), np.square(belief).ravel(), minlength=_BINS**3)
    cube = counts.reshape(_BINS, _BINS, _BINS)
    return np.asarray(gaussian_filter(cube, _SPREAD, mode="nearest"), np.float64).ravel()


def _owned(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the counts of each region times its share of each colour, float64 (regions, bins³).

    A colour that is mostly another region's is no sign of this one, even where this one was
    expected: a wall seen beside a head with less hair than most does not make the wall hair.
    """
    share = counts / np.maximum(counts.sum(axis=0), 1e-12)
    return np.asarray(counts * share**2, np.float64)


def _colours(
    counts: NDArray[np.float64], mass: float, like: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the share of each colour in a region to the power of `_TRUST`, float32 (bins³,).

    ``like`` stands for `_KINSHIP` of the region's expected ``mass``: a region that has lost its
    places falls back on it rather than take the colours of the few that are left.
    """
    prior = _KINSHIP * mass + 1e-9
    share = (counts + prior * like) / (counts.sum() + prior)
    mixed = (1.0 - _FLOOR) * share + _FLOOR / share.size
    return np.asarray(mixed**_TRUST, np.float32)


def _likelihood(shares: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """Return each pixel's likelihood, mixed with the geometric mean of those around it."""
    logs = np.log(shares)
    near = cv2.blur(logs, (window, window), borderType=cv2.BORDER_REFLECT)
    return np.asarray(np.exp((1 - _NEIGHBOURS) * logs + _NEIGHBOURS * near), np.float32)


def _drawn_to_edges(layers: NDArray[np.float32], guide: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the layers as a guided filter sees them, non-negative and of sum 1."""
    side = 2 * max(1, round(0.014 * guide.shape[0])) + 1

    def mean(layer: NDArray[np.floating]) -> NDArray[np.float32]:
        return np.asarray(cv2.blur(layer, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)

    centre = mean(guide)
    variance = mean(guide * guide) - centre * centre + np.float32(_GUIDE_NOISE)
    result = np.empty_like(layers)
    for number, layer in enumerate(layers):
        level = mean(layer)
        slope = (mean(guide * layer) - centre * level) / variance
        result[number] = mean(slope) * guide + mean(level - slope * centre)
    result = np.where(layers.max(axis=(1, 2), keepdims=True) > 0, np.maximum(result, 0), 0)
    return np.asarray(result / np.maximum(result.sum(axis=0), 1e-6), np.float32)
