"""The kernel distance of two sets of feature vectors: the unbiased squared MMD, over all pairs.

Knows no network: KID and the EfficientNet distance both come through here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["kernel", "kernel_distance"]

_BLOCK = 1024
"""Rows of the kernel matrix held at once."""


def kernel_distance(
    restored: NDArray[np.float64],
    reference: NDArray[np.float64],
    images: NDArray[np.intp] | None = None,
) -> float:
    """Return the unbiased squared maximum mean discrepancy under k(x, y) = (x·y / d + 1)³.

    Parameters
    ----------
    restored, reference
        ``(n, d)`` and ``(m, d)`` features, n and m at least 2.
    images
        ``(n,)`` numbers, equal for restored images of one photograph (its degraded versions).
        Pairs of those are left out of the mean within ``restored``, as a vector paired with
        itself always is: they are no independent samples. None: all are of different ones.

    Returns
    -------
    float
        Zero on average for two samples of one distribution, so below zero for some.

    Notes
    -----
    Gretton et al. 2012, eq. 3, over all pairs: no subsets, so nothing is drawn at random.
    """
    n, m = len(restored), len(reference)
    versions = (
        [restored[images == each] for each in np.unique(images)] if images is not None else []
    )
    if images is None or len(versions) == n:
        same, pairs = _kernel_diagonal(restored), n * (n - 1)
    else:
        same = sum(_kernel_sum(each, each) for each in versions)
        pairs = n * n - sum(len(each) ** 2 for each in versions)
    within = _kernel_sum(restored, restored) - same
    without = _kernel_sum(reference, reference) - _kernel_diagonal(reference)
    across = _kernel_sum(restored, reference)
    return within / pairs + without / (m * (m - 1)) - 2 * across / (n * m)


def _kernel_sum(rows: NDArray[np.float64], columns: NDArray[np.float64]) -> float:
    blocks = (rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK))
    return sum(float(kernel(block @ columns.T, rows.shape[1]).sum()) for block in blocks)


def _kernel_diagonal(rows: NDArray[np.float64]) -> float:
    return float(kernel(np.square(rows).sum(axis=1), rows.shape[1]).sum())


def kernel(products: NDArray[np.float64], dimensions: int) -> NDArray[np.float64]:
    """Return k = (x·y / d + 1)³ of inner products x·y of d-dimensional features."""
    shifted = products / dimensions + 1
    return shifted * shifted * shifted
