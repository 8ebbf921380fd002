"""The kernel distance from a reference set as a mean over pairs of photographs.

In this form it can be resampled: what a draw of photographs does to the distance is then a
quadratic form in how often each came up. See `bench.metrics.distribution.kd_efficientnet` for the
distance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics.distribution.kernel_distance import kernel

__all__ = ["kernel_terms"]

_BLOCK = 512


def kernel_terms(
    restored: NDArray[np.float64], images: NDArray[np.intp], reference: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ``(n, n)`` terms whose mean over i ≠ j is the distance, but for the reference's part.

    Parameters
    ----------
    restored
        ``(v, d)`` features of degraded versions.
    images
        ``(v,)`` numbers of their photographs, 0 to n − 1, each at least once.
    reference
        ``(m, d)`` features of the reference set, held fixed.

    Returns
    -------
    ndarray
        Term (i, j) is K̄(i, j) − c(i) − c(j), with K̄ the mean kernel between the versions of i and
        those of j, and c(i) the mean kernel between the versions of i and the reference set. The
        mean within the reference, equal for all restorers, is left out, so only differences
        between two restorers mean anything. The diagonal is NaN.

    Notes
    -----
    Gretton et al. 2012, eq. 3: the unbiased estimate is Σ_{i≠j} k(x_i, x_j) / n(n − 1) + const
    − 2 Σ_i c(i) / n, and the last sum is that of c(i) + c(j) over the same pairs. With equally
    many versions of each photograph this equals `kernel_distance` with ``images`` exactly.
    """
    order = np.argsort(images, kind="stable")
    rows, starts = restored[order], np.unique(images[order], return_index=True)[1]
    versions = np.diff([*starts, len(rows)])
    own = np.zeros((len(starts), len(starts)))
    for first in range(0, len(starts), _BLOCK):
        some = slice(first, first + _BLOCK)
        begin = starts[first]
        end = starts[first + _BLOCK] if first + _BLOCK < len(starts) else len(rows)
        between = kernel(rows[begin:end] @ rows.T, rows.shape[1])
        between = np.add.reduceat(between, starts, axis=1)
        own[some] = np.add.reduceat(between, starts[some] - begin, axis=0)
    own /= np.outer(versions, versions)
    across = np.concatenate(
        [
            kernel(rows[place : place + _BLOCK] @ reference.T, rows.shape[1]).mean(axis=1)
            for place in range(0, len(rows), _BLOCK)
        ]
    )
    mean = np.add.reduceat(across, starts) / versions
    terms: NDArray[np.float64] = own - mean[:, None] - mean[None, :]
    np.fill_diagonal(terms, np.nan)
    return terms
