import numpy as np
import pytest

from bench.metrics.distribution import distances as module
from bench.metrics.distribution.distances import kernel_distance


def by_pairs(first, second):
    """Gretton et al. 2012, eq. 3, one pair after another."""

    def kernel(x, y):
        return (np.dot(x, y) / len(x) + 1) ** 3

    def within(rows):
        n = len(rows)
        pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
        return sum(kernel(rows[i], rows[j]) for i, j in pairs) / (n * (n - 1))

    across = sum(kernel(x, y) for x in first for y in second) / (len(first) * len(second))
    return within(first) + within(second) - 2 * across


def test_it_agrees_with_the_definition_summed_pair_by_pair():
    generator = np.random.default_rng(0)
    first, second = generator.normal(size=(9, 12)), generator.normal(0.5, 2, size=(6, 12))
    assert kernel_distance(first, second) == pytest.approx(by_pairs(first, second), rel=1e-10)


def test_the_value_does_not_depend_on_the_blocks(monkeypatch):
    generator = np.random.default_rng(1)
    first, second = generator.normal(size=(23, 8)), generator.normal(size=(17, 8))
    whole = kernel_distance(first, second)
    monkeypatch.setattr(module, "_BLOCK", 5)
    assert kernel_distance(first, second) == pytest.approx(whole, rel=1e-10)


def test_two_points_of_known_coordinates():
    # d = 1: k(x, y) = (xy + 1)^3; k(0, 0) = 1, k(1, 1) = 8, k(0, 1) = 1.
    first, second = np.array([[0.0], [0.0]]), np.array([[1.0], [1.0]])
    assert kernel_distance(first, second) == pytest.approx(1 + 8 - 2 * 1)


def test_samples_of_one_distribution_average_zero_and_fall_below_it():
    generator = np.random.default_rng(2)
    values = [
        kernel_distance(generator.normal(size=(20, 6)), generator.normal(size=(20, 6)))
        for _ in range(300)
    ]
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 4 * error
    assert min(values) < 0


def test_a_shift_is_seen():
    generator = np.random.default_rng(3)
    first, second = generator.normal(size=(50, 6)), generator.normal(2, 1, size=(50, 6))
    assert kernel_distance(first, second) > 1
