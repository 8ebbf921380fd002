import math

import numba
import numpy as np
import pytest
from scipy import stats

from degrade.ops.kernels.philox import BLOCKS, CHUNK, fill_normals
from degrade.ops.noise.gaussian import normal_field

STREAM = np.array([1, 2, 3, 4, 5], np.uint32)
DRAWS = 10_000_000
UNLIKELY = 1e-6


@numba.njit
def compiled(words):
    normals = np.empty(words.size, np.float32)
    scratch = np.empty(BLOCKS, np.float32)
    for start in range(0, words.size, CHUNK):
        end = start + CHUNK
        fill_normals(words[start:end], scratch, normals[start:end])
    return normals


def normals_of(radius_words, angle_words):
    """The pairs of normals, (2, n), of pairs of words."""
    pairs = np.zeros((-(-radius_words.size // BLOCKS), 2, 2, BLOCKS), np.uint32)
    words = np.stack([radius_words, angle_words]).astype(np.uint32)
    padded = np.zeros((2, pairs.shape[0] * BLOCKS), np.uint32)
    padded[:, : words.shape[1]] = words
    pairs[:, 0] = padded.reshape(2, -1, BLOCKS).transpose(1, 0, 2)
    normals = compiled(pairs.reshape(-1)).reshape(pairs.shape)[:, 0]
    return normals.transpose(1, 0, 2).reshape(2, -1)[:, : words.shape[1]]


def box_muller(radius_words, angle_words):
    """The same in float64, from the paper's formula."""
    u = ((np.asarray(radius_words, np.uint64) >> np.uint64(1)).astype(np.float64) + 0.5) / 2**31
    turns = angle_words.astype(np.float64) / 2**32
    # The angle's lower 30 bits are signed: a quarter turn reaches from -45 to 45 degrees.
    quarter = np.floor(turns * 4)
    angle = (turns * 4 - quarter) - np.where(turns * 4 - quarter >= 0.5, 1.0, 0.0)
    radius = np.sqrt(-2 * np.log(u)) * np.where(quarter >= 2, -1, 1)
    cosine, sine = np.cos(angle * np.pi / 2), np.sin(angle * np.pi / 2)
    swapped = quarter % 2 == 1
    return radius * np.where(swapped, sine, cosine), radius * np.where(swapped, cosine, sine)


@pytest.fixture(scope="module")
def sample():
    return normal_field(DRAWS, STREAM)


@pytest.fixture(scope="module")
def probing_words():
    """Words from every octave of both ends, and the ends."""
    rng = np.random.default_rng(3)
    small = np.exp2(rng.uniform(0, 31, 200_000)).astype(np.uint32)
    small = np.concatenate([small, np.arange(5000, dtype=np.uint32), [np.uint32(2**31 - 1)]])
    words = np.concatenate([small, ~small])
    return words, rng.permutation(words)


def test_every_pair_of_words_gives_the_normals_of_box_and_muller_to_2e_6(probing_words):
    ours, exact = normals_of(*probing_words), np.stack(box_muller(*probing_words))
    # Near u = 1 the last bit of a float32 u is worth up to 3.5e-4 of radius.
    central = np.hypot(*exact) < 0.05
    np.testing.assert_allclose(ours[:, ~central], exact[:, ~central], atol=2e-6)
    np.testing.assert_allclose(ours[:, central], exact[:, central], atol=4e-4)


def test_no_pair_of_words_gives_anything_but_a_finite_number(probing_words):
    assert np.isfinite(normals_of(*probing_words)).all()


def test_the_longest_tail_reaches_six_sigma():
    ends = normals_of(np.array([0, 1], np.uint32), np.array([0, 2**31], np.uint32))
    np.testing.assert_allclose(ends[0], [6.66, -6.66], atol=0.005)


def test_the_angles_of_all_quarters_are_equally_likely():
    words = np.arange(2**19, 2**32, 2**20, dtype=np.uint64).astype(np.uint32)
    first, second = normals_of(np.full(words.size, 2**30, np.uint32), words)
    octants = np.bincount((np.arctan2(second, first) // (np.pi / 4)).astype(int) + 4, minlength=8)
    assert octants.max() - octants.min() <= 2


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
        np.testing.assert_array_equal(normal_field(count, STREAM), sample[:count])


def test_the_normals_of_one_block_do_not_depend_on_each_other(sample):
    four = sample[: DRAWS // CHUNK * CHUNK].reshape(-1, 4, BLOCKS).astype(np.float64)
    runs = four.transpose(1, 0, 2).reshape(4, -1)
    for values in (runs, runs**2, np.abs(runs)):
        matrix = np.corrcoef(values) - np.eye(4)
        assert np.abs(matrix).max() < 6 / math.sqrt(runs.shape[1])


def test_no_lag_of_a_field_is_correlated(sample):
    z = sample[: 2**20].astype(np.float64)
    for values in (z, z * z - 1):
        spectrum = np.fft.rfft(values, 2 * values.size)
        products = np.fft.irfft(np.abs(spectrum) ** 2)[1 : values.size // 2]
        pairs = values.size - np.arange(1, values.size // 2)
        scores = products / (values.var() * np.sqrt(pairs))
        # Half a million lags: the largest of as many normals passes 7 once in a million.
        assert np.abs(scores).max() < 7
