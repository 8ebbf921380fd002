"""How metrics of sets compare: by the Fréchet or the kernel distance of their feature vectors.

The half that describes one image belongs to the network that does it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics.distribution.frechet import frechet_distance
from bench.metrics.distribution.kernel_distance import kernel_distance
from bench.metrics.metric import Measurement, Status

__all__ = ["ByFrechetDistance", "ByKernelDistance", "refuse_sets"]


class ByFrechetDistance:
    """Biased upwards for small sets: compare values of equal n only.

    With fewer images than the features have dimensions, on either side, the covariances are
    rank-deficient: read it as a rough guide then.
    """

    __slots__ = ()

    def compare(
        self,
        restored: NDArray[np.float64],
        reference: NDArray[np.float64],
        images: NDArray[np.intp] | None = None,
    ) -> Measurement:
        """Return the distance of ``(n, d)`` and ``(m, d)``, at least 2 each; ``images`` is unread.

        An error where a set is smaller.
        """
        refused = refuse_sets(restored, reference)
        return refused or Measurement(frechet_distance(restored, reference))


class ByKernelDistance:
    """Zero on average for two independent sets of one distribution, whatever n is.

    Restored images beside their own truths are not independent: each is nearer to its truth than
    to another photograph, which lowers the value by about 2 / n of that nearness, so a few pairs
    score below zero, and a perfect restorer lowest. A suite that names a ``reference`` set has no
    such trouble.
    """

    __slots__ = ()

    def compare(
        self,
        restored: NDArray[np.float64],
        reference: NDArray[np.float64],
        images: NDArray[np.intp] | None = None,
    ) -> Measurement:
        """Return the distance of ``(n, d)`` and ``(m, d)``, at least 2 each; it may be negative.

        An error where a set is smaller, or ``images`` names fewer than two photographs.
        """
        refused = refuse_sets(restored, reference)
        if not refused and images is not None and len(np.unique(images)) < 2:
            refused = Measurement(None, Status.ERROR, "at least 2 photographs are needed, not 1")
        return refused or Measurement(kernel_distance(restored, reference, images))


def refuse_sets(
    restored: NDArray[np.float64], reference: NDArray[np.float64]
) -> Measurement | None:
    """Return the error measurement of two sets that have no distance, or None.

    A set needs two vectors for a covariance or an unbiased mean over pairs.
    """
    fewest = min(len(restored), len(reference))
    if fewest < 2:
        text = f"at least 2 images are needed on each side, one has {fewest}"
        return Measurement(None, Status.ERROR, text)
    return None
