"""Can generated images be told from true ones? A two-sample test by classification.

Logistic regression is trained to tell the two apart from their measurements and judged on
images of sources it has not seen (D. Lopez-Paz & M. Oquab, "Revisiting classifier two-sample
tests", ICLR 2017). An area under the ROC curve of .5 means that it cannot.
"""

import hashlib

import numpy as np
from scipy.optimize import minimize
from scipy.stats import rankdata

from degrade.fit.measurement import NO_JPEG

FOLDS, PENALTY = 5, 1.0


def features(images):
    """Return a row of 14 numbers a measured image; strengths are logarithms."""
    return np.array([_row(one) for one in images], np.float64)


def _row(one):
    return (
        *np.log((one.blur_sigma + 0.3, one.divisor, one.noise.sigma + 1.0, one.gradient + 0.1)),
        min(one.quality, 100), one.quality < NO_JPEG, np.log(one.block), one.blur.stretch,
        one.noise.whiteness, one.noise.correlation, one.noise.dependence, one.brightness,
        one.contrast, one.colourfulness,
    )  # fmt: skip


def told_apart(first, second, first_sources, second_sources):
    """Return the area under the ROC curve of telling two samples apart on unseen sources.

    All images of one source fall into one of five folds; columns are standardised by the
    training folds. The area is the mean over the folds, by their pairs: scores of different
    folds are not compared, which would pull the area of samples alike below .5.
    """
    rows = np.concatenate([first, second])
    labels = np.repeat([0.0, 1.0], [len(first), len(second)])
    names = [*first_sources, *second_sources]
    mixed = sorted(set(names), key=lambda name: hashlib.sha256(name.encode()).digest())
    fold = np.array([mixed.index(name) % FOLDS for name in names])
    areas, pairs = [], []
    for number in range(FOLDS):
        train, test = fold != number, fold == number
        deviation = rows[train].std(0)
        standard = (rows - rows[train].mean(0)) / np.where(deviation > 1e-9, deviation, 1.0)
        scores = standard @ _logistic_weights(standard[train], labels[train])
        low, high = scores[test & (labels == 0.0)], scores[test & (labels == 1.0)]
        if min(low.size, high.size) > 0:
            areas.append(_area_under_curve(low, high))
            pairs.append(low.size * high.size)
    return float(np.average(areas, weights=pairs))


def _logistic_weights(rows, labels):
    """Return the weights that minimise Σ log(1 + exp(−s z)) + PENALTY / 2 · |w|²."""
    signs = 2.0 * labels - 1.0

    def loss(weights):
        margin = signs * (rows @ weights[:-1] + weights[-1])
        pull = -signs / (1.0 + np.exp(np.clip(margin, -500.0, 500.0)))
        value = np.logaddexp(0.0, -margin).sum() + PENALTY / 2.0 * np.square(weights[:-1]).sum()
        return value, np.append(rows.T @ pull + PENALTY * weights[:-1], pull.sum())

    start = np.zeros(rows.shape[1] + 1)
    options = {"gtol": 1e-8, "maxiter": 500}
    return minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x[:-1]


def _area_under_curve(low, high):
    """Return the chance that a score of ``high`` exceeds one of ``low`` (Mann & Whitney 1947)."""
    ranks = rankdata(np.concatenate([low, high]))
    return (ranks[low.size :].sum() - high.size * (high.size + 1) / 2.0) / (low.size * high.size)
