"""The Fréchet distance from a reference set as a mean over photographs, by the jackknife.

In this form it can be resampled: each photograph has a value, which says what the distance is
without it. See `bench.metrics.distribution.distances` for the distance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.metrics.distribution.distances import covariance_root

_STEP = 0.35
"""Of the trapezoidal rule in log √z. Its error is about exp(−π²/step), 6e-13: the integrand is
analytic within π/2 of the real line (Trefethen and Weideman 2014, theorem 5.1)."""
_BELOW, _ABOVE = 28.0, 9.0
"""How far the rule goes below and above the largest singular value. What is left out below is about
exp(−28), 7e-13; above, where rounding would soon outgrow the rest, a closed form continues the
sum to exp(−3 · 9), 2e-12."""

_ROUNDING = 1e-10
"""What one minus a leverage is no more than when it is zero but for rounding."""

_CHUNK = 4_000_000


@dataclass(frozen=True, slots=True)
class ReferenceGaussian:
    """The Gaussian of a reference set: mean ``(d,)`` and F, ``(r, d)``, with FᵀF the covariance."""

    mean: NDArray[np.float64]
    root: NDArray[np.float64]


def fit_reference(vectors: NDArray[np.float64]) -> ReferenceGaussian:
    """Return the Gaussian of ``(m, d)`` features, m at least 2."""
    return ReferenceGaussian(vectors.mean(axis=0), covariance_root(vectors))


def jackknife_values(
    restored: NDArray[np.float64], images: NDArray[np.intp], reference: ReferenceGaussian
) -> NDArray[np.float64]:
    """Return ``(n,)`` values whose mean is the Fréchet distance, one for each photograph.

    Arguments as in `distances_without_each`. A value is F + √(n (n − 1)) (F̄ − F₋ᵢ), with F the
    distance of all, F₋ᵢ that without photograph i, and F̄ the mean of those; NaN where a photograph
    leaves fewer than two images.

    Notes
    -----
    Tukey 1958's pseudo-values but for two things. Their mean is F, not the jackknife's corrected
    distance: what is compared is the distance expected of so many images, of which F is an
    unbiased estimate. And they are √(n / (n − 1)) as far from it, so that the mean of n that are
    drawn has the jackknife's variance, which is on average not below that of the distance of
    n − 1 photographs (Efron and Stein 1981), however many the dimensions.
    """
    whole, without = distances_without_each(restored, images, reference)
    count = len(without)
    values: NDArray[np.float64] = whole + math.sqrt(count * (count - 1)) * (
        without.mean() - without
    )
    return values


def distances_without_each(
    restored: NDArray[np.float64], images: NDArray[np.intp], reference: ReferenceGaussian
) -> tuple[float, NDArray[np.float64]]:
    """Return the Fréchet distance of all images, and ``(n,)`` without each photograph in turn.

    ``restored`` is ``(v, d)`` features of degraded versions, v at least 2, ``images`` the ``(v,)``
    numbers of their photographs, 0 to n − 1, each at least once; the reference is held fixed. NaN
    where fewer than two images are left.

    Notes
    -----
    One decomposition serves all n. Leaving out the k versions C (``(k, d)``, centred) of a
    photograph takes C'ᵀC' from the scatter matrix (v − 1) S, with C' = (I + 11ᵀ/(v − k))^½ C, the
    1's being due to the mean that moves. With F the reference's root, A = centred / √(v − 1) and
    A Fᵀ = V diag(s) Uᵀ, the distance needs Tr (F S Fᵀ)^½ = Σ s, and without the photograph the
    matrix is U diag(s) (I − WᵀW) diag(s) Uᵀ times (v − 1)/(v − k − 1), where W are its rows of V,
    treated like C. As √λ = (1/π) ∫₀^∞ λ / (λ + z) z^(−½) dz, the matrix determinant lemma gives

        Tr M^½ − Tr (M − XᵀX)^½ = −(1/2π) ∫₀^∞ z^(−½) log det(I − X (M + z)⁻¹ Xᵀ) dz,

    and here the determinant is that of the k × k matrix I − WWᵀ + W diag(z / (s² + z)) Wᵀ.
    """
    count, numbers = len(restored), np.bincount(images)
    centre = restored.mean(axis=0)
    centred, shift = restored - centre, centre - reference.mean
    left, singular, _ = np.linalg.svd(
        centred @ reference.root.T / math.sqrt(count - 1), full_matrices=False
    )
    nonzero = singular > 1e-12 * singular[0]
    left, singular = left[:, nonzero], singular[nonzero]
    scatter, spread = float(np.square(centred).sum()), float(np.square(reference.root).sum())
    total, moved = float(singular.sum()), float(shift @ shift)
    whole = moved + scatter / (count - 1) + spread - 2 * total

    without = np.full(len(numbers), math.nan)
    order, starts = np.argsort(images, kind="stable"), np.cumsum(numbers) - numbers
    for versions in np.unique(numbers):
        remain = count - versions
        if remain < 2:
            continue
        chosen = np.flatnonzero(numbers == versions)
        rows = order[starts[chosen, None] + np.arange(versions)]
        taken = centred[rows]
        rest = shift - taken.sum(axis=1) / remain
        scatters = scatter - np.square(_recentred(taken, count)).sum(axis=(1, 2))
        lost = _lost_trace(_recentred(left[rows], count), singular)
        without[chosen] = np.square(rest).sum(axis=1) + scatters / (remain - 1) + spread
        without[chosen] -= 2 * math.sqrt((count - 1) / (remain - 1)) * (total - lost)
    return whole, without


def _recentred(rows: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return (I + 11ᵀ/(v − k))^½ times each of ``(photographs, k, ...)`` centred rows of v."""
    grown = math.sqrt(count / (count - rows.shape[1])) - 1
    recentred: NDArray[np.float64] = rows + grown * rows.mean(axis=1, keepdims=True)
    return recentred


def _lost_trace(rows: NDArray[np.float64], singular: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much Σ s falls without each photograph's ``(k, r)`` rows of V."""
    if not len(singular):
        return np.zeros(len(rows))
    points = np.arange(-_BELOW, _ABOVE, _STEP) + math.log(singular[0])
    heights = np.exp(2 * points)
    shares = heights / (np.square(singular)[:, None] + heights)
    each = max(1, _CHUNK // (len(points) * rows.shape[1] ** 2))
    parts = [_log_determinants(part, shares) for part in _parts(rows, each)]
    body = -np.concatenate(parts) @ np.exp(points)
    # Far above the singular values, −log det is the trace over z: the rest is a geometric series.
    traces = np.square(rows).sum(axis=1) @ np.square(singular)
    rest = traces * math.exp(-points[-1]) / math.expm1(_STEP)
    lost: NDArray[np.float64] = (body + rest) * _STEP / math.pi
    return lost


def _parts(rows: NDArray[np.float64], each: int) -> Iterator[NDArray[np.float64]]:
    for start in range(0, len(rows), each):
        yield rows[start : start + each]


def _log_determinants(
    rows: NDArray[np.float64], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ``(photographs, points)`` log det(I − WWᵀ + W diag(share) Wᵀ)."""
    versions = rows.shape[1]
    free, turned = np.linalg.eigh(np.eye(versions) - rows @ rows.transpose(0, 2, 1))
    free = np.where(free > _ROUNDING, free, 0.0)
    rows = turned.transpose(0, 2, 1) @ rows
    inner = np.empty((len(rows), shares.shape[1], versions, versions))
    for one in range(versions):
        for other in range(one + 1):
            product = (rows[:, one] * rows[:, other]) @ shares
            inner[:, :, one, other] = inner[:, :, other, one] = product
        inner[:, :, one, one] += free[:, one, None]
    return np.asarray(np.linalg.slogdet(inner)[1])
