"""MobileNet-V2 as a second judge, of another family than the networks of losses."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from zoo.networks.features.efficientnet import FeatureMaps

__all__ = ["JUDGE", "PACKAGES", "POOLED", "load_judge"]

JUDGE = "mobilenet-v2"
"""Also what ``zoo fetch`` calls its weights."""
# timm: the module that has the features' type imports it.
PACKAGES = ("torch", "torchvision", "timm")
POOLED = f"{JUDGE}-pooled"
"""The vector behind the distances between sets."""


def load_judge() -> Callable[[NDArray[np.uint8]], FeatureMaps]:
    """Load what gives an image its features; errors as `load_mobilenet`."""
    from zoo.networks.features.efficientnet import extract
    from zoo.networks.features.mobilenet import load_mobilenet, stage_maps

    return partial(extract, load_mobilenet(offline=True), maps_of=stage_maps)
