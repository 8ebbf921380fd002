import numpy as np
import pytest
from two_sample import area_under_curve, fit_logistic, told_apart


def test_one_yes_or_no_column_gives_the_logarithm_of_its_odds():
    # 30 of 40 and 10 of 60: the saturated model's closed form.
    column = np.repeat([1.0, 0.0], [40, 60])[:, None]
    labels = np.concatenate([np.repeat([1.0, 0.0], [30, 10]), np.repeat([1.0, 0.0], [10, 50])])
    slope, constant = fit_logistic(column, labels, penalty=1e-9)
    assert constant == pytest.approx(np.log(10 / 50), abs=1e-4)
    assert slope == pytest.approx(np.log(30 / 10) - np.log(10 / 50), abs=1e-4)


def test_the_penalised_weights_are_a_minimum():
    random = np.random.default_rng(0)
    rows = random.normal(size=(200, 3))
    labels = (rows[:, 0] + random.normal(size=200) > 0).astype(float)
    weights = fit_logistic(rows, labels, penalty=2.0)
    chance = 1 / (1 + np.exp(-(rows @ weights[:-1] + weights[-1])))
    assert rows.T @ (chance - labels) + 2.0 * weights[:-1] == pytest.approx(np.zeros(3), abs=1e-3)
    assert (chance - labels).sum() == pytest.approx(0, abs=1e-3)


def test_separable_samples_have_finite_weights():
    rows = np.array([[-1.0], [-2.0], [1.0], [2.0]])
    assert np.all(np.isfinite(fit_logistic(rows, np.array([0.0, 0, 1, 1]), penalty=1.0)))


def test_the_area_is_the_share_of_ordered_pairs():
    random = np.random.default_rng(3)
    low, high = random.integers(0, 6, 23).astype(float), random.integers(1, 8, 31).astype(float)
    pairs = np.sign(high[:, None] - low[None])
    assert area_under_curve(low, high) == pytest.approx((pairs.mean() + 1) / 2)
    assert area_under_curve(np.array([1.0, 2]), np.array([3.0, 4])) == 1.0


def test_two_samples_of_one_law_are_not_told_apart_and_shifted_ones_are():
    random = np.random.default_rng(4)
    first, second = random.normal(size=(300, 5)), random.normal(size=(300, 5))
    names = [f"a{n}" for n in range(300)], [f"b{n}" for n in range(300)]
    assert abs(told_apart(first, second, *names) - 0.5) < 0.07
    # One column of deviation 1 shifted by 1: the area is Phi(1 / sqrt 2) = 0.760.
    second[:, 2] += 1.0
    assert told_apart(first, second, *names) == pytest.approx(0.760, abs=0.04)


def test_what_only_tells_the_source_does_not_help():
    # Every source has a column of its own in which its images stand out; the sample that a
    # source belongs to is chance. Without unseen sources this would be told apart perfectly.
    random = np.random.default_rng(5)
    sources = np.repeat(np.arange(30), 10)
    rows = np.eye(30)[sources] + random.normal(0, 0.01, (300, 30))
    first = sources < 15
    names = [f"s{n}" for n in sources]
    area = told_apart(
        rows[first], rows[~first], [n for n, f in zip(names, first, strict=True) if f],
        [n for n, f in zip(names, first, strict=True) if not f],
    )  # fmt: skip
    assert area < 0.65
