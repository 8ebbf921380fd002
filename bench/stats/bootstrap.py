"""Bootstrap intervals of a mean, seeded so that they are the same on every machine.

Plain arrays in, numbers out; nothing here knows of restorers or images.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
"""The share of resampled means inside an interval."""

RESAMPLES = 2000
"""Efron & Tibshirani 1993, section 13.3, ask for at least 1000 for a percentile interval."""

_CHUNK = 4_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean (None of no values) and its bootstrap interval (None for fewer than two)."""

    mean: float | None
    low: float | None
    high: float | None


def percentile_interval(value: float, draws: NDArray[np.float64]) -> Interval:
    """Return a value with the percentile interval at `LEVEL` of its draws, all finite."""
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Interval(value, float(low), float(high))


class Bootstrap:
    """The percentile bootstrap over images (Efron & Tibshirani 1993, section 13.3).

    The same images are drawn for every group of the same size, so two restorers scored on the same
    images are resampled together. For fewer than about twenty values such an interval is too
    narrow; it never says less than the values do. The 64-bit seed is the key of NumPy's Philox4x64
    generator, whose raw bits NumPy keeps stable.
    """

    def __init__(self, seed: int, resamples: int = RESAMPLES) -> None:
        self._seed = seed
        self._resamples = resamples
        self._indices: NDArray[np.intp] | None = None

    def interval(self, values: Sequence[float] | NDArray[np.float64]) -> Interval:
        """Return the mean of finite ``values`` (else ValueError) and its interval at `LEVEL`."""
        numbers = np.asarray(values, dtype=np.float64)
        if not np.isfinite(numbers).all():
            raise ValueError("the mean of values that are not finite has no interval")
        if len(numbers) == 0:
            return Interval(None, None, None)
        mean = math.fsum(numbers) / len(numbers)
        if len(numbers) == 1:
            return Interval(mean, None, None)
        return percentile_interval(mean, self._resampled_means(numbers))

    def _resampled_means(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        count = len(numbers)
        if self._indices is not None and self._indices.shape[1] == count:
            return np.asarray(numbers[self._indices].mean(axis=1), dtype=np.float64)
        generator = np.random.Philox(key=self._seed)
        each = max(1, _CHUNK // count)
        sizes = [min(each, self._resamples - start) for start in range(0, self._resamples, each)]
        means = []
        for size in sizes:
            indices = draw(generator, (size, count))
            means.append(numbers[indices].mean(axis=1))
            if len(sizes) == 1:
                self._indices = indices  # the next group has most often the same size
        return np.concatenate(means)


def draw(generator: np.random.Philox, shape: tuple[int, int]) -> NDArray[np.intp]:
    """Return indices below ``shape[1]``: the upper 32 random bits times n over 2^32.

    Lemire 2019 without the rejection step; its bias, n / 2^32, is far below what a few
    thousand resamples can show.
    """
    bits = np.asarray(generator.random_raw(shape[0] * shape[1]), dtype=np.uint64)
    scaled = ((bits >> np.uint64(32)) * np.uint64(shape[1])) >> np.uint64(32)
    return scaled.astype(np.intp).reshape(shape)


def drawn_counts(photographs: int, draws: int, seed: int) -> Iterator[NDArray[np.intp]]:
    """Yield ``(some, photographs)`` numbers of times that each came up, ``draws`` rows in all."""
    generator = np.random.Philox(key=seed)
    most = max(1, _CHUNK // max(1, photographs))
    for start in range(0, draws, most):
        rows = min(most, draws - start)
        indices = draw(generator, (rows, photographs)) + np.arange(rows)[:, None] * photographs
        counts = np.bincount(indices.ravel(), minlength=rows * photographs)
        yield counts.reshape(rows, photographs)


Matrix = NDArray[np.float64]


class ColumnBootstrap:
    """Draws photographs, the same ones for every column, restorer and metric.

    The 64-bit seed is the key of NumPy's Philox4x64 generator. Each draw takes ``photographs``.
    """

    def __init__(self, seed: int, photographs: int) -> None:
        counted = drawn_counts(photographs, RESAMPLES, seed)
        self._weights = [counts.astype(np.uint16) for counts in counted]

    def means(self, table: Matrix) -> tuple[Matrix, Matrix]:
        """Return the mean of each column, ``(columns,)``, and of each draw, ``(draws, columns)``.

        In the table, ``(photographs, columns)``, NaN is no value. A mean of nothing is NaN.
        """
        known = np.isfinite(table).astype(np.float64)
        filled = np.where(known > 0, table, 0.0)
        with np.errstate(invalid="ignore"):
            mean = filled.sum(axis=0) / known.sum(axis=0)
            draws = np.concatenate([(w @ filled) / (w @ known) for w in self._weights])
        return mean, draws


def interval_of_draws(mean: float | np.float64, draws: Matrix, photographs: int) -> Interval:
    """Return a mean with the percentile interval of its draws; no interval below two photographs.

    Draws without a value (NaN) are left out.
    """
    if not np.isfinite(mean):
        return Interval(None, None, None)
    known = draws[np.isfinite(draws)]
    if photographs < 2 or not known.size:
        return Interval(float(mean), None, None)
    return percentile_interval(float(mean), known)
