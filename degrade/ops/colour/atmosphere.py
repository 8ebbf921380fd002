"""Light between the face and the lens. Planes in and out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.kernels.levels import mixed_with_level
from degrade.ops.kernels.memory import PLANES

__all__ = ["haze"]


def haze(
    planes: NDArray[np.float32], stream: object, *, alpha: float, level: float
) -> NDArray[np.float32]:
    """Return ``alpha * planes + (1 − alpha) * level``: an even haze of that level.

    RestoreFormer++, ffhq_uneven_degradation_dataset.py, "simple hazy", with level 255.
    """
    return mixed_with_level(planes, float(alpha), float(level), PLANES.take(planes.shape))
