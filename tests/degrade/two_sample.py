"""Can generated images be told from true ones? A two-sample test by classification.

Logistic regression is trained to tell the two apart from their measurements and judged on
images of sources it has not seen (D. Lopez-Paz & M. Oquab, "Revisiting classifier two-sample
tests", ICLR 2017). An area under the ROC curve of .5 means that it cannot.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from degrade.fit.measurement import NO_JPEG, ImageMeasurement

__all__ = ["FEATURES", "area_under_curve", "features", "fit_logistic", "told_apart"]

Values = NDArray[np.float64]

FEATURES = (
    "blur", "divisor", "noise", "quality", "jpeg", "block", "stretch", "whiteness", "correlation",
    "dependence", "brightness", "contrast", "gradient", "colourfulness",
)  # fmt: skip
"""What the classifier sees; the last seven and ``whiteness`` are matched by no fit."""
_FOLDS = 5
_PENALTY = 1.0


def features(pictures: Sequence[ImageMeasurement]) -> Values:
    """Return a row of `FEATURES` an image, float64; strengths are logarithms."""
    return np.array([_row(one) for one in pictures], np.float64).reshape(-1, len(FEATURES))


def _row(one: ImageMeasurement) -> tuple[float, ...]:
    return (
        float(np.log(one.blur_sigma + 0.3)),
        float(np.log(one.divisor)),
        float(np.log(one.noise.sigma + 1.0)),
        float(one.quality if one.quality < NO_JPEG else 100),
        float(one.quality < NO_JPEG),
        float(np.log(one.block)),
        one.blur.stretch,
        one.noise.whiteness,
        one.noise.correlation,
        one.noise.dependence,
        one.brightness,
        one.contrast,
        float(np.log(one.gradient + 0.1)),
        one.colourfulness,
    )


def told_apart(
    first: Values, second: Values, first_sources: Sequence[str], second_sources: Sequence[str]
) -> float:
    """Return the area under the ROC curve of telling two samples apart on unseen sources.

    Parameters
    ----------
    first, second
        A row an image, the same columns; see `features`.
    first_sources, second_sources
        What each image was made of; all images of one source fall into one of five folds.

    Notes
    -----
    Columns are standardised by the mean and the deviation of the training folds. The area is
    the mean over the folds, by their pairs: scores of different folds are not compared, as a
    fold that holds more of one sample leaves less of it to train on, which would pull the area
    of samples alike below .5.
    """
    rows = np.concatenate([first, second])
    labels = np.repeat([0.0, 1.0], [len(first), len(second)])
    names = [*first_sources, *second_sources]
    folds = {name: place % _FOLDS for place, name in enumerate(sorted(set(names), key=_mixed))}
    fold = np.array([folds[name] for name in names])
    areas, pairs = [], []
    for number in range(_FOLDS):
        train, test = fold != number, fold == number
        mean, deviation = rows[train].mean(0), rows[train].std(0)
        standard = (rows - mean) / np.where(deviation > 1e-9, deviation, 1.0)
        weights = fit_logistic(standard[train], labels[train], _PENALTY)
        scores = standard @ weights[:-1]
        low, high = scores[test & (labels == 0.0)], scores[test & (labels == 1.0)]
        if min(low.size, high.size) > 0:
            areas.append(area_under_curve(low, high))
            pairs.append(low.size * high.size)
    return float(np.average(areas, weights=pairs))


def _mixed(name: str) -> bytes:
    """Return a key that sorts names as if shuffled, the same way everywhere."""
    import hashlib

    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()


def fit_logistic(rows: Values, labels: Values, penalty: float) -> Values:
    """Return the weights of each column, and the constant last, of a logistic regression.

    They minimise Σ log(1 + exp(−s z)) + penalty / 2 · |w|², with s = ±1 the label, z = x·w + c
    and the constant c unpenalised (Hastie, Tibshirani & Friedman, "The Elements of Statistical
    Learning", eq. 4.20 and section 4.4.4).

    Parameters
    ----------
    rows
        (n, columns), float64.
    labels
        (n,), 0 or 1.
    penalty
        Above 0, or the minimum of separable samples lies at infinity.
    """
    from scipy.optimize import minimize

    signs = 2.0 * labels - 1.0

    def loss(weights: Values) -> tuple[float, Values]:
        margin = signs * (rows @ weights[:-1] + weights[-1])
        pull = -signs / (1.0 + np.exp(np.clip(margin, -500.0, 500.0)))
        value = np.logaddexp(0.0, -margin).sum() + penalty / 2.0 * np.square(weights[:-1]).sum()
        slope = np.append(rows.T @ pull + penalty * weights[:-1], pull.sum())
        return float(value), slope

    start = np.zeros(rows.shape[1] + 1)
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", options={"gtol": 1e-8, "maxiter": 500}
    )
    return np.asarray(found.x)


def area_under_curve(low: Values, high: Values) -> float:
    """Return the chance that a score of ``high`` exceeds one of ``low``, ties counting half.

    By ranks: the statistic of Mann & Whitney (1947) over the number of pairs.
    """
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([low, high]))
    least = high.size * (high.size + 1) / 2.0
    return float((ranks[low.size :].sum() - least) / (low.size * high.size))
