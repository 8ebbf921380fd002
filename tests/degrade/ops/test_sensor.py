import numpy as np
import pytest
from scipy import stats

from degrade.ops import OPERATIONS
from degrade.ops.noise.sensor import count_tables, counts_of_levels
from degrade.random import PIXELS, StreamKey

STREAM = np.array(StreamKey(7, 99, 0).words(3, PIXELS), np.uint32)
SHAPE = (3, 400, 500)


def noise(name, planes, **parameters):
    return OPERATIONS[name].load()(planes, STREAM, **parameters)


def counts(level, means, number):
    tables = count_tables(np.asarray(means, np.float64))
    out = np.empty(number, np.float32)
    return counts_of_levels(np.full(number, level, np.float32), STREAM, 0, *tables, out)


@pytest.mark.parametrize("mean", [0.01, 0.7, 3.2, 40.0, 255.5, 9000.0])
def test_counts_follow_the_poisson_law(mean):
    actual = counts(9, np.full(256, mean), 200_000)
    low, high = stats.poisson.ppf([1e-3, 1 - 1e-3], mean).astype(int)
    edges = np.unique(np.linspace(low, high + 1, 40).astype(int))
    law = stats.poisson.cdf(edges - 1, mean)
    shares = np.diff([0, *law, 1])
    observed = np.bincount(np.searchsorted(edges, actual, side="right"), minlength=len(shares))
    likely = shares * actual.size > 5
    expected = shares[likely] * actual.size
    result = stats.chisquare(observed[likely], expected * observed[likely].sum() / expected.sum())
    assert result.pvalue > 1e-4


def test_a_mean_of_zero_counts_nothing():
    assert not counts(3, np.zeros(256), 5000).any()


def test_each_level_has_its_own_mean():
    means = np.arange(256) ** 2 / 100
    tables = count_tables(means)
    levels = np.repeat(np.arange(256, dtype=np.float32), 2000)
    actual = counts_of_levels(levels, STREAM, 0, *tables, np.empty_like(levels))
    actual = actual.reshape(256, -1).mean(axis=1)
    deviations = (actual - means)[1:] / np.sqrt(means[1:] / 2000)
    assert np.abs(deviations).max() < 4.5 and deviations.std() == pytest.approx(1, abs=0.15)


def stripes(*levels):
    planes = np.empty(SHAPE, np.float32)
    planes[:] = np.array(levels, np.float32)[np.arange(SHAPE[2]) % len(levels)]
    return planes


@pytest.mark.parametrize(
    ("levels", "values"),
    [((128,), 1), ((100, 128), 2), ((60, 100, 128), 4), ((10, 20, 128, 140, 150), 8)],
)
def test_poisson_noise_counts_as_many_photons_as_there_are_levels(levels, values):
    planes = stripes(*levels)
    finished = noise("poisson_noise", planes, scale=0.05, per_channel=True)
    change = (finished - planes)[planes == 128]
    # BasicSR: the variance of Poisson(x * values) / values, times scale.
    expected = 0.05 * 255 * np.sqrt(128 / 255 / values)
    assert change.std() == pytest.approx(expected, rel=0.02)
    assert change.mean() == pytest.approx(0, abs=5 * expected / np.sqrt(change.size))


def test_poisson_noise_is_basicsrs_formula_level_by_level():
    planes = np.zeros(SHAPE, np.float32)
    planes[:] = np.arange(SHAPE[1])[:, None] % 256
    finished = noise("poisson_noise", planes, scale=1.0, per_channel=True)
    # What was added is whole counts of 1/256.
    counted = (finished - planes + planes) * 256 / 255
    inside = (finished > 0) & (finished < 255)
    np.testing.assert_allclose(counted[inside], np.round(counted[inside]), atol=2e-3)
    for level in (3, 40, 128, 200):
        actual = finished[planes == level]
        assert actual.mean() == pytest.approx(level, abs=6 * np.sqrt(level / actual.size))
        assert actual.std() == pytest.approx(np.sqrt(level * 255 / 256), rel=0.05)


def test_grey_poisson_noise_is_the_same_on_all_channels():
    planes = np.empty(SHAPE, np.float32)
    planes[0], planes[1], planes[2] = 60, 120, 180
    finished = noise("poisson_noise", planes, scale=0.05, per_channel=False)
    change = finished - planes
    np.testing.assert_allclose(change[0], change[1], atol=1e-4)
    np.testing.assert_allclose(change[0], change[2], atol=1e-4)
    grey = np.rint(0.299 * 60 + 0.587 * 120 + 0.114 * 180)
    assert change[0].std() == pytest.approx(0.05 * 255 * np.sqrt(grey / 255), rel=0.02)


def linear(level):
    c = np.asarray(level, float) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("level", [30, 128, 220])
@pytest.mark.parametrize("gain", [1.0, 8.0])
def test_a_sensor_has_shot_and_read_noise_of_its_photons(level, gain):
    planes = np.full(SHAPE, level, np.float32)
    finished = noise(
        "sensor_noise", planes, photons=20000.0, read_sigma=5.0, gain=gain, linear_light=False
    )
    electrons = level / 255 * 20000 / gain
    expected = np.sqrt(electrons + 25) * gain / 20000 * 255
    assert finished.std() == pytest.approx(expected, rel=0.01)
    assert finished.mean() == pytest.approx(level, abs=6 * expected / np.sqrt(finished.size))


@pytest.mark.parametrize("level", [40, 128, 220])
def test_a_sensor_counts_in_linear_light(level):
    planes = np.full(SHAPE, level, np.float32)
    finished = noise(
        "sensor_noise", planes, photons=20000.0, read_sigma=5.0, gain=2.0, linear_light=True
    )
    light = linear(finished)
    electrons = linear(level) * 10000
    assert light.std() == pytest.approx(np.sqrt(electrons + 25) / 10000, rel=0.01)
    assert light.mean() == pytest.approx(linear(level), rel=2e-3)


def test_a_sensor_without_noise_gives_the_picture_back():
    planes = np.zeros(SHAPE, np.float32)
    planes[:] = np.arange(SHAPE[1])[:, None] % 256
    finished = noise(
        "sensor_noise", planes, photons=1e5, read_sigma=0.0, gain=1.0, linear_light=True
    )
    rows = finished.mean(axis=(0, 2))
    assert np.abs(rows - np.arange(SHAPE[1]) % 256).max() < 0.5


def test_read_noise_and_shot_noise_are_independent():
    planes = np.full(SHAPE, 128, np.float32)
    base = {"photons": 1e4, "gain": 1.0, "linear_light": False}
    shot = noise("sensor_noise", planes, read_sigma=0.0, **base)
    both = noise("sensor_noise", planes, read_sigma=70.0, **base)
    read = (both - shot).reshape(-1)
    assert abs(np.corrcoef(read, shot.reshape(-1))[0, 1]) < 0.007
    assert read.std() == pytest.approx(70 / 1e4 * 255, rel=0.01)
