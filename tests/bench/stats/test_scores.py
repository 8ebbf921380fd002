from __future__ import annotations

import math

import numpy as np
import pytest

from bench.stats.bootstrap import Bootstrap
from bench.stats.scores import NotComparableError, score


def cell(rows, restorer="brighter", metric="psnr"):
    return score(rows, seed=7)["ramps", "dark", restorer, metric]


def test_the_mean_difference_is_over_the_images_that_both_have(fakes):
    rows = [
        fakes.row(20.0, key="a"),
        fakes.row(30.0, key="b"),
        fakes.row(99.0, key="c"),
        fakes.row(21.0, key="a", restorer="brighter"),
        fakes.row(33.0, key="b", restorer="brighter"),
        fakes.row(None, key="c", restorer="brighter", status="error"),
    ]
    found = cell(rows)
    assert found.mean.mean == pytest.approx(27.0)
    assert (found.n, found.attempted, found.coverage) == (2, 3, pytest.approx(2 / 3))
    assert found.difference.mean == pytest.approx(2.0)
    assert found.difference_n == 2
    assert found.statuses == {"error": 1, "ok": 2}


def test_the_paired_interval_is_the_bootstrap_of_the_differences(fakes):
    before = np.random.Generator(np.random.Philox(1)).normal(25, 5, 30)
    after = before + np.random.Generator(np.random.Philox(2)).normal(1, 0.2, 30)
    rows = [fakes.row(v, key=f"{i:02}") for i, v in enumerate(before)]
    rows += [fakes.row(v, key=f"{i:02}", restorer="brighter") for i, v in enumerate(after)]
    found = cell(rows)
    assert found.difference == Bootstrap(7).interval(after - before)
    assert found.difference.high - found.difference.low < 0.2  # unpaired it would be about 5


def test_the_baseline_differs_from_itself_by_nothing(fakes):
    rows = [fakes.row(v, key=k) for v, k in ((1.0, "a"), (math.inf, "b"))]
    found = cell(rows, "input")
    assert found.difference.mean == 0.0
    assert found.difference_n == 2


def test_images_without_a_face_in_the_truth_are_outside_n_and_attempted(fakes):
    rows = [
        fakes.row(0.9, key="a", metric="identity"),
        fakes.row(None, key="b", metric="identity", status="no_face"),
        fakes.row(None, key="c", metric="identity", status="no_face_in_reference"),
    ]
    found = cell(rows, "input", "identity")
    assert (found.n, found.attempted, found.coverage) == (1, 2, 0.5)
    assert found.statuses == {"no_face": 1, "no_face_in_reference": 1, "ok": 1}


def test_a_metric_without_any_value_keeps_its_count_and_has_no_mean(fakes):
    rows = [fakes.row(None, key=k, status="weights_missing") for k in "ab"]
    found = cell(rows, "input")
    assert (found.mean.mean, found.n, found.attempted, found.coverage) == (None, 0, 2, 0.0)


def test_nothing_attempted_has_no_coverage(fakes):
    found = cell([fakes.row(None, status="no_face_in_reference")], "input")
    assert found.coverage is None


def test_perfect_images_are_counted_beside_the_mean(fakes):
    rows = [fakes.row(v, key=k) for v, k in ((20.0, "a"), (math.inf, "b"), (30.0, "c"))]
    rows += [
        fakes.row(math.inf, key="a", restorer="brighter"),
        fakes.row(math.inf, key="b", restorer="brighter"),
        fakes.row(31.0, key="c", restorer="brighter"),
    ]
    found = cell(rows)
    assert (found.mean.mean, found.n, found.infinite) == (31.0, 1, 2)
    assert (found.attempted, found.coverage) == (3, 1.0)
    assert found.difference.mean == 0.5  # b: both perfect, no difference; c: +1
    assert (found.difference_n, found.difference_infinite) == (2, 1)


def test_values_of_two_signatures_are_never_averaged(fakes):
    rows = [fakes.row(1.0), fakes.row(2.0, key="b", signature="psnr|y")]
    with pytest.raises(NotComparableError, match=r"'psnr' was computed in two ways") as caught:
        score(rows, seed=7)
    assert caught.value.exit_code == 3


def test_the_order_of_rows_changes_no_number(fakes):
    values = np.random.Generator(np.random.Philox(5)).normal(size=20)
    rows = [fakes.row(float(v), key=str(i)) for i, v in enumerate(values)]
    assert score(rows, seed=7) == score(rows[::-1], seed=7)


def test_versions_of_a_photograph_count_in_n_and_are_drawn_together(fakes):
    values = np.random.Generator(np.random.Philox(6)).normal(size=(20, 1)) + np.zeros((20, 3))
    rows = [
        fakes.row(float(v), key=f"{i:02}-v{k:05d}", variant=k)
        for i, row in enumerate(values)
        for k, v in enumerate(row)
    ]
    found = cell(rows, "input")
    assert found.n == 60
    expected = Bootstrap(7).interval(values[:, 0])
    assert found.mean.mean == pytest.approx(expected.mean)
    assert found.mean.low == pytest.approx(expected.low)
    assert found.mean.low < Bootstrap(7).interval(values.ravel()).low  # as if there were 60


def set_rows(fakes, n_input, n_other):
    images = [fakes.row(1.0, key=k, restorer=r) for k in "ab" for r in ("input", "brighter")]
    return [
        *images,
        fakes.row(5.0, key="", metric="fd", n=n_input),
        fakes.row(3.0, key="", metric="fd", n=n_other, restorer="brighter"),
    ]


def test_a_set_metric_has_one_value_and_the_number_of_its_images(fakes):
    found = cell(set_rows(fakes, 2, 2), metric="fd")
    assert (found.mean.mean, found.mean.low) == (3.0, None)
    assert (found.n, found.attempted, found.coverage) == (2, 2, 1.0)
    assert (found.difference.mean, found.difference.low, found.difference_n) == (-2.0, None, 2)


def test_distances_of_sets_of_different_size_have_no_difference(fakes):
    found = cell(set_rows(fakes, 2, 1), metric="fd")
    assert (found.n, found.attempted, found.coverage) == (1, 2, 0.5)
    assert (found.difference.mean, found.difference_n) == (None, 0)
