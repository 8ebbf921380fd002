"""The Fréchet distance of two sets of feature vectors, exact for any number of vectors.

Knows no network: FID and the EfficientNet distance both come through here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["SMALL_SET", "covariance_root", "frechet_distance"]

SMALL_SET = 2048
"""Below so many images a Fréchet distance on Inception's 2048 features lacks a full covariance and
compares only at equal n (Heusel et al. 2017, the README of their code, bioinf-jku/TTUR)."""


def frechet_distance(restored: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """Return |m₁ − m₂|² + Tr(S₁ + S₂ − 2 (S₁ S₂)^½) of the Gaussians fitted to two sets.

    Parameters
    ----------
    restored, reference
        ``(n, d)`` and ``(m, d)`` features, n and m at least 2. Covariances are the unbiased
        ones (divided by n − 1).

    Returns
    -------
    float
        At least 0; rounding below zero is cut off.

    Notes
    -----
    Dowson and Landau 1982; Heusel et al. 2017 for images. With centred features A and B,
    S₁ = AᵀA / (n − 1) and S₂ = BᵀB / (m − 1), the eigenvalues of S₁ S₂ are the squared
    singular values of A Bᵀ / √((n − 1)(m − 1)), so the trace is their sum: no matrix square
    root, no imaginary part, nothing added to a rank-deficient covariance. A set of more
    vectors than dimensions is first replaced by the R of its QR factors, as RᵀR = AᵀA.
    """
    shift = restored.mean(axis=0) - reference.mean(axis=0)
    first, second = covariance_root(restored), covariance_root(reference)
    cross = float(np.linalg.svd(first @ second.T, compute_uv=False).sum())
    traces = float(np.square(first).sum() + np.square(second).sum())
    return max(0.0, float(shift @ shift) + traces - 2 * cross)


def covariance_root(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return F with FᵀF equal to the unbiased covariance, with at most d rows."""
    scale = float(np.sqrt(len(features) - 1))
    centred: NDArray[np.float64] = (features - features.mean(axis=0)) / scale
    if len(centred) <= centred.shape[1]:
        return centred
    return np.asarray(np.linalg.qr(centred, mode="r"), np.float64)
