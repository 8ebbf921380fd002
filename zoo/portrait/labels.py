"""The 19 regions of a parsed face, in the two orders that published networks use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BISENET_LABELS",
    "BISENET_TO_CELEBAMASK",
    "CELEBAMASK_TO_BISENET",
    "LABELS",
    "from_bisenet",
    "place",
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


def place(name: str) -> int:
    """Return where a region stands in `LABELS`; ValueError for a name that is none."""
    return LABELS.index(name)


def from_bisenet(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``(19, height, width)`` channels of BiSeNet's order in the order of `LABELS`."""
    return channels[list(CELEBAMASK_TO_BISENET)]


def to_bisenet(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``(19, height, width)`` channels of the order of `LABELS` in BiSeNet's."""
    return channels[list(BISENET_TO_CELEBAMASK)]
