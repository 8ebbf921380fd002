"""Precision and recall of a generator: how like real faces its own are, and whether of all kinds.

Kynkäänniemi et al. 2019 (arXiv 1904.06991, section 2): a set's manifold is the union of balls
around its vectors that reach to the third-nearest of the others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["NEIGHBOURS", "precision_recall"]

NEIGHBOURS = 3
"""k of the paper's section 3.1."""


def precision_recall(
    drawn: NDArray[np.float64], real: NDArray[np.float64], neighbours: int = NEIGHBOURS
) -> tuple[float, float]:
    """Return precision and recall, each 0 to 1.

    Parameters
    ----------
    drawn, real
        ``(n, d)`` and ``(m, d)`` features, more of each than ``neighbours``.
    neighbours
        Which nearest neighbour a ball reaches to.

    Returns
    -------
    precision
        Share of the drawn vectors that lie in a ball of the real ones.
    recall
        Share of the real vectors that lie in a ball of the drawn ones. Two halves of one set
        score the same in both, and less than 1.

    Raises
    ------
    ValueError
        Too few vectors.
    """
    if min(len(drawn), len(real)) <= neighbours:
        raise ValueError(f"{min(len(drawn), len(real))} vectors have no {neighbours} neighbours")
    apart = _distances(drawn, real)
    return (
        float((apart <= _reach(real, neighbours)[None]).any(axis=1).mean()),
        float((apart <= _reach(drawn, neighbours)[:, None]).any(axis=0).mean()),
    )


def _reach(vectors: NDArray[np.float64], neighbours: int) -> NDArray[np.float64]:
    """Return the squared distance of each vector to its k-th nearest other one."""
    apart = _distances(vectors, vectors)
    np.fill_diagonal(apart, np.inf)
    return np.asarray(np.partition(apart, neighbours - 1, axis=1)[:, neighbours - 1])


def _distances(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    squares = np.square(one).sum(axis=1)[:, None] + np.square(other).sum(axis=1)[None]
    return np.asarray(np.maximum(squares - 2 * one @ other.T, 0.0))
