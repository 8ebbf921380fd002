import math

import numba
import numpy as np
import pytest
from scipy import stats

from degrade.kernels.noise import normal_field
from degrade.kernels.normal import fill_normals, inverse_normal_cdf, normal_table
from degrade.kernels.philox import CHUNK

STREAM = np.array([1, 2, 3, 4, 5], np.uint32)
DRAWS = 10_000_000
UNLIKELY = 1e-6


@numba.njit
def compiled(words, table):
    normals = np.empty(words.size, np.float32)
    scratch = np.empty(CHUNK, np.float32)
    for start in range(0, words.size, CHUNK):
        end = start + CHUNK
        fill_normals(words[start:end], table, scratch, normals[start:end])
    return normals


def normals_of(words):
    words = np.asarray(words, np.uint32)
    padded = np.zeros(-(-words.size // CHUNK) * CHUNK, np.uint32)
    padded[: words.size] = words
    return compiled(padded, normal_table())[: words.size]


@pytest.fixture(scope="module")
def sample():
    return normal_field(DRAWS, STREAM, normal_table())


@pytest.fixture(scope="module")
def probing_words():
    """Words from every octave of both tails, and the ends."""
    rng = np.random.default_rng(3)
    small = np.exp2(rng.uniform(0, 31, 400_000)).astype(np.uint32)
    small = np.concatenate([small, np.arange(5000, dtype=np.uint32), [np.uint32(2**31 - 1)]])
    return np.concatenate([small, ~small])


def test_the_inverse_cdf_agrees_with_scipy_to_fifteen_digits():
    p = np.concatenate([np.exp2(np.linspace(-34, -1, 2000)), np.linspace(0.001, 0.5, 2000)])
    ours = np.array([inverse_normal_cdf(float(x)) for x in p])
    np.testing.assert_allclose(ours, stats.norm.ppf(p), rtol=4e-15, atol=1e-15)


def test_every_word_gives_its_quantile_to_within_4e_5(probing_words):
    exact = stats.norm.ppf((probing_words.astype(np.float64) + 0.5) / 2**32)
    assert np.abs(normals_of(probing_words) - exact).max() < 4e-5


def test_a_word_and_its_complement_give_opposite_values(probing_words):
    np.testing.assert_array_equal(normals_of(probing_words), -normals_of(~probing_words))


def test_values_grow_with_their_words(probing_words):
    assert (np.diff(normals_of(np.sort(probing_words))) >= 0).all()


def test_the_longest_tail_reaches_six_sigma():
    assert normals_of([0, 2**32 - 1]) == pytest.approx([-6.34, 6.34], abs=0.005)


@pytest.mark.parametrize("bound", [1, 2, 3, 4, 5, 6])
def test_the_share_of_all_words_beyond_a_bound_is_the_normal_tail(bound):
    # Values grow with words, so bisection counts every one of the 2**32 words.
    low, high = 0, 2**31
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if normals_of([middle])[0] < -bound else (low, middle)
    exact = stats.norm.cdf(-bound) * 2**32
    assert high == pytest.approx(exact, rel=5e-4, abs=1)


def test_ten_million_draws_follow_the_normal_law(sample):
    assert stats.kstest(sample.astype(np.float64), "norm").pvalue > UNLIKELY


def test_ten_million_draws_have_the_moments_of_the_normal_law(sample):
    z = sample.astype(np.float64)
    assert abs(z.mean()) < 5 / math.sqrt(DRAWS)
    assert abs(z.std() - 1) < 5 / math.sqrt(2 * DRAWS)
    assert abs(stats.skew(z)) < 5 * math.sqrt(6 / DRAWS)
    assert abs(stats.kurtosis(z)) < 5 * math.sqrt(24 / DRAWS)


def test_ten_million_draws_have_the_right_tails(sample):
    far = np.abs(sample)
    assert (far > 4).mean() == pytest.approx(2 * stats.norm.sf(4), rel=0.2)
    # 5.7 are expected: a Poisson count of that mean is 0 or above 21 once in 300.
    assert 0 < (far > 5).sum() <= 21


def test_a_longer_field_starts_with_the_shorter_one(sample):
    for count in (1, 255, 1024, 1025, 5000):
        np.testing.assert_array_equal(normal_field(count, STREAM, normal_table()), sample[:count])


def test_no_lag_of_a_field_is_correlated(sample):
    z = sample[: 2**20].astype(np.float64)
    for values in (z, z * z - 1):
        spectrum = np.fft.rfft(values, 2 * values.size)
        products = np.fft.irfft(np.abs(spectrum) ** 2)[1 : values.size // 2]
        pairs = values.size - np.arange(1, values.size // 2)
        scores = products / (values.var() * np.sqrt(pairs))
        # Half a million lags: the largest of as many normals passes 7 once in a million.
        assert np.abs(scores).max() < 7


def test_the_table_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        normal_table()[0, 0] = 0
