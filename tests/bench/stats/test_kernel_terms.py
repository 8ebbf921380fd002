from __future__ import annotations

import itertools

import numpy as np
import pytest

from bench.metrics.distribution.distances import kernel_distance
from bench.stats import paired_sets as module
from bench.stats import resampling
from bench.stats.paired_sets import kernel_terms
from bench.stats.resampling import pair_mean_of, resample


def generator(seed):
    return np.random.Generator(np.random.Philox(seed))


def mean_of_pairs(restored, images, reference):
    return float(np.nanmean(kernel_terms(restored, images, reference)))


def test_the_difference_of_two_restorers_is_that_of_their_kernel_distances():
    source = generator(1)
    images, reference = np.repeat(np.arange(10), 3), source.normal(0.3, 1, (40, 5))
    one, other = source.normal(size=(30, 5)), source.normal(0.1, 1.2, (30, 5))
    expected = kernel_distance(one, reference, images) - kernel_distance(other, reference, images)
    found = mean_of_pairs(one, images, reference) - mean_of_pairs(other, images, reference)
    assert found == pytest.approx(expected, rel=1e-9)


def test_neither_the_order_of_the_images_nor_the_blocks_matter(monkeypatch):
    source = generator(2)
    images, reference = np.repeat(np.arange(11), 2), source.normal(size=(9, 4))
    restored = source.normal(size=(22, 4))
    whole = kernel_terms(restored, images, reference)
    order = source.permutation(22)
    assert np.allclose(
        kernel_terms(restored[order], images[order], reference), whole, equal_nan=True
    )
    monkeypatch.setattr(module, "_BLOCK", 3)
    assert np.allclose(kernel_terms(restored, images, reference), whole, equal_nan=True)


def test_pairs_of_versions_of_one_photograph_are_left_out_of_the_distance():
    source = generator(3)
    first, others = source.normal(size=(8, 4)), source.normal(size=(12, 4))
    doubled, images = np.repeat(first, 2, axis=0), np.repeat(np.arange(8), 2)
    # Copies are no new samples, so the distance stays what it was.
    assert kernel_distance(doubled, others, images) == pytest.approx(kernel_distance(first, others))
    assert kernel_distance(doubled, others) > kernel_distance(first, others) + 0.01


def cube(mean, variance):
    """E (1 + s)^3 of a normal s."""
    return (1 + mean) ** 3 + 3 * (1 + mean) * variance


def expected_distance(mean, covariance, reference):
    """The population's distance from a fixed reference, without the reference's own part.

    Within: given x', x·x'/d is normal, and the rest is a polynomial of degree 3 in x', which
    Gauss-Hermite quadrature with 3 nodes an axis integrates exactly.
    """
    d = len(mean)
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    root = np.linalg.cholesky(covariance)
    within = 0.0
    for place in itertools.product(range(3), repeat=d):
        other = mean + root @ nodes[list(place)]
        share = np.prod(weights[list(place)]) / (2 * np.pi) ** (d / 2)
        within += share * cube(mean @ other / d, other @ covariance @ other / d**2)
    across = np.mean([cube(mean @ z / d, z @ covariance @ z / d**2) for z in reference])
    return within - 2 * across


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_the_interval_of_a_difference_covers_the_true_one(monkeypatch, shift):
    """Two restorers of the same 60 photographs, twice degraded; true values in closed form."""
    monkeypatch.setattr(resampling, "DRAWS", 1000)
    source, covered, trials = generator(4), 0, 300
    reference = source.normal(size=(80, 3))
    images = np.repeat(np.arange(60), 2)
    means = np.full(3, 0.5), np.array([0.5 + shift, 0.5, 0.5 - shift / 2])
    spread = 0.8**2 + 0.5**2
    true = [expected_distance(mean, spread * np.eye(3), reference) for mean in means]
    for trial in range(trials):
        photographs = np.repeat(0.8 * source.normal(size=(60, 3)), 2, axis=0)
        one, other = (
            kernel_terms(mean + photographs + 0.5 * source.normal(size=(120, 3)), images, reference)
            for mean in means
        )
        (found,) = resample([pair_mean_of(one - other)], 60, seed=trial)
        covered += found.interval.low <= true[0] - true[1] <= found.interval.high
    # 95 %, less what a percentile interval of 60 skewed terms falls short by, ± 3 standard errors.
    assert 0.90 <= covered / trials <= 0.985
