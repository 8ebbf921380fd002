"""Whether a parsing mask can be that of an aligned face; if not, a network does better without."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo.labels import LABELS, label_index
from zoo.mean_mask import template_mask

__all__ = ["as_mask", "fits_face"]

_FEATURES = [
    label_index(name)
    for name in ("nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip")
]
_LEAST_OVERLAP = 0.2
"""Of the features with the mean face's, intersection over union. 72 held-out faces under
``gfpgan-256`` (``studies/measure_wrong_masks.py``): masks of the degraded face have .35 or more in
98 of 100, twelve wrong ones at most .10 in 98 of 100; another face's has as much as the right one,
and costs .7 % of the perceptual distance."""


def fits_face(mask: NDArray[np.float32], template: str) -> bool:
    """Return whether the features in a mask lie where an aligned face has them.

    Parameters
    ----------
    mask
        ``(19, size, size)`` in [0, 1].
    template
        How the face is aligned, ``ffhq`` or ``tight``.
    """
    if not np.isfinite(mask).all():
        return False
    features = np.clip(mask[_FEATURES].sum(axis=0), 0.0, 1.0)
    mean = _mean_features(template, mask.shape[1])
    union = float(np.maximum(features, mean).sum())
    return float(np.minimum(features, mean).sum()) >= _LEAST_OVERLAP * union


def as_mask(mask: NDArray[np.float32] | NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return a mask as it is, or a label map, uint8 ``(size, size)``, as a mask.

    A value that names no label leaves the pixel without one.
    """
    if mask.ndim == 2 and mask.dtype == np.uint8:
        labels = np.arange(len(LABELS))[:, None, None]
        return np.asarray(mask[None] == labels, np.float32)
    return np.asarray(mask, np.float32)


@lru_cache(maxsize=8)
def _mean_features(template: str, size: int) -> NDArray[np.float32]:
    return np.asarray(template_mask(template, size)[_FEATURES].sum(axis=0))
