"""The set distances of two restorers on the same photographs, in a form that can be resampled.

Reads the feature files of runs; it resamples nothing and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.metrics.distribution.distances import kernel
from bench.metrics.entry import MetricEntry
from bench.stats.frechet_jackknife import fit_reference, jackknife_values
from bench.stats.paired_values import Address, ConditionValues, Paired, Side
from bench.store.features import read_vectors, reference_file
from bench.store.images import ImageKey

FEW = 200
"""Photographs below which the interval of a difference of Fréchet distances may be too narrow: of
real features, whose tails are heavy, it covers 92 to 96 % with 240 photographs and 88 to 91 % with
60 (the same script). Two restorers of one distribution do not differ more often for that."""


def pair_sets(
    condition: ConditionValues,
    first: tuple[Side, str],
    second: tuple[Side, str],
    metric: MetricEntry,
) -> Paired:
    """Line up a distance from a reference set of two restorers, each ``(run, restorer)``.

    Both distances are over the images that have a vector of both, so of equal n. The metric's
    ``distance`` is known. DatasetError where the vectors of a run are missing.
    """
    addresses = [
        (condition.dataset, condition.recipe, name, metric.feature) for _, name in (first, second)
    ]
    sides = [side for side, _ in (first, second)]
    vectors = [
        side.vectors(at, metric.name).vectors for side, at in zip(sides, addresses, strict=True)
    ]
    keys = sorted(condition.names.keys() & vectors[0].keys() & vectors[1].keys())
    present = sorted({condition.names[key] for key in keys})
    count = len(condition.order)
    shape = (count,) if metric.distance == "frechet" else (count, count)
    differences = np.full(shape, math.nan)
    if len(present) > 1:
        number = {name: i for i, name in enumerate(present)}
        images = np.array([number[condition.names[key]] for key in keys], np.intp)
        one, other = (
            _values(side, at, metric, keys, images)
            for side, at in zip(sides, addresses, strict=True)
        )
        slots = np.searchsorted(np.array(condition.order), np.array(present))
        differences[np.ix_(*[slots] * len(shape))] = one - other
    return Paired(differences, len(present), len(keys), len(condition.names) - len(keys))


def _values(
    side: Side,
    address: Address,
    metric: MetricEntry,
    keys: Sequence[ImageKey],
    images: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Return the terms of a kernel distance or the values of a Fréchet distance, computed once."""
    is_kernel, feature = metric.distance == "kernel", address[3]

    def reference() -> NDArray[np.float64]:
        vectors = read_vectors(reference_file(side.run.folder, feature))
        return np.stack([vectors[key] for key in sorted(vectors)]).astype(np.float64)

    def values() -> NDArray[np.float64]:
        restored = side.vectors(address, metric.name).stack(keys)
        vectors = side.once(("reference", feature), reference)
        if is_kernel:
            return kernel_terms(restored, images, vectors)
        fitted = side.once(("gaussian", feature), lambda: fit_reference(vectors))
        return jackknife_values(restored, images, fitted)

    return side.once((is_kernel, address, tuple(keys)), values)


_BLOCK = 512


def kernel_terms(
    restored: NDArray[np.float64], images: NDArray[np.intp], reference: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ``(n, n)`` terms whose mean over i ≠ j is the distance, but for the reference's part.

    ``restored`` is ``(v, d)`` features of degraded versions, ``images`` the ``(v,)`` numbers of
    their photographs, 0 to n − 1, each at least once, ``reference`` ``(m, d)`` features, held
    fixed. Term (i, j) is K̄(i, j) − c(i) − c(j), with K̄ the mean kernel between the versions of i
    and those of j, and c(i) the mean kernel between the versions of i and the reference set. The
    mean within the reference, equal for all restorers, is left out, so only differences between two
    restorers mean anything. The diagonal is NaN.

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
            kernel(rows[address : address + _BLOCK] @ reference.T, rows.shape[1]).mean(axis=1)
            for address in range(0, len(rows), _BLOCK)
        ]
    )
    mean = np.add.reduceat(across, starts) / versions
    terms: NDArray[np.float64] = own - mean[:, None] - mean[None, :]
    np.fill_diagonal(terms, np.nan)
    return terms
