import numpy as np
import pytest

from degrade.ops.noise.entries import possible_correlations


def smallest_eigenvalue(a, b, c):
    return np.linalg.eigvalsh(np.array([[1, a, b], [a, 1, c], [b, c, 1]])).min()


def test_possible_correlations_stay_as_they_are():
    for given in ((0.5, 0.3, 0.9), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (-0.5, -0.5, -0.5)):
        assert possible_correlations(*given) == given


@pytest.mark.parametrize("seed", range(5))
def test_impossible_ones_shrink_to_the_border_of_the_possible(seed):
    rng = np.random.default_rng(seed)
    for given in rng.uniform(-1, 1, (200, 3)):
        found = possible_correlations(*map(float, given))
        if smallest_eigenvalue(*given) >= 0:
            assert found == tuple(given)
            continue
        assert abs(smallest_eigenvalue(*found)) < 1e-7
        ratios = np.array(found) / given
        assert np.ptp(ratios) < 1e-12 and 0 < ratios[0] < 1


def test_shrinking_twice_changes_nothing_more():
    once = possible_correlations(1.0, 1.0, -1.0)
    assert once == pytest.approx((0.5, 0.5, -0.5))
    assert possible_correlations(*once) == once
