import numpy as np
import pytest
from scipy.signal import convolve2d
from skimage import data
from skimage.metrics import structural_similarity

from bench.metrics.entry import Status
from bench.metrics.metric import Sample
from bench.metrics.pixel.ssim import ssim
from bench.metrics.registry import load_metric


@pytest.fixture
def noisy_pair():
    hq = data.astronaut()[40:140, 100:190]
    noise = np.random.default_rng(5).normal(0, 25, hq.shape)
    return np.clip(hq + noise, 0, 255).astype(np.uint8), hq


def measure(name, restored, hq):
    return load_metric(name).measure(Sample(restored), Sample(hq))


def direct_map(x, y, clamped=False):
    """Eq. 13 of Wang et al. 2004 written out: five full two-dimensional convolutions."""
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None, :] ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def blur(plane):
        return convolve2d(plane, window, mode="valid")

    mean_x, mean_y = blur(x), blur(y)
    variance_x, variance_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    c1, c2 = 6.5025, 58.5225
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    if clamped:
        structure = structure.clip(min=0)
    return (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1) * structure


def test_rgb_ssim_agrees_with_scikit_image_set_to_the_paper(noisy_pair):
    restored, hq = noisy_pair
    _, whole = structural_similarity(
        hq.astype(np.float64),
        restored.astype(np.float64),
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        full=True,
    )
    expected = whole[5:-5, 5:-5].mean()
    assert measure("ssim", restored, hq).value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("clamped", [False, True])
def test_four_blurs_give_the_same_as_the_five_of_the_paper(noisy_pair, clamped):
    restored, hq = (image.astype(np.float64) for image in noisy_pair)
    expected = np.mean([direct_map(restored[..., c], hq[..., c], clamped) for c in range(3)])
    assert ssim(restored, hq, clamped=clamped) == pytest.approx(expected, abs=1e-12)


def test_a_negative_has_negative_structure_that_clamping_hides():
    hq = data.astronaut()[40:140, 100:190]
    assert measure("ssim", 255 - hq, hq).value < measure("ssim_rgb_clamped", 255 - hq, hq).value


def test_identical_images_score_one():
    hq = data.astronaut()[:50, :50]
    assert measure("ssim", hq, hq.copy()).value == pytest.approx(1, abs=1e-12)


def test_two_flat_images_score_by_luminance_alone():
    dark, bright = (
        np.full((2, 16, 16, 3), 0, np.uint8) + np.array([50, 100], np.uint8)[:, None, None, None]
    )
    expected = (2 * 50 * 100 + 6.5025) / (50**2 + 100**2 + 6.5025)
    assert measure("ssim", dark, bright).value == pytest.approx(expected, abs=1e-9)


def test_ssim_is_symmetric(noisy_pair):
    restored, hq = noisy_pair
    there, back = measure("ssim", restored, hq), measure("ssim", hq, restored)
    assert there.value == pytest.approx(back.value, abs=1e-12)


def test_luma_does_not_see_a_colour_cast_that_rgb_sees():
    hq = data.astronaut()[40:140, 100:190]
    cast = hq.astype(np.float64) + np.array([-0.114 * 60, 0, 0.299 * 60])
    cast = np.clip(np.rint(cast), 0, 255).astype(np.uint8)
    assert measure("ssim_y", cast, hq).value > measure("ssim", cast, hq).value


def test_images_smaller_than_the_window_are_an_error():
    small = np.zeros((10, 40, 3), np.uint8)
    measured = measure("ssim", small, small)
    assert (measured.value, measured.status) == (None, Status.ERROR)
    assert "11 x 11" in measured.detail
    just = np.zeros((11, 11, 3), np.uint8)
    assert measure("ssim", just, just).value == pytest.approx(1)
