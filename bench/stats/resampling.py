"""Paired resampling of photographs: one set of draws under every comparison of a table.

Plain arrays in, numbers out. A draw is kept as how often each photograph came up, so a resampled
mean is a dot product and a resampled mean over pairs a quadratic form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.bootstrap import Interval, drawn_counts, percentile_interval

DRAWS = 20_000
"""Enough for a p of 1e-4, so that Holm's correction over up to 500 comparisons can still say
"significant" at 5 %."""

_EXACT = 50
"""Most values whose signed ranks are counted out; beyond, their sum is as good as normal."""
_TIED = 10
"""Fewest values with ties or zeros for which the normal approximation will do: below, SciPy warned
of it as long as it warned (up to 1.12, ``wilcoxon`` in stats/_morestats.py)."""

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""``(draws, n)`` counts to ``(draws,)`` values; NaN where a draw holds none of its images."""


@dataclass(frozen=True, slots=True)
class Resampled:
    """A statistic on the images as they are with its percentile interval, and its p.

    p is the two-sided bootstrap's: twice the smaller share of draws on one side of zero, with one
    added to both counts (Davison and Hinkley 1997, section 4.2.2), at most 1.
    """

    interval: Interval
    p: float


def mean_of(values: NDArray[np.float64]) -> Statistic:
    """Return the mean of ``(n,)`` values over the photographs drawn; NaN values are left out."""
    known = np.isfinite(values)
    filled, present = np.where(known, values, 0.0), known.astype(np.float64)

    def statistic(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        return _ratio(counts @ filled, counts @ present)

    return statistic


def pair_mean_of(pairs: NDArray[np.float64]) -> Statistic:
    """Return the mean over pairs of different photographs, of ``(n, n)`` symmetric values.

    Row and column of a photograph that has no value are NaN; the diagonal is not read.

    Notes
    -----
    A draw holds some photographs twice, and a photograph paired with its own copy would bring in
    the diagonal, which the unbiased statistic leaves out: each draw would be biased by about
    1/n of it. Such pairs are left out of the sum and of the number it is divided by.
    """
    present = np.isfinite(pairs).any(axis=1).astype(np.float64)
    filled = np.where(np.isfinite(pairs), pairs, 0.0)
    np.fill_diagonal(filled, 0.0)

    def statistic(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        own = counts * present
        total = np.einsum("ij,ij->i", own @ filled, own)
        return _ratio(total, own.sum(axis=1) ** 2 - np.square(own).sum(axis=1))

    return statistic


def resample(statistics: Sequence[Statistic], count: int, *, seed: int) -> list[Resampled]:
    """Return each statistic's value, interval and p over the same draws of ``count`` photographs.

    Statistics are of `mean_of` and `pair_mean_of`; the draws are the same on every machine.
    """
    whole = np.ones((1, count))
    values = [float(statistic(whole)[0]) for statistic in statistics]
    draws: list[list[NDArray[np.float64]]] = [[] for _ in statistics]
    for drawn in drawn_counts(count, DRAWS, seed):
        counts = drawn.astype(np.float64)
        for values_of_draws, statistic in zip(draws, statistics, strict=True):
            values_of_draws.append(statistic(counts))
    return [_summary(v, np.concatenate(k)) for v, k in zip(values, draws, strict=True)]


def of_photographs(resampled: Resampled, photographs: int) -> Resampled:
    """Return what so many photographs can say at most, however equal the draws are.

    Draws of few photographs are nearly all alike, and the bootstrap then trusts them too much:
    one photograph gives one value 20 000 times. Even if every photograph has the same sign, the
    sign test's exact two-sided p is ``2 ** (1 - n)``, so no p is below that: fewer than six
    photographs never reach 5 %. Fewer than two have no interval.
    """
    least = min(1.0, 2.0 ** (1 - photographs))
    value = resampled.interval.mean
    interval = resampled.interval if photographs > 1 else Interval(value, None, None)
    return Resampled(interval, max(resampled.p, least))


def holm(ps: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p values (Holm 1979), in the order given."""
    adjusted, least = [0.0] * len(ps), 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        least = max(least, min(1.0, ps[index] * (len(ps) - rank)))
        adjusted[index] = least
    return adjusted


def smallest_p(photographs: int, checks: int) -> float:
    """Return the least p that so many photographs can have after Holm's correction.

    The sign test's bound of `of_photographs`, or the one of the draws.
    """
    return checks * max(2.0 ** (1 - photographs), 2 / (DRAWS + 1))


def wilcoxon(differences: NDArray[np.float64]) -> float | None:
    """Return the two-sided p of Wilcoxon's signed-rank test (Wilcoxon 1945), by SciPy.

    Exact for up to 50 values without ties and zeros, else by the normal approximation. Zero
    differences are split between the signs (``zsplit``), as leaving them out would forget how
    many photographs are alike. 1 where all are zero; None for fewer than two values, and for
    fewer than ten with ties or zeros, where the approximation says too much.
    """
    known = differences[np.isfinite(differences)]
    if len(known) < 2:
        return None
    if not known.any():
        return 1.0
    untied = bool(known.all()) and len(np.unique(np.abs(known))) == len(known)
    if not untied and len(known) < _TIED:
        return None
    import scipy.stats

    method = "exact" if untied and len(known) <= _EXACT else "approx"
    return float(scipy.stats.wilcoxon(known, zero_method="zsplit", method=method).pvalue)


def _ratio(total: NDArray[np.float64], number: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)


def _summary(value: float, draws: NDArray[np.float64]) -> Resampled:
    if math.isnan(value):
        return Resampled(Interval(None, None, None), 1.0)
    known = draws[np.isfinite(draws)]
    if len(known) < 0.9 * len(draws):  # one photograph: hardly a draw has a pair, or all are equal
        return Resampled(Interval(value, None, None), 1.0)
    fewer = min(int((known <= 0).sum()), int((known >= 0).sum()))
    p = min(1.0, 2 * (fewer + 1) / (len(known) + 1))
    return Resampled(percentile_interval(value, known), p)
