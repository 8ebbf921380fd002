import math

import numpy as np
import pytest
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

from bench.metrics.entry import Status
from bench.metrics.metric import Sample
from bench.metrics.pixel.planes import RGB, Y_FULL, Y_LIMITED, Protocol
from bench.metrics.registry import load_metric


@pytest.fixture
def noisy_pair():
    hq = data.astronaut()[:120, :90]
    noise = np.random.default_rng(3).normal(0, 12, hq.shape)
    return np.clip(hq + noise, 0, 255).astype(np.uint8), hq


def measure(name, restored, hq):
    return load_metric(name).measure(Sample(restored), Sample(hq))


def test_a_constant_error_of_one_level_is_48_13_decibels():
    hq = np.full((9, 7, 3), 100, np.uint8)
    assert measure("psnr", hq + 1, hq).value == pytest.approx(20 * math.log10(255))


def test_the_difference_of_0_and_255_does_not_wrap_around():
    black, white = (
        np.zeros((2, 5, 5, 3), np.uint8) + np.array([0, 255], np.uint8)[:, None, None, None]
    )
    assert measure("psnr", black, white).value == 0.0
    assert measure("psnr", white, black).value == 0.0


def test_identical_images_have_infinite_psnr():
    hq = data.astronaut()[:20, :20]
    assert measure("psnr", hq, hq.copy()).value == math.inf


def test_rgb_psnr_agrees_with_scikit_image(noisy_pair):
    expected = peak_signal_noise_ratio(noisy_pair[1], noisy_pair[0])
    assert measure("psnr", *noisy_pair).value == pytest.approx(expected, abs=1e-9)


def test_cropping_looks_only_at_the_inside(noisy_pair):
    restored, hq = noisy_pair
    expected = peak_signal_noise_ratio(hq[4:-4, 4:-4], restored[4:-4, 4:-4])
    assert measure("psnr_crop4", restored, hq).value == pytest.approx(expected, abs=1e-9)


def test_limited_luma_is_a_constant_above_full_range(noisy_pair):
    gap = measure("psnr_y_limited", *noisy_pair).value - measure("psnr_y", *noisy_pair).value
    assert gap == pytest.approx(20 * math.log10(255 / 219), abs=1e-9)


def test_lumas_of_black_and_white_are_the_ends_of_their_ranges():
    ends = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    full, _ = Protocol(Y_FULL).planes(ends, ends)
    limited, _ = Protocol(Y_LIMITED).planes(ends, ends)
    np.testing.assert_allclose(full.ravel(), [0, 255], atol=1e-9)
    np.testing.assert_allclose(limited.ravel(), [16, 235], atol=1e-9)


def test_matching_removes_a_gain_and_an_offset_of_a_channel():
    hq = data.astronaut()[:64, :64]
    shifted = np.rint(hq * 0.8 + 20).astype(np.uint8)
    plain, matched = (measure(name, shifted, hq).value for name in ("psnr", "psnr_vqfr"))
    assert matched > plain + 20


def test_a_flat_restored_channel_is_matched_without_dividing_by_zero():
    hq = data.astronaut()[:32, :32]
    flat = np.full_like(hq, 7)
    planes, truth = Protocol(RGB, matched=True).planes(flat, hq)
    np.testing.assert_allclose(planes[0, 0], truth.mean(axis=(0, 1)))


def test_images_of_different_size_are_an_error_not_a_value():
    measured = measure("psnr", np.zeros((4, 5, 3), np.uint8), np.zeros((5, 4, 3), np.uint8))
    assert (measured.value, measured.status) == (None, Status.ERROR)
    assert "4 x 5" in measured.detail
    assert "5 x 4" in measured.detail


def test_an_image_the_crop_eats_up_is_an_error():
    tiny = np.zeros((8, 8, 3), np.uint8)
    assert measure("psnr_crop4", tiny, tiny).status is Status.ERROR
    assert measure("psnr", tiny[:1, :1], tiny[:1, :1]).value == math.inf
