"""Short names of array types, for signatures of operations and kernels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
UInt8 = NDArray[np.uint8]
UInt32 = NDArray[np.uint32]
UInt64 = NDArray[np.uint64]

Planes = Float32
"""An image inside: (channels, height, width), levels 0-255."""
StreamWords = UInt32
"""Five words: the Philox key and the counter words 1-3 of a step's stream."""
