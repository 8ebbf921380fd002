"""The type of a picture at public borders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Image"]

Image = NDArray[np.uint8]
"""uint8, (height, width, 3), RGB."""
