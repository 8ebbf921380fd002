"""PSNR with an epsilon and SSIM on reduced images, against those who have them."""

import math

import numpy as np
import pytest
import torch
from skimage import data

from bench.metrics.metric import Sample
from bench.metrics.pixel.planes import RGB, Protocol
from bench.metrics.pixel.psnr import EPSILON, psnr
from bench.metrics.registry import load_metric


def pair(size=96, deviation=20.0):
    hq = data.astronaut()[:size, 60 : 60 + size]
    noise = np.random.default_rng(0).normal(0, deviation, hq.shape)
    return Sample(np.clip(hq + noise, 0, 255).astype(np.uint8)), Sample(np.ascontiguousarray(hq))


def tensor(sample):
    return torch.from_numpy(sample.image.copy()).permute(2, 0, 1)[None].double() / 255


@pytest.mark.parametrize(("column", "luma"), [("psnr_eps", False), ("psnr_y_eps", True)])
def test_with_an_epsilon_it_is_pyiqas(column, luma):
    compute = pytest.importorskip("pyiqa.archs.psnr_arch").psnr
    images = pair()
    expected = float(compute(*map(tensor, images), test_y_channel=luma))
    assert load_metric(column).measure(*images).value == pytest.approx(expected, abs=1e-6)


def test_the_epsilon_caps_at_80_and_costs_43_thousandths_at_60():
    flat = np.full((8, 8, 3), 90.0)
    assert psnr(flat, flat, epsilon=EPSILON) == 80.0
    at_60 = 255 / math.sqrt(10**6)
    found = psnr(flat + at_60, flat, epsilon=EPSILON)
    assert 60 - found == pytest.approx(10 * math.log10(1.01), abs=1e-9)
    assert psnr(flat + at_60, flat) == pytest.approx(60, abs=1e-9)


def test_reducing_is_torchs_pooling_and_begins_at_384_pixels():
    draw = np.random.default_rng(1)
    for size, side in (((383, 500), 1), ((385, 386), 2), ((641, 700), 3)):
        images = [draw.integers(0, 256, (*size, 3), dtype=np.uint8) for _ in range(2)]
        for image, found in zip(
            images, Protocol(RGB, reduced=True).planes(images[0], images[1]), strict=True
        ):
            plane = torch.from_numpy(image).permute(2, 0, 1)[None].double()
            expected = torch.nn.functional.avg_pool2d(plane, side)[0].permute(1, 2, 0).numpy()
            np.testing.assert_allclose(found, expected, atol=1e-9)


def test_ssim_of_reduced_images_is_higher_under_noise_and_equal_below_384():
    large, small = pair(400), pair(300)
    piq, plain = load_metric("ssim_piq"), load_metric("ssim")
    assert piq.measure(*large).value > plain.measure(*large).value + 0.05
    assert piq.measure(*small).value == plain.measure(*small).value
    assert piq.signature != plain.signature
