"""Estimate the strength of white noise from one image; removes none of it."""

from __future__ import annotations

import numpy as np

from zoo.restorer import Image

__all__ = ["MOST_NOISE", "NO_NOISE", "estimate_noise"]

NO_NOISE = 2.5
"""Levels below which an estimate is texture, not noise.

Measured: the sharp colour photographs of scikit-image (astronaut, chelsea, coffee, rocket)
with no noise added are estimated at 0.5 to 2.1."""

MOST_NOISE = 60.0
"""Levels; estimates above are clipped to this, twice the strongest noise of our recipes."""

_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
"""Difference of two Laplacians, blind to linear ramps: Immerkær 1996, "Fast noise variance
estimation", eq. 2."""
_MASK_GAIN = 6.0
"""By how much the mask multiplies the deviation of white noise: root of its sum of squares."""

_DEVIATIONS = 0.6744897501960817
"""Median of |x| for a standard normal x: the 75 % point of the normal distribution."""


def estimate_noise(image: Image) -> float:
    """Return the standard deviation of white noise in 8-bit levels, 0 to `MOST_NOISE`.

    Immerkær's mask with the median of absolute values (Donoho & Johnstone 1994) in place of
    their mean, so that edges and dead pixels count little; the mean over the channels.

    Parameters
    ----------
    image
        uint8 HWC RGB. Smaller than 3 × 3 gives 0: there is nothing to tell noise from.
    """
    import cv2

    height, width = image.shape[:2]
    if height < 3 or width < 3:
        return 0.0
    response = cv2.filter2D(image, cv2.CV_32F, _MASK)[1:-1, 1:-1]
    spread = np.median(np.abs(response), axis=(0, 1)) / (_MASK_GAIN * _DEVIATIONS)
    return min(float(spread.mean()), MOST_NOISE)
