import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data
from skimage.io import imread

from bench.metrics.entry import Status
from bench.metrics.metric import Sample
from bench.metrics.pixel.ms_ssim import MS_SSIM_PROTOCOLS
from bench.metrics.registry import load_metric

NAMES = tuple(row[0].name for row in MS_SSIM_PROTOCOLS)
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def pair(height, width):
    hq = data.astronaut()[:height, 60 : 60 + width].astype(float)
    noise = np.random.default_rng(0).normal(0, 12, hq.shape)
    restored = gaussian_filter(hq, (1.2, 1.2, 0)) + noise
    return Sample(np.clip(restored, 0, 255).astype(np.uint8)), Sample(hq.astype(np.uint8))


def levels(sample):
    return torch.from_numpy(sample.image.copy()).permute(2, 0, 1)[None].double()


def value(name, restored, hq):
    return load_metric(name).measure(restored, hq).value


def written_out(restored, hq):
    """pytorch_msssim's protocol from its documentation, by dense convolution in torch."""
    offsets = torch.arange(11.0, dtype=torch.float64) - 5
    line = torch.exp(-(offsets**2) / (2 * 1.5**2))
    line /= line.sum()
    window = torch.outer(line, line)[None, None]
    x, y = (levels(each)[0][:, None] for each in (restored, hq))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    product = 1.0
    for scale, weight in enumerate(WEIGHTS):
        mean = [torch.nn.functional.conv2d(each, window) for each in (x, y)]
        of_xx, of_yy, of_xy = (
            torch.nn.functional.conv2d(each, window) for each in (x * x, y * y, x * y)
        )
        spread = of_xx - mean[0] ** 2 + of_yy - mean[1] ** 2
        factor = (2 * (of_xy - mean[0] * mean[1]) + c2) / (spread + c2)
        if scale == 4:
            factor *= (2 * mean[0] * mean[1] + c1) / (mean[0] ** 2 + mean[1] ** 2 + c1)
        product = product * factor.mean((1, 2, 3)).relu() ** weight
        odd = [side % 2 for side in x.shape[2:]]
        x, y = (torch.nn.functional.avg_pool2d(each, 2, padding=odd) for each in (x, y))
    return float(product.mean())


@pytest.mark.parametrize("size", [(176, 192), (177, 201), (219, 183)])
def test_it_is_the_mean_over_channels_of_five_scales(size):
    images = pair(*size)
    assert value("ms_ssim", *images) == pytest.approx(written_out(*images), rel=1e-9)


@pytest.mark.parametrize("size", [(176, 192), (203, 189)])
def test_the_torchmetrics_protocol_is_torchmetrics(size):
    functional = pytest.importorskip("torchmetrics.functional.image")
    images = pair(*size)
    expected = functional.multiscale_structural_similarity_index_measure(
        *(levels(each) for each in images), data_range=255.0
    )
    assert value("ms_ssim_torchmetrics", *images) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("size", [(176, 192), (203, 189)])
def test_the_luma_protocol_is_pyiqas(size):
    ssim_arch = pytest.importorskip("pyiqa.archs.ssim_arch")
    images = pair(*size)
    expected = ssim_arch.MS_SSIM()(*(levels(each) / 255 for each in images))
    name = "ms_ssim_y_rounded_clamped"
    assert value(name, *images) == pytest.approx(float(expected), rel=1e-4)


def test_the_three_protocols_are_three():
    images = pair(203, 189)
    assert len({round(value(name, *images), 4) for name in NAMES}) == 3


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_wholly_like_itself_and_less_like_its_negative(name):
    image = data.astronaut()[:180, :180]
    same, other = Sample(image), Sample(255 - image)
    assert value(name, same, Sample(image.copy())) == pytest.approx(1, abs=1e-12)
    assert value(name, other, same) < 0.3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("size", "status"), [((175, 400), Status.ERROR), ((176, 176), Status.OK)])
def test_176_pixels_are_the_least(name, size, status):
    grey = Sample(np.full((*size, 3), 90, np.uint8))
    measured = load_metric(name).measure(grey, grey)
    assert measured.status is status
    if status is Status.ERROR:
        assert "at least 176 x 176" in measured.detail


def test_luma_values_are_pyiqas_published_ones_to_a_tenth_of_a_thousandth(shared):
    folder = shared("calibration")
    published = {"I03": 0.6707, "I04": 0.9996, "I06": 0.9998, "I08": 0.9567, "I19": 0.8418}
    for name, expected in published.items():
        images = [
            Sample(np.ascontiguousarray(imread(folder / kind / f"{name}.bmp")[..., :3]))
            for kind in ("dist", "ref")
        ]
        found = value("ms_ssim_y_rounded_clamped", *images)
        assert found == pytest.approx(expected, abs=1.5e-4)
