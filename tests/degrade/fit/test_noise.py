import numpy as np
import pytest

from degrade.dataset.sources import open_source
from degrade.fit.noise import measure_noise
from degrade.ops.codec.jpeg import round_trip_planes
from degrade.ops.kernels.planes import from_planes, to_planes


def gradient(side=256, low=40.0, high=215.0):
    """A slope from dark to bright, with no texture at all."""
    ramp = np.linspace(low, high, side)
    return np.repeat(np.repeat(ramp[None, :, None], side, 0), 3, 2)


def rounded(levels):
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def noisy(levels, sigma, seed=1, grey=False):
    noise = np.random.default_rng(seed).normal(0, sigma, (*levels.shape[:2], 1 if grey else 3))
    return rounded(levels + noise)


def shot(levels, photons, seed=1):
    counts = np.random.default_rng(seed).poisson(levels / 255.0 * photons)
    return rounded(counts * 255.0 / photons)


def compressed(image, quality):
    return from_planes(round_trip_planes(to_planes(image), quality=quality, subsampling="420"))


@pytest.fixture(scope="module")
def photos():
    """Three photographs that hold smooth places, as portraits do."""
    source = open_source("sample-photos", longest=372)
    return [source.read(key) for key in ("astronaut.png", "chelsea.png", "coffee.png")]


@pytest.mark.parametrize("sigma", [3, 6, 12, 20, 30])
def test_white_noise_without_texture_is_measured_within_three_percent(sigma):
    # From 90 levels on: nothing is clipped at three sigma.
    trace = measure_noise(noisy(gradient(low=100, high=155), sigma))
    assert trace.sigma == pytest.approx(sigma, rel=0.03)
    assert trace.whiteness > 0.9


@pytest.mark.parametrize(("sigma", "share"), [(4, 0.2), (10, 0.1), (25, 0.05)])
def test_white_noise_on_photographs_is_measured_through_their_texture(photos, sigma, share):
    for number, photo in enumerate(photos):
        trace = measure_noise(noisy(photo.astype(float), sigma, seed=number))
        assert trace.sigma == pytest.approx(sigma, rel=share)
        assert trace.dependence < 0.3


@pytest.mark.parametrize("photons", [30, 100, 400])
def test_shot_noise_grows_by_255_over_its_photons_a_level(photons):
    trace = measure_noise(shot(gradient(), photons))
    assert trace.slope == pytest.approx(255.0 / photons, rel=0.1)
    assert trace.dependence > 0.9


def test_the_fitted_line_gives_both_parts_of_mixed_noise():
    levels = gradient(512)
    mixed = shot(levels, 100) + np.random.default_rng(2).normal(0, 12, levels.shape)
    trace = measure_noise(rounded(mixed))
    assert trace.slope == pytest.approx(2.55, rel=0.25)
    assert trace.constant == pytest.approx(144, rel=0.25)


def test_grey_noise_is_told_from_noise_of_each_channel(photos):
    for photo in photos:
        levels = photo.astype(float)
        assert measure_noise(noisy(levels, 10, grey=True)).correlation > 0.8
        assert measure_noise(noisy(levels, 10)).correlation < 0.4


def test_the_variance_in_luma_is_that_of_the_noise_in_luma():
    levels = gradient(low=100, high=155)
    weights = np.array([0.299, 0.587, 0.114])
    for grey in (False, True):
        image = noisy(levels, 8, grey=grey)
        true = np.var((image - levels) @ weights)
        assert measure_noise(image).luma_variance == pytest.approx(true, rel=0.08)


def test_jpeg_clears_fine_noise_and_what_it_leaves_still_rises_with_sigma(photos):
    for photo in photos:
        levels = photo.astype(float)
        images = [compressed(noisy(levels, s), 75) for s in (4, 8, 16, 24)]
        traces = [measure_noise(picture, compressed=True) for picture in images]
        assert all(trace.whiteness < 0.6 for trace in traces[:3])
        assert np.all(np.diff([trace.sigma for trace in traces]) > 1.0)


def test_clipped_places_do_not_hide_noise():
    levels = gradient()
    levels[:128] = 255.0
    assert measure_noise(noisy(levels, 10)).sigma == pytest.approx(10, rel=0.05)


def test_a_flat_picture_has_no_noise_and_a_tiny_one_tells_nothing():
    assert measure_noise(np.full((64, 64, 3), 90, np.uint8)).sigma == pytest.approx(0, abs=1e-6)
    assert measure_noise(noisy(gradient(15), 9)).sigma == 0.0
