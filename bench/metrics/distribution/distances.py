"""Distances between two sets of feature vectors: Fréchet, and the unbiased kernel distance (MMD²).

They know no network: FID, KID and the distances on ImageNet features all come through here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import Peer, Status
from bench.metrics.metric import Measurement, RegisteredMetric

SMALL_SET = 2048
"""Below so many images a Fréchet distance on Inception's 2048 features lacks a full covariance and
compares only at equal n (Heusel et al. 2017, the README of their code, bioinf-jku/TTUR)."""

_PACKAGES = ("torch", "torchmetrics")
FRECHET_PEER = Peer(
    "torchmetrics fid", "bench.validate.peers:torchmetrics_frechet", _PACKAGES, 1e-4
)
KERNEL_PEER = Peer("torchmetrics kid", "bench.validate.peers:torchmetrics_kernel", _PACKAGES, 1e-6)
"""Of the arithmetic, on our features: no package here brings FID-Inception's weights, and the
networks are compared on random ones in the tests."""


def frechet_distance(restored: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """Return |m₁ − m₂|² + Tr(S₁ + S₂ − 2 (S₁ S₂)^½) of the Gaussians fitted to two sets, from 0.

    The sets are ``(n, d)`` and ``(m, d)`` features, n and m at least 2; covariances are the
    unbiased ones (divided by n − 1).

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


_BLOCK = 1024
"""Rows of the kernel matrix held at once."""


def kernel_distance(
    restored: NDArray[np.float64],
    reference: NDArray[np.float64],
    images: NDArray[np.intp] | None = None,
) -> float:
    """Return the unbiased squared maximum mean discrepancy under k(x, y) = (x·y / d + 1)³.

    The sets are ``(n, d)`` and ``(m, d)`` features, n and m at least 2. ``images`` has ``(n,)``
    numbers, equal for the degraded versions of one image: pairs of those are left out of the mean
    within ``restored``, as a vector paired with itself always is, as they are no independent
    samples. Zero on average for two samples of one distribution, so below zero for some. Gretton et
    al. 2012, eq. 3, over all pairs: no subsets, so nothing is drawn at random.
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


class SetDistanceMetric(RegisteredMetric):
    """The half of a distance between sets that compares, as the entry's ``distance`` says.

    Fréchet: biased upwards for small sets, so compare values of equal n only; with fewer images
    than the features have dimensions, on either side, the covariances are rank-deficient: read it
    as a rough guide then.

    Kernel: zero on average for two independent sets of one distribution, whatever n is. Restored
    images beside their own HQ are not independent: each is nearer to it than to another image,
    which lowers the value by about 2 / n of that nearness, so a few pairs score below zero, and a
    perfect restorer lowest. A suite that names a ``reference`` set has no such trouble.
    """

    __slots__ = ()

    def compare(
        self,
        restored: NDArray[np.float64],
        reference: NDArray[np.float64],
        images: NDArray[np.intp] | None = None,
    ) -> Measurement:
        """Return the distance of ``(n, d)`` and ``(m, d)``; a kernel distance may be negative.

        An error where a set has fewer than two vectors, or ``images``, which only a kernel distance
        reads, names fewer than two images.
        """
        refused = refuse_sets(restored, reference)
        if refused:
            return refused
        if self.entry.distance == "frechet":
            return Measurement(frechet_distance(restored, reference))
        if images is not None and len(np.unique(images)) < 2:
            return Measurement(None, Status.ERROR, "at least 2 photographs are needed, not 1")
        return Measurement(kernel_distance(restored, reference, images))


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
