"""Bootstrap means of many columns at once, where not every photograph is in every column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.stats.bootstrap import LEVEL, RESAMPLES, Interval, draw

__all__ = ["Resampled", "interval"]

Matrix = NDArray[np.float64]

_CHUNK = 4_000_000


class Resampled:
    """Draws photographs, the same ones for every column, restorer and metric.

    Parameters
    ----------
    seed
        64-bit; the key of NumPy's Philox4x64 generator.
    photographs
        How many there are to draw from, and how many each draw takes.
    """

    def __init__(self, seed: int, photographs: int) -> None:
        generator = np.random.Philox(key=seed)
        size = max(1, _CHUNK // max(1, photographs))
        self._weights = []
        for done in range(0, RESAMPLES, size):
            rows = min(size, RESAMPLES - done)
            drawn = draw(generator, (rows, photographs))
            flat = (drawn + np.arange(rows)[:, None] * photographs).ravel()
            counts = np.bincount(flat, minlength=rows * photographs).reshape(rows, photographs)
            self._weights.append(counts.astype(np.uint16))

    def means(self, table: Matrix) -> tuple[Matrix, Matrix]:
        """Return the mean of each column, ``(columns,)``, and of each draw, ``(draws, columns)``.

        Parameters
        ----------
        table
            ``(photographs, columns)``; NaN where a photograph has no value. A mean of nothing
            is NaN.
        """
        known = np.isfinite(table).astype(np.float64)
        filled = np.where(known > 0, table, 0.0)
        with np.errstate(invalid="ignore"):
            mean = filled.sum(axis=0) / known.sum(axis=0)
            draws = np.concatenate([(w @ filled) / (w @ known) for w in self._weights])
        return mean, draws


def interval(mean: float | np.float64, draws: Matrix, photographs: int) -> Interval:
    """Return a mean with the percentile interval of its draws; no interval below two photographs.

    Draws without a value (NaN) are left out.
    """
    if not np.isfinite(mean):
        return Interval(None, None, None)
    known = draws[np.isfinite(draws)]
    if photographs < 2 or not known.size:
        return Interval(float(mean), None, None)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return Interval(float(mean), float(low), float(high))
