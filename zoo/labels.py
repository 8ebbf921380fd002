"""The 19 regions of a parsed face, in the two orders that published networks use."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BISENET_LABELS",
    "BISENET_TO_CELEBAMASK",
    "CELEBAMASK_TO_BISENET",
    "LABELS",
    "UNKNOWN",
    "from_bisenet",
    "keep_regions",
    "label_index",
    "label_map",
    "one_hot",
    "to_bisenet",
]

LABELS = (
    "background", "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear",
    "r_ear", "mouth", "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth",
)  # fmt: skip
"""The regions of CelebAMask-HQ (Lee et al., "MaskGAN", CVPR 2020), in the order of its label
images; ParseNet and PSFRGAN use it, and so does everything here. ``eye_g`` are glasses, ``ear_r``
an earring, ``neck_l`` a necklace; of a pair ``l_`` is the one on the image's left."""

BISENET_LABELS = (
    "background", "skin", "l_brow", "r_brow", "l_eye", "r_eye", "eye_g", "l_ear", "r_ear",
    "ear_r", "nose", "mouth", "u_lip", "l_lip", "neck", "neck_l", "cloth", "hair", "hat",
)  # fmt: skip
"""The same regions in the order of zllrunning/face-parsing.PyTorch (its ``test.py``), which the
published BiSeNet was trained with. A mask read in the wrong order looks valid and is nonsense."""

BISENET_TO_CELEBAMASK = tuple(LABELS.index(name) for name in BISENET_LABELS)
"""Entry i: where BiSeNet's label i stands in `LABELS`."""
CELEBAMASK_TO_BISENET = tuple(BISENET_LABELS.index(name) for name in LABELS)
"""Entry i: where label i of `LABELS` stands in `BISENET_LABELS`."""

UNKNOWN = 255
"""In a label map: a pixel whose region is not known."""


def label_index(name: str) -> int:
    """Return where a region stands in `LABELS`; ValueError for a name that is none."""
    return LABELS.index(name)


def from_bisenet(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``(19, height, width)`` channels of BiSeNet's order in the order of `LABELS`."""
    return channels[list(CELEBAMASK_TO_BISENET)]


def to_bisenet(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``(19, height, width)`` channels of the order of `LABELS` in BiSeNet's."""
    return channels[list(BISENET_TO_CELEBAMASK)]


def keep_regions(probabilities: NDArray[np.float32], regions: Iterable[str]) -> NDArray[np.float32]:
    """Return a mask, ``(19, height, width)``, whose regions other than those named are 0."""
    chosen = np.zeros_like(probabilities)
    indices = [label_index(name) for name in regions]
    chosen[indices] = probabilities[indices]
    return chosen


def label_map(
    probabilities: NDArray[np.floating], confidence_floor: float = 0.0
) -> NDArray[np.uint8]:
    """Return the likeliest region of each pixel, uint8 ``(height, width)``.

    Parameters
    ----------
    probabilities
        ``(19, height, width)`` in [0, 1], in the order of `LABELS`.
    confidence_floor
        Pixels whose likeliest region is less probable than this are `UNKNOWN`, in [0, 1].

    Returns
    -------
    NDArray
        0 to 18, an index of `LABELS`, or `UNKNOWN`; pixels with no region at all are `UNKNOWN`
        at every floor.
    """
    labels = np.asarray(probabilities.argmax(axis=0), np.uint8)
    highest = probabilities.max(axis=0)
    labels[(highest < confidence_floor) | (highest <= 0)] = UNKNOWN
    return labels


def one_hot(labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the channels of a label map: float32 ``(19, height, width)``, 0 or 1.

    Parameters
    ----------
    labels
        uint8 ``(height, width)``: an index of `LABELS`, or `UNKNOWN`, which is 0 in every channel.
    """
    indices = np.arange(len(LABELS), dtype=np.uint8)[:, None, None]
    return np.asarray(labels == indices, np.float32)
