import math

import numpy as np
import pytest
from scipy import stats

from degrade.random import Stream, StreamKey
from degrade.recipe.distributions import (
    Chosen,
    Fixed,
    InvalidDistributionError,
    Range,
    parse_distribution,
)


def drawn_plan(distribution, count=4000):
    return [distribution.draw(Stream(StreamKey(9, image, 0), 3)) for image in range(count)]


def words_taken(distribution):
    stream = Stream(StreamKey(1, 2, 3), 4)
    reference = Stream(StreamKey(1, 2, 3), 4)
    following = [reference.unit() for _ in range(4)]
    distribution.draw(stream)
    return following.index(stream.unit())


def test_uniform_draws_follow_the_uniform_law():
    values = drawn_plan(parse_distribution({"uniform": [2, 6]}))
    assert stats.kstest(values, stats.uniform(2, 4).cdf).pvalue > 1e-3


def test_log_uniform_draws_follow_the_reciprocal_law_and_stay_inside():
    values = drawn_plan(parse_distribution({"log_uniform": [0.5, 8]}))
    assert stats.kstest(values, stats.loguniform(0.5, 8).cdf).pvalue > 1e-3
    assert min(values) >= 0.5
    assert max(values) <= 8


def test_an_inverse_and_a_root_follow_the_law_of_what_is_uniform():
    inverse = parse_distribution({"inverse_of_uniform": [0.15, 1.5]})
    values = np.array(drawn_plan(inverse))
    assert stats.kstest(1 / values, stats.uniform(0.15, 1.35).cdf).pvalue > 1e-3
    assert inverse.extremes() == (1 / 0.15, 1 / 1.5)
    root = parse_distribution({"root_of_uniform": [1, 9]})
    values = np.array(drawn_plan(root))
    assert stats.kstest(values**2, stats.uniform(1, 8).cdf).pvalue > 1e-3
    assert root.extremes() == (1.0, 3.0)


def test_integer_draws_reach_both_ends_equally_often():
    values = drawn_plan(parse_distribution({"integer": [2, 8]}))
    counts = np.bincount(values, minlength=9)[2:]
    assert len(counts) == 7
    assert stats.chisquare(counts).pvalue > 1e-3


def test_choice_draws_follow_the_weights_and_never_take_a_weight_of_zero():
    values = drawn_plan(parse_distribution({"choice": [["a", 3], ["b", 0], ["c", 1]]}))
    assert stats.chisquare([values.count("a"), values.count("c")], [3000, 1000]).pvalue > 1e-3
    assert "b" not in values


def test_a_fixed_value_takes_no_number_and_everything_else_takes_one():
    assert words_taken(Fixed(3)) == 0
    for written in ({"uniform": [0, 1]}, {"log_uniform": [1, 2]}, {"integer": [0, 9]},
                    {"inverse_of_uniform": [1, 2]}, {"root_of_uniform": [1, 2]}):  # fmt: skip
        assert words_taken(parse_distribution(written)) == 1
    assert words_taken(Chosen(("a", "b"), (1.0, 1.0))) == 1


def test_bounds_of_real_ranges_are_floats_however_they_are_written():
    assert parse_distribution({"uniform": [0, 20]}) == Range("uniform", 0.0, 20.0)
    assert isinstance(parse_distribution({"uniform": [0, 20]}).low, float)
    assert isinstance(parse_distribution({"integer": [0, 20]}).low, int)


def test_canonical_form_reads_back_as_the_same_distribution():
    for written in (
        4,
        "linear",
        True,
        {"uniform": [0, 20]},
        {"log_uniform": [0.5, 8]},
        {"integer": [15, 95]},
        {"inverse_of_uniform": [0.15, 1.5]},
        {"root_of_uniform": [0, 8]},
        {"choice": [["420", 3], ["444", 1]]},
        {"choice": [1, 2, 3]},
    ):
        first = parse_distribution(written)
        assert parse_distribution(first.canonical()) == first


@pytest.mark.parametrize(
    "written",
    [
        None,
        [1, 2],
        {},
        {"uniform": [0, 1], "integer": [0, 1]},
        {"normal": [0, 1]},
        {"uniform": [0]},
        {"uniform": [0, 1, 2]},
        {"uniform": 3},
        {"uniform": [1, 0]},
        {"uniform": ["a", "b"]},
        {"uniform": [False, True]},
        {"uniform": [0, math.nan]},
        {"uniform": [0, math.inf]},
        {"uniform": [0, 10**400]},
        {"log_uniform": [0, 1]},
        {"log_uniform": [-1, 1]},
        {"inverse_of_uniform": [0, 1]},
        {"inverse_of_uniform": [-1, 1]},
        {"root_of_uniform": [-1, 1]},
        {"root_of_uniform": [0, math.nan]},
        {"integer": [0.5, 2]},
        {"choice": []},
        {"choice": 3},
        {"choice": [["a", -1]]},
        {"choice": [["a", 0], ["b", 0]]},
        {"choice": [["a", math.nan]]},
        {"choice": [["a", 1, 2]]},
        {"choice": [[None, 1]]},
        {"choice": [{"a": 1}]},
        math.nan,
        math.inf,
        10**400,
    ],
)
def test_what_is_no_distribution_is_refused(written):
    with pytest.raises(InvalidDistributionError):
        parse_distribution(written)


def test_a_misspelt_kind_names_the_nearest():
    with pytest.raises(InvalidDistributionError, match="Did you mean 'log_uniform'"):
        parse_distribution({"loguniform": [1, 2]})
