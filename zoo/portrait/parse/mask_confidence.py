"""How far a parsing mask may be trusted: whether it fits its crop better than a displaced one.

Sees only the crop and the mask, whoever made it, and needs no truth to compare with.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from zoo.labels import LABELS, label_index
from zoo.restorer import Image

__all__ = ["mask_confidence"]

_SIDE = 96
_CALM = 1.0
"""Pixels, at that side, of the blur that takes noise out of the crop."""
_DISPLACED = 0.2
"""How far the mask is moved for comparison: a share of the radius of the face in it."""
_STEPS = 8
_STEEP = 8.0
"""Slope of the logistic over log ratios of what is explained: 1.3 times as much counts as 0.9."""
_LEAST = 0.01
_SHARES = np.array((0.7, 0.3))
"""What the whole crop and the face count: the outline tells more, the features tell it apart."""
_FACE = [
    label_index(name)
    for name in ("skin", "nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip")
]


def mask_confidence(image: Image, mask: NDArray[np.float32]) -> float:
    """Return the confidence in a mask, in [0, 1].

    Parameters
    ----------
    image
        uint8 (height, width, 3) RGB.
    mask
        float32 (19, height, width) in the order of `zoo.labels.LABELS`.

    Notes
    -----
    A mask that fits explains the picture: the share of the colours' variance (CIELAB) that lies
    between its regions rather than within them. That share, in the whole crop and where the mask
    has the face, is compared with what the same mask explains when it is moved to each of eight
    sides. 0: it fits no better than moved, or the picture is flat; 1: much better than each. The
    mask is compared with itself on the same picture, so contrast and grey matter little.

    It ranks masks of one face well, and masks of different faces roughly: on 100 degraded crops
    its rank correlation with the true overlap of the masks of 68 landmarks was about 0.5.
    """
    side = (_SIDE, _SIDE)
    calm = cv2.GaussianBlur(cv2.resize(image, side, interpolation=cv2.INTER_AREA), (0, 0), _CALM)
    colours = cv2.cvtColor(calm, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float64)
    layers = np.stack([cv2.resize(one, side, interpolation=cv2.INTER_AREA) for one in mask])
    reach = _DISPLACED * float(np.sqrt(layers[_FACE].sum() / np.pi))
    face = layers[_FACE].sum(axis=0)
    straight = _explained(colours, layers, face)
    turns = np.arange(_STEPS) * (2 * np.pi / _STEPS)
    moved = [
        _explained(colours, _moved(layers, reach * np.cos(turn), reach * np.sin(turn)), face)
        for turn in turns
    ]
    ratio = np.log((straight + _LEAST) / (np.array(moved) + _LEAST))
    better = np.mean(1.0 / (1.0 + np.exp(-_STEEP * ratio)), axis=0) @ _SHARES
    return min(max(2.0 * float(better) - 1.0, 0.0), 1.0)


def _explained(
    colours: NDArray[np.float64], layers: NDArray[np.floating], face: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the share of variance between regions, in the crop and in the face; (2,)."""
    flat = layers.reshape(len(LABELS), -1).astype(np.float64)
    return np.array([_between(colours, flat), _between(colours, flat * face.reshape(1, -1))])


def _between(colours: NDArray[np.float64], layers: NDArray[np.float64]) -> float:
    """Return the variance between layers as a share of all, in [0, 1]; 0 where there is none."""
    weights, sizes = layers.sum(axis=0), layers.sum(axis=1)
    offset = colours - (weights @ colours) / max(float(weights.sum()), 1e-9)
    whole = float((weights @ np.square(offset)).sum())
    means = (layers @ offset) / np.maximum(sizes, 1e-9)[:, None]
    return float((sizes @ np.square(means)).sum()) / max(whole, 1e-6 * float(weights.sum()) + 1e-9)


def _moved(layers: NDArray[np.floating], right: float, down: float) -> NDArray[np.floating]:
    matrix = np.array([[1.0, 0.0, right], [0.0, 1.0, down]])
    side = (_SIDE, _SIDE)
    return np.stack(
        [cv2.warpAffine(one, matrix, side, borderMode=cv2.BORDER_REPLICATE) for one in layers]
    )
