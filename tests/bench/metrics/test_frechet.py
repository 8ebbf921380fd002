import time

import numpy as np
import pytest
from scipy.linalg import sqrtm

from bench.metrics.distribution.distances import frechet_distance


def sample_with(mean, covariance, n, seed):
    """Return n vectors whose sample mean and unbiased covariance are exactly those given."""
    d = len(mean)
    vectors = np.random.default_rng(seed).normal(size=(n, d))
    vectors -= vectors.mean(axis=0)
    whitened = vectors @ np.linalg.inv(np.linalg.cholesky(np.cov(vectors.T))).T
    return whitened @ np.linalg.cholesky(covariance).T + mean


def definition(first, second):
    """The formula as printed, with SciPy's matrix square root."""
    one, other = np.cov(first.T), np.cov(second.T)
    root = sqrtm(one @ other).real
    shift = first.mean(axis=0) - second.mean(axis=0)
    return shift @ shift + np.trace(one + other - 2 * root)


def test_commuting_gaussians_have_the_closed_form():
    one, other = np.array([4.0, 9.0, 1.0]), np.array([1.0, 16.0, 0.25])
    mean = np.array([1.0, -2.0, 0.5])
    first = sample_with(mean, np.diag(one), 200, 0)
    second = sample_with(np.zeros(3), np.diag(other), 300, 1)
    expected = mean @ mean + np.square(np.sqrt(one) - np.sqrt(other)).sum()
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-10)


def test_two_dimensional_gaussians_that_do_not_commute_have_the_closed_form():
    one, other = np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([[1.0, -0.6], [-0.6, 4.0]])
    # For 2 x 2 matrices Tr sqrt(M) = sqrt(Tr M + 2 sqrt(det M)).
    product = one @ other
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    expected = np.trace(one + other) - 2 * root
    first, second = sample_with([0, 0], one, 50, 2), sample_with([0, 0], other, 60, 3)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-10)


def test_more_vectors_than_dimensions_agree_with_the_definition():
    generator = np.random.default_rng(4)
    first = generator.normal(size=(400, 24)) @ generator.normal(size=(24, 24))
    second = generator.normal(size=(300, 24)) + 0.3
    expected = definition(first, second)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-8)


def test_orthogonal_rank_deficient_sets_have_only_traces():
    first, second = np.zeros((5, 64)), np.zeros((4, 64))
    first[:, :4] = np.random.default_rng(5).normal(size=(5, 4))
    second[:, 10:13] = np.random.default_rng(6).normal(size=(4, 3))
    shift = first.mean(axis=0) - second.mean(axis=0)
    expected = shift @ shift + first.var(axis=0, ddof=1).sum() + second.var(axis=0, ddof=1).sum()
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-12)


def test_a_scaled_rank_deficient_set_has_the_closed_form():
    # S2 = c^2 S1 gives (1 - c)^2 Tr S1, at any rank.
    first = np.random.default_rng(7).normal(size=(6, 200))
    centred = first - first.mean(axis=0)
    expected = 0.25 * centred.var(axis=0, ddof=1).sum()
    assert frechet_distance(centred, 1.5 * centred) == pytest.approx(expected, rel=1e-10)


def test_a_wide_set_against_a_narrow_one_does_not_depend_on_which_is_reduced():
    generator = np.random.default_rng(8)
    many, few = generator.normal(size=(90, 32)), generator.normal(size=(7, 32))
    there, back = frechet_distance(many, few), frechet_distance(few, many)
    assert there == pytest.approx(back, rel=1e-12)
    padded = [np.hstack([features, np.zeros((len(features), 100))]) for features in (many, few)]
    assert frechet_distance(*padded) == pytest.approx(there, rel=1e-10)


def test_a_set_is_at_distance_zero_from_itself_and_never_below():
    features = np.random.default_rng(9).normal(size=(12, 1280))
    distance = frechet_distance(features, features[::-1])
    assert 0 <= distance < 1e-9 * np.square(features).sum()


def test_moving_a_set_adds_the_squared_shift():
    features = np.random.default_rng(10).normal(size=(9, 16))
    assert frechet_distance(features, features + 3.0) == pytest.approx(16 * 9.0, rel=1e-10)


def test_small_sets_in_many_dimensions_are_quick():
    generator = np.random.default_rng(11)
    started = time.perf_counter()
    frechet_distance(generator.normal(size=(8, 2048)), generator.normal(size=(8, 2048)))
    assert time.perf_counter() - started < 1
