from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.stats

from bench.stats.bootstrap import Bootstrap


def test_no_value_has_no_mean_and_one_value_no_interval():
    bootstrap = Bootstrap(7)
    nothing, one = bootstrap.interval([]), bootstrap.interval([3.0])
    assert (nothing.mean, nothing.low, nothing.high) == (None, None, None)
    assert (one.mean, one.low, one.high) == (3.0, None, None)


def test_equal_values_have_an_interval_of_no_width():
    found = Bootstrap(7).interval([2.0] * 9)
    assert (found.mean, found.low, found.high) == (2.0, 2.0, 2.0)


def test_the_interval_is_that_of_all_resamples_where_these_can_be_counted():
    values = [1.0, 2.0, 4.0, 8.0]
    means = sorted(sum(draw) / 4 for draw in itertools.product(values, repeat=4))
    found = Bootstrap(7, resamples=200_000).interval(values)
    assert found.low == pytest.approx(np.quantile(means, 0.025), abs=0.26)
    assert found.high == pytest.approx(np.quantile(means, 0.975), abs=0.26)


def test_the_interval_agrees_with_scipy():
    values = np.random.Generator(np.random.Philox(1)).gamma(2.0, size=200)
    ours = Bootstrap(7, resamples=20_000).interval(values)
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.03 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.03 * width)


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says():
    generator = np.random.Generator(np.random.Philox(3))
    bootstrap = Bootstrap(7, resamples=500)
    found = [bootstrap.interval(generator.normal(size=40)) for _ in range(400)]
    covered = sum(each.low <= 0 <= each.high for each in found) / 400
    assert 0.90 <= covered <= 0.97  # 0.95 less the known shortfall at n = 40, ± 3 standard errors


def test_the_same_seed_gives_the_same_interval_whatever_was_asked_before():
    values = np.arange(30.0)
    fresh = Bootstrap(7).interval(values)
    used = Bootstrap(7)
    used.interval(np.arange(11.0))
    used.interval(np.arange(30.0) ** 2)
    assert used.interval(values) == fresh
    assert Bootstrap(8).interval(values) != fresh


def test_a_large_set_is_drawn_in_pieces_with_a_right_width():
    values = np.random.Generator(np.random.Philox(4)).normal(size=5000)
    found = Bootstrap(7).interval(values)
    expected = 2 * 1.96 * values.std() / math.sqrt(len(values))
    assert found.high - found.low == pytest.approx(expected, rel=0.06)


def test_drawn_images_are_uniform():
    from bench.stats.bootstrap import draw

    drawn = draw(np.random.Philox(key=5), (20_000, 13))
    counts = np.bincount(drawn.ravel(), minlength=13)
    assert scipy.stats.chisquare(counts).pvalue > 1e-3
    assert drawn.min() == 0
    assert drawn.max() == 12


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_values_that_are_not_finite_are_a_mistake_of_the_caller(bad):
    with pytest.raises(ValueError, match="not finite"):
        Bootstrap(7).interval([1.0, bad])
