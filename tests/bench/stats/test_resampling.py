from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from bench.stats import resampling
from bench.stats.bootstrap import drawn_counts
from bench.stats.resampling import holm, mean_of, of_photographs, pair_mean_of, resample, wilcoxon


def generator(seed):
    return np.random.Generator(np.random.Philox(seed))


@pytest.fixture
def few_draws(monkeypatch):
    monkeypatch.setattr(resampling, "DRAWS", 1000)


def test_a_mean_and_its_interval_agree_with_scipy():
    values = generator(1).gamma(2.0, size=80)
    (found,) = resample([mean_of(values)], 80, seed=7)
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert found.interval.mean == pytest.approx(values.mean())
    assert found.interval.low == pytest.approx(theirs.low, abs=0.03 * width)
    assert found.interval.high == pytest.approx(theirs.high, abs=0.03 * width)


def test_photographs_without_a_value_are_left_out_of_every_draw():
    values = np.array([1.0, math.nan, 3.0, math.nan, 8.0])
    (found,) = resample([mean_of(values)], 5, seed=7)
    (alone,) = resample([mean_of(values[[0, 2, 4]])], 3, seed=7)
    assert found.interval.mean == alone.interval.mean == 4.0
    assert (found.interval.low, found.interval.high) == (1.0, 8.0)


def test_p_is_small_for_a_shift_and_large_for_none():
    noise = generator(3).normal(size=100)
    shifted, centred = resample([mean_of(noise + 1), mean_of(noise - noise.mean())], 100, seed=7)
    assert shifted.p == pytest.approx(2 / (resampling.DRAWS + 1))
    assert centred.p > 0.9


def test_values_that_are_all_zero_have_p_one():
    (found,) = resample([mean_of(np.zeros(9))], 9, seed=7)
    assert (found.interval.mean, found.interval.low, found.interval.high) == (0.0, 0.0, 0.0)
    assert found.p == 1.0


def test_no_value_or_one_photograph_has_no_interval():
    nothing, pair = resample(
        [mean_of(np.full(1, math.nan)), pair_mean_of(np.ones((1, 1)))], 1, seed=7
    )
    assert nothing.interval.mean is None
    assert (pair.interval.mean, pair.interval.low, pair.p) == (None, None, 1.0)


def test_the_statistic_of_pairs_is_the_mean_off_the_diagonal():
    pairs = generator(4).normal(size=(6, 6))
    pairs += pairs.T
    expected = np.mean([pairs[i, j] for i in range(6) for j in range(6) if i != j])
    (found,) = resample([pair_mean_of(pairs)], 6, seed=7)
    assert found.interval.mean == pytest.approx(expected)
    pairs[2], pairs[:, 2] = math.nan, math.nan
    others = [i for i in range(6) if i != 2]
    expected = np.mean([pairs[i, j] for i in others for j in others if i != j])
    (found,) = resample([pair_mean_of(pairs)], 6, seed=7)
    assert found.interval.mean == pytest.approx(expected)


def test_copies_of_a_photograph_in_a_draw_do_not_shift_the_statistic_of_pairs():
    # Points far apart: each resembles itself much more than any other, as faces do.
    points = generator(5).normal(size=(40, 200))
    pairs = points @ points.T
    counts = np.concatenate(list(drawn_counts(40, resampling.DRAWS, 7)))
    ours = pair_mean_of(pairs)(counts)
    naive = (np.einsum("ij,ij->i", counts @ pairs, counts) - np.trace(pairs)) / (40 * 39)
    value = np.mean(pairs[~np.eye(40, dtype=bool)])
    assert abs(ours.mean() - value) < 0.2 * ours.std()
    assert abs(naive.mean() - value) > 2 * naive.std()


def test_the_interval_over_photographs_covers_and_the_one_over_versions_does_not(few_draws):
    # Three versions of each of 40 photographs, which share most of their value.
    source, covered, naive = generator(6), 0, 0
    for trial in range(300):
        versions = source.normal(size=(40, 1)) + 0.3 * source.normal(size=(40, 3))
        (right,) = resample([mean_of(versions.mean(axis=1))], 40, seed=trial)
        (wrong,) = resample([mean_of(versions.ravel())], 120, seed=trial)
        covered += right.interval.low <= 0 <= right.interval.high
        naive += wrong.interval.low <= 0 <= wrong.interval.high
    assert 0.90 <= covered / 300 <= 0.98  # 95 % less the known shortfall at n = 40, ± 3 errors
    assert naive / 300 < 0.85


def test_holm_agrees_with_the_definition():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_keeps_the_share_of_tables_with_a_false_alarm():
    ps = generator(8).uniform(size=(2000, 10))
    alarms = np.mean([min(holm(row)) <= 0.05 for row in ps.tolist()])
    assert alarms == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 2000))


def test_wilcoxon_of_many_values_and_of_ties_is_scipys_approximation():
    values = generator(9).normal(0.3, 1, 51)
    tied = np.append(np.round(values[:12] * 4) / 4, 0.0)
    for each in (values, tied):
        expected = scipy.stats.wilcoxon(each, zero_method="zsplit", method="approx").pvalue
        assert wilcoxon(np.append(each, math.nan)) == pytest.approx(expected, rel=1e-12)
    assert wilcoxon(np.zeros(5)) == 1.0
    assert wilcoxon(np.array([1.0])) is None


def test_wilcoxon_of_few_values_is_counted_out():
    assert wilcoxon(np.arange(1.0, 6.0)) == pytest.approx(2 / 2**5)
    assert wilcoxon(-np.arange(1.0, 9.0)) == pytest.approx(2 / 2**8)
    assert wilcoxon(np.array([-1.0, 2.0, 3.0, 4.0, 5.0])) == pytest.approx(4 / 2**5)
    values = generator(9).normal(0.3, 1, 50)
    expected = scipy.stats.wilcoxon(values, method="exact").pvalue
    assert wilcoxon(values) == pytest.approx(expected, rel=1e-12)


def test_wilcoxon_says_nothing_of_fewer_than_ten_values_with_ties_or_zeros():
    assert wilcoxon(np.array([1.0, -1.0, 2.0, 3.0, 4.0])) is None
    assert wilcoxon(np.arange(9.0)) is None
    assert wilcoxon(np.arange(10.0)) is not None


@pytest.mark.parametrize(("count", "least"), [(1, 1.0), (2, 0.5), (5, 0.0625), (6, 0.03125)])
def test_few_photographs_never_say_more_than_the_sign_test_could(count, least):
    (drawn,) = resample([mean_of(np.arange(1.0, count + 1))], count, seed=7)
    found = of_photographs(drawn, count)
    assert drawn.p < 0.001
    assert found.p == least
    assert found.interval.mean == drawn.interval.mean
    assert (found.interval.low is None) == (count == 1)


def test_of_many_photographs_nothing_changes():
    (drawn,) = resample([mean_of(generator(3).normal(1, 1, 40))], 40, seed=7)
    assert of_photographs(drawn, 40) == drawn


def test_the_same_seed_gives_the_same_numbers():
    values = generator(10).normal(size=30)
    once, again = (resample([mean_of(values)], 30, seed=7) for _ in range(2))
    assert once == again
    assert resample([mean_of(values)], 30, seed=8) != once
