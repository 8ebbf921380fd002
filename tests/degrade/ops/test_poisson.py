import math

import numpy as np
import pytest
from scipy import stats

from degrade.ops.noise.poisson import poisson_tables, shot_noise_kernel

STREAM = np.array([11, 22, 33, 44, 55], np.uint32)
DRAWS = 10_000_000
UNLIKELY = 1e-6

# (mean, level, photons): bright enough at 255 that the clip there does not bite.
LAWS = [
    (0.1, 1, 25.5),
    (1.0, 1, 255.0),
    (5.0, 1, 1275.0),
    (20.0, 4, 1275.0),
    (100.0, 20, 1275.0),
    (500.0, 100, 1275.0),
]


def noisy(planes, photons):
    return shot_noise_kernel(planes, STREAM, *poisson_tables(photons), 255.0 / photons)


def implied_law(photons, level):
    """Level value to probability, from the alias table alone."""
    laws, columns = poisson_tables(photons)
    law = int(laws[level])
    start, size, smallest = law >> 40, law >> 24 & 0xFFFF, law & 0xFFFFFF
    words = columns[start : start + size]
    remaining = (words >> np.uint64(32)).astype(np.float64) / 2**32
    short = np.uint64(0xFFFF)
    counts = np.concatenate([words & short, words >> np.uint64(16) & short]) + np.uint64(smallest)
    scale = np.float32(255 / photons)
    values = np.minimum(counts.astype(np.float32) * scale, np.float32(255))
    shares = np.concatenate([remaining, 1 - remaining]) / remaining.size
    levels, positions = np.unique(values, return_inverse=True)
    return levels, np.bincount(positions, shares)


def exact_law(photons, level):
    mean = level * photons / 255
    counts = np.arange(int(mean + 12 * math.sqrt(mean) + 40))
    values = np.minimum(counts.astype(np.float32) * np.float32(255 / photons), np.float32(255))
    levels, positions = np.unique(values, return_inverse=True)
    return levels, np.bincount(positions, stats.poisson.pmf(counts, mean))


@pytest.mark.parametrize("photons", [0.1, 1.0, 20.0, 137.3, 500.0, 1e5])
@pytest.mark.parametrize("level", [1, 2, 100, 254, 255])
def test_the_table_holds_the_poisson_law_to_1e_9(photons, level):
    levels, shares = implied_law(photons, level)
    exact = dict(zip(*exact_law(photons, level), strict=True))
    for value, share in zip(levels, shares, strict=True):
        assert share == pytest.approx(exact.pop(value), abs=1e-9)
    assert sum(exact.values()) < 1e-9


@pytest.mark.parametrize("photons", [0.1, 20.0, 1e5])
def test_black_stays_black(photons):
    planes = np.zeros((3, 40, 40), np.float32)
    assert not noisy(planes, photons).any()


@pytest.mark.parametrize(("mean", "level", "photons"), LAWS)
def test_ten_million_draws_follow_the_poisson_law(mean, level, photons):
    planes = np.full((1, 2000, 5000), level, np.float32)
    counts = noisy(planes, photons).reshape(-1) * np.float32(photons / 255)
    observed = np.bincount(np.rint(counts).astype(np.int32))
    expected = stats.poisson.pmf(np.arange(observed.size), mean) * DRAWS
    # Cells with fewer than ten expected draws are pooled into one at each end.
    large = np.nonzero(expected >= 10)[0]
    first, last = large[0], large[-1]
    below, above = stats.poisson.cdf(first - 1, mean), stats.poisson.sf(last, mean)
    cells = np.concatenate(
        [[observed[:first].sum()], observed[first : last + 1], [observed[last + 1 :].sum()]]
    )
    law = np.concatenate([[below * DRAWS], expected[first : last + 1], [above * DRAWS]])
    remaining = law > 0
    assert cells[~remaining].sum() == 0
    assert stats.chisquare(cells[remaining], law[remaining] * (DRAWS / law.sum())).pvalue > UNLIKELY


def test_white_is_clipped_where_more_photons_arrive_than_fit():
    planes = np.full((1, 1000, 1000), 255, np.float32)
    levels = noisy(planes, 50.0)
    share = stats.poisson.sf(49, 50)
    deviation = math.sqrt(share * (1 - share) / levels.size)
    assert levels.max() == 255
    assert abs((levels == 255).mean() - share) < 5 * deviation
