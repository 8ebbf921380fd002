"""The set distances of two restorers on the same photographs, in a form that can be resampled.

Reads the feature files of runs; it resamples nothing and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.metrics.distribution.fd_efficientnet import FD
from bench.metrics.distribution.fd_mobilenet import FD_MOBILENET
from bench.metrics.distribution.fid import FID, FID_CLEAN
from bench.metrics.distribution.fid_torch_fidelity import FID_TORCH_FIDELITY
from bench.metrics.distribution.kd_efficientnet import KD
from bench.metrics.distribution.kid import KID, KID_CLEAN
from bench.stats.frechet_jackknife import fit_reference, jackknife_values
from bench.stats.kernel_terms import kernel_terms
from bench.stats.paired_values import Address, Condition, Paired, Side
from bench.store.features import read_vectors
from bench.store.photographs import ImageKey
from bench.suite.reference import reference_file

__all__ = ["FEW", "FRECHET_DISTANCES", "KERNEL_DISTANCES", "pair_sets"]

FRECHET_DISTANCES = (
    *(FD.name, FD_MOBILENET.name),
    *(FID.name, FID_CLEAN.name, FID_TORCH_FIDELITY.name),
)
KERNEL_DISTANCES = (KD.name, KID.name, KID_CLEAN.name)

FEW = 200
"""Photographs below which the interval of a difference of Fréchet distances may be too narrow: of
real features, whose tails are heavy, it covers 92 to 96 % with 240 photographs and 88 to 91 % with
60 (the same script). Two restorers of one distribution are not told apart more often for that."""


def pair_sets(
    condition: Condition,
    first: tuple[Side, str],
    second: tuple[Side, str],
    metric: str,
    feature: str,
) -> Paired:
    """Line up a distance from a reference set of two restorers, each ``(run, restorer)``.

    Both distances are over the images that have a vector of both, so of equal n.

    Parameters
    ----------
    metric
        One of `KERNEL_DISTANCES` or `FRECHET_DISTANCES`.
    feature
        What its vectors are called.

    Raises
    ------
    DatasetError
        The vectors of a run are missing.
    """
    places = [(condition.dataset, condition.recipe, name, feature) for _, name in (first, second)]
    sides = [side for side, _ in (first, second)]
    found = [side.vectors(at, metric).found for side, at in zip(sides, places, strict=True)]
    keys = sorted(condition.names.keys() & found[0].keys() & found[1].keys())
    present = sorted({condition.names[key] for key in keys})
    count = len(condition.order)
    shape = (count,) if metric in FRECHET_DISTANCES else (count, count)
    differences = np.full(shape, math.nan)
    if len(present) > 1:
        number = {name: i for i, name in enumerate(present)}
        images = np.array([number[condition.names[key]] for key in keys], np.intp)
        one, other = (
            _values(side, at, metric, keys, images) for side, at in zip(sides, places, strict=True)
        )
        slots = np.searchsorted(np.array(condition.order), np.array(present))
        differences[np.ix_(*[slots] * len(shape))] = one - other
    return Paired(differences, len(present), len(keys), len(condition.names) - len(keys))


def _values(
    side: Side, place: Address, metric: str, keys: Sequence[ImageKey], images: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the terms of a kernel distance or the values of a Fréchet distance, computed once."""
    is_kernel, feature = metric in KERNEL_DISTANCES, place[3]

    def reference() -> NDArray[np.float64]:
        found = read_vectors(reference_file(side.run.folder, feature))
        return np.stack([found[key] for key in sorted(found)]).astype(np.float64)

    def values() -> NDArray[np.float64]:
        restored = side.vectors(place, metric).stack(keys)
        vectors = side.once(("reference", feature), reference)
        if is_kernel:
            return kernel_terms(restored, images, vectors)
        fitted = side.once(("gaussian", feature), lambda: fit_reference(vectors))
        return jackknife_values(restored, images, fitted)

    return side.once((is_kernel, place, tuple(keys)), values)
