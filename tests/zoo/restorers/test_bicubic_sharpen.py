import numpy as np
import pytest
from scipy import ndimage

import zoo
from zoo.restorers.classical.bicubic_sharpen import estimate_scale


@pytest.fixture(scope="module")
def restorer():
    return zoo.load("bicubic-sharpen")


def blur(image, sigma):
    wide = ndimage.gaussian_filter(image.astype(np.float64), (sigma, sigma, 0), mode="mirror")
    return np.rint(wide).astype(np.uint8)


def test_it_gains_on_a_mild_blur(restorer, photographs, psnr):
    for name, hq in photographs.items():
        lq = blur(hq, 1.0)
        (restored,) = restorer.restore([lq])
        assert psnr(restored, hq) > psnr(lq, hq) + 0.2, name


def test_it_gains_on_blur_with_noise(restorer, photographs, add_noise, psnr):
    for name, hq in photographs.items():
        lq = add_noise(blur(hq, 2.0), 10)
        (restored,) = restorer.restore([lq])
        assert psnr(restored, hq) > psnr(lq, hq) + 1, name


def test_a_sharp_photograph_keeps_its_resolution_and_is_changed_little(restorer, photographs, psnr):
    for hq in photographs.values():
        assert estimate_scale(hq) < 1.1
        (restored,) = restorer.restore([hq])
        assert psnr(restored, hq) > 33


def test_white_noise_cut_at_a_quarter_cycle_could_shrink_by_two():
    rng = np.random.default_rng(5)
    spectrum = np.fft.rfft2(rng.normal(size=(256, 256)))
    radius = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256)[None])
    plane = np.fft.irfft2(spectrum * (radius < 0.25), (256, 256))
    grey = np.clip(np.rint(128 + 25 * plane / plane.std()), 0, 255).astype(np.uint8)
    image = np.repeat(grey[..., None], 3, axis=2)
    assert estimate_scale(image) == pytest.approx(2.0, rel=0.15)


def test_the_scale_grows_with_the_blur(photographs):
    for hq in photographs.values():
        scales = [estimate_scale(blur(hq, sigma)) for sigma in (0.1, 1, 2, 4)]
        assert scales == sorted(scales)
