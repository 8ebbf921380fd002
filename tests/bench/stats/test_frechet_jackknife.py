from __future__ import annotations

import math

import numpy as np
import pytest

from bench.metrics.distribution.distances import frechet_distance
from bench.stats import frechet_jackknife, resampling
from bench.stats.frechet_jackknife import distances_without_each, fit_reference, jackknife_values
from bench.stats.resampling import mean_of, resample


def generator(seed):
    return np.random.Generator(np.random.Philox(seed))


def numbers(source, photographs, versions):
    """Photograph numbers of images in any order; versions 0 is one to four of each."""
    counts = np.full(photographs, versions) if versions else source.integers(1, 5, photographs)
    images = np.repeat(np.arange(photographs), counts)
    source.shuffle(images)
    return images


@pytest.mark.parametrize(
    ("photographs", "versions", "dimensions", "references"),
    [
        (30, 1, 8, 50),  # more images than dimensions
        (30, 1, 64, 200),  # fewer: each photograph takes a dimension with it
        (30, 3, 64, 200),  # fewer photographs, more images
        (12, 3, 64, 200),
        (20, 2, 40, 15),  # a reference set of fewer images than dimensions
        (20, 0, 40, 100),  # photographs of one to four versions
        (3, 1, 5, 9),
    ],
)
def test_leaving_out_each_photograph_equals_the_distance_computed_without_it(
    photographs, versions, dimensions, references
):
    source = generator(1)
    images = numbers(source, photographs, versions)
    restored = source.normal(size=(len(images), dimensions)) * np.geomspace(0.01, 2, dimensions)
    reference = source.normal(0.3, 1, size=(references, dimensions))
    whole, without = distances_without_each(restored, images, fit_reference(reference))
    expected = [frechet_distance(restored[images != i], reference) for i in range(photographs)]
    assert whole == pytest.approx(frechet_distance(restored, reference), rel=1e-12)
    # The jackknife reads differences of these, so they must be right by that measure.
    assert np.abs(without - expected).max() < 1e-8 * np.std(expected)


def test_photographs_that_are_copies_of_each_other_are_left_out_alike():
    source = generator(2)
    restored = np.repeat(source.normal(size=(6, 20)), 4, axis=0)
    images, reference = np.repeat(np.arange(12), 2), source.normal(size=(40, 20))
    _, without = distances_without_each(restored, images, fit_reference(reference))
    expected = [frechet_distance(restored[images != i], reference) for i in range(12)]
    assert without == pytest.approx(expected, rel=1e-10)
    assert without[::2] == pytest.approx(without[1::2], rel=1e-10)


def test_in_one_dimension_the_values_have_a_closed_form():
    levels, reference = np.array([[1.0], [2.0], [4.0], [9.0]]), np.array([[0.0], [2.0], [4.0]])

    def closed(values):  # the reference has mean 2 and deviation 2
        return (np.mean(values) - 2) ** 2 + (np.std(values, ddof=1) - 2) ** 2

    without = np.array([closed(np.delete(levels, i)) for i in range(4)])
    found = jackknife_values(levels, np.arange(4), fit_reference(reference))
    expected = closed(levels) + math.sqrt(12) * (without.mean() - without)
    assert found == pytest.approx(expected, rel=1e-9)
    # The mean of four values drawn has their variance over four: the jackknife's variance.
    assert found.var() / 4 == pytest.approx(3 / 4 * np.square(without - without.mean()).sum())


def test_the_mean_of_the_values_is_the_distance():
    source = generator(3)
    images, reference = np.repeat(np.arange(25), 2), source.normal(size=(60, 30))
    restored = source.normal(0.2, 1.3, size=(50, 30))
    values = jackknife_values(restored, images, fit_reference(reference))
    assert values.mean() == pytest.approx(frechet_distance(restored, reference), rel=1e-12)


def test_neither_the_order_of_the_images_nor_the_blocks_matter(monkeypatch):
    source = generator(4)
    images = numbers(source, 20, 0)
    restored, reference = source.normal(size=(len(images), 9)), source.normal(size=(30, 9))
    fitted = fit_reference(reference)
    whole = jackknife_values(restored, images, fitted)
    order = source.permutation(len(images))
    assert jackknife_values(restored[order], images[order], fitted) == pytest.approx(whole)
    monkeypatch.setattr(frechet_jackknife, "_CHUNK", 3)
    assert jackknife_values(restored, images, fitted) == pytest.approx(whole, rel=1e-9)


def test_equal_images_have_a_distance_and_nothing_to_leave_out():
    reference = generator(5).normal(size=(20, 4))
    values = jackknife_values(np.ones((5, 4)), np.arange(5), fit_reference(reference))
    expected = frechet_distance(np.ones((5, 4)), reference)
    assert values == pytest.approx(np.full(5, expected))


@pytest.mark.parametrize("images", [[0, 1], [0, 0], [0, 0, 1]])
def test_where_one_image_or_none_is_left_there_is_no_value(images):
    source = generator(6)
    restored = source.normal(size=(len(images), 3))
    fitted = fit_reference(source.normal(size=(9, 3)))
    whole, without = distances_without_each(restored, np.array(images), fitted)
    assert math.isfinite(whole)
    assert np.isnan(without).any()
    assert np.isnan(jackknife_values(restored, np.array(images), fitted)).all()


def restorers(source, photographs, dimensions, spreads, shifts):
    """Two restorers' normal features of the same photographs, each degraded twice."""
    face = math.sqrt(0.4) * source.normal(size=(photographs, 1, dimensions))
    degraded = face + math.sqrt(0.3) * source.normal(size=(photographs, 2, dimensions))
    return [
        (shift + spread * (degraded + math.sqrt(0.3) * source.normal(size=degraded.shape))).reshape(
            -1, dimensions
        )
        for spread, shift in zip(spreads, shifts, strict=True)
    ]


def difference(sets, images, fitted):
    one, other = (jackknife_values(each, images, fitted) for each in sets)
    return one - other


# More images than dimensions, and fewer.
@pytest.mark.parametrize(("photographs", "dimensions", "trials"), [(60, 16, 200), (30, 96, 200)])
def test_the_interval_of_a_difference_covers_the_expected_one(
    monkeypatch, photographs, dimensions, trials
):
    """A restorer that blurs more and one that blurs less; expected values from other samples."""
    monkeypatch.setattr(resampling, "DRAWS", 1000)
    source, images = generator(7), np.repeat(np.arange(photographs), 2)
    fall, spectrum = np.linspace(1, 0, dimensions), np.arange(1, dimensions + 1) ** -0.5
    spreads = spectrum * (0.3 + 0.7 * fall), spectrum * (0.75 + 0.25 * fall)
    shifts = 0.3 * spectrum, 0.1 * spectrum
    reference = source.normal(size=(400, dimensions)) * spectrum
    fitted, settings = fit_reference(reference), (photographs, dimensions, spreads, shifts)
    others = [restorers(source, *settings) for _ in range(2 * trials)]
    expected = np.mean(
        [frechet_distance(a, reference) - frechet_distance(b, reference) for a, b in others]
    )
    covered = 0
    for trial in range(trials):
        values = difference(restorers(source, *settings), images, fitted)
        (found,) = resample([mean_of(values)], photographs, seed=trial)
        covered += found.interval.low <= expected <= found.interval.high
    # 95 %, less what a percentile interval of few photographs falls short by, ± 3 standard errors;
    # more where the jackknife's variance is above the true one.
    assert 0.90 <= covered / trials <= 0.995


@pytest.mark.parametrize(("photographs", "dimensions"), [(60, 16), (30, 96)])
def test_two_restorers_of_one_distribution_are_rarely_told_apart(
    monkeypatch, photographs, dimensions
):
    monkeypatch.setattr(resampling, "DRAWS", 1000)
    source, images, alarms = generator(8), np.repeat(np.arange(photographs), 2), 0
    spectrum = np.arange(1, dimensions + 1) ** -0.5
    spreads, shifts = [0.7 * spectrum] * 2, [0.2 * spectrum] * 2
    fitted = fit_reference(source.normal(size=(400, dimensions)) * spectrum)
    for trial in range(200):
        sets = restorers(source, photographs, dimensions, spreads, shifts)
        (found,) = resample([mean_of(difference(sets, images, fitted))], photographs, seed=trial)
        alarms += found.p <= 0.05
    assert alarms <= 20  # 5 % of 200 is 10, and 3.2 standard errors more


def test_sets_with_copies_would_shift_every_draw_and_the_values_do_not():
    """Why images are not simply resampled: a copy takes a dimension from the covariance."""
    source, photographs, dimensions = generator(9), 40, 60
    reference = source.normal(size=(300, dimensions))
    one = source.normal(size=(photographs, dimensions))
    sets = one, 0.5 * one + 0.1 * source.normal(size=one.shape)
    plain = [frechet_distance(each, reference) for each in sets]
    value = plain[0] - plain[1]
    naive = []
    for _ in range(60):
        chosen = source.integers(photographs, size=photographs)
        one, other = (frechet_distance(each[chosen], reference) for each in sets)
        naive.append(one - other)
    values = difference(sets, np.arange(photographs), fit_reference(reference))
    (found,) = resample([mean_of(values)], photographs, seed=7)
    assert abs(np.mean(naive) - value) > 2 * np.std(naive)
    assert found.interval.low < value < found.interval.high
    middle = (found.interval.low + found.interval.high) / 2
    assert abs(middle - value) < 0.2 * (found.interval.high - found.interval.low)
