"""No value depends on the images before it, on what was computed already, or on a batch."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data

from bench.metrics.entry import Status
from bench.metrics.metric import PairMetric, Sample, SetMetric, UnavailableMetric
from bench.metrics.networks.dists import DistsNetwork
from bench.metrics.no_reference.niqe import Niqe, Pristine
from bench.metrics.perceptual.dists import Dists
from bench.metrics.pixel.planes import Y_LIMITED, Protocol
from bench.metrics.registry import describe_metrics, entry_of, load_metric

TOLERANCE = 1e-6
ALIKE = ("ms_ssim", "ssim_", "psnr_")


def crop(right):
    return data.astronaut()[10:202, 120 + right : 312 + right]


def blurred(image, sigma):
    return np.rint(gaussian_filter(image.astype(float), (sigma, sigma, 0))).astype(np.uint8)


PAIRS = [(blurred(crop(right), sigma), crop(right)) for right, sigma in ((0, 1), (9, 2))]


def random_vgg():
    from torchvision.models import vgg16

    with torch.device("meta"):
        shapes = vgg16(weights=None).state_dict()
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(value.shape, generator=generator)
        * (2 / value[0].numel() if value.ndim == 4 else 0.01) ** 0.5
        for name, value in shapes.items()
        if name.startswith("features.")
    }


@pytest.fixture(scope="module")
def metrics():
    """One of each kind that runs here, and those whose weights are not here on random ones."""
    names = [
        entry.name
        for entry in describe_metrics()
        if entry.available and not any(entry.name.startswith(part) for part in ALIKE)
    ]
    heads = {"alpha": torch.ones(1, 1475, 1, 1), "beta": torch.ones(1, 1475, 1, 1)}
    pristine = Pristine(np.ones(36), np.eye(36))
    loaded = [load_metric(name) for name in names]
    return [
        *(each for each in loaded if not isinstance(each, UnavailableMetric)),
        load_metric("ms_ssim"),
        Dists(entry_of("dists"), DistsNetwork(random_vgg(), heads)),
        Niqe(entry_of("niqe"), Protocol(Y_LIMITED, rounded=True), pristine),
    ]


def values(metric, pairs, sample_of=Sample):
    """Measure pairs in this order, each image through ``sample_of``."""
    results = []
    for restored, hq in pairs:
        one, other = sample_of(restored), sample_of(hq)
        if isinstance(metric, SetMetric):
            results.append(np.asarray(metric.describe(one), float))
        else:
            assert isinstance(metric, PairMetric)
            measured = metric.measure(one, other)
            assert measured.status is Status.OK, measured
            results.append(np.array([measured.value]))
    return results


def test_order_and_what_was_computed_already_change_no_value(metrics):
    shared = {id(image): Sample(image) for pair in PAIRS for image in pair}
    for metric in metrics:
        first, second = values(metric, PAIRS)
        again = values(metric, [*PAIRS[::-1], *PAIRS], lambda image: shared[id(image)])
        np.testing.assert_allclose(
            again, [second, first, first, second], rtol=TOLERANCE, atol=1e-12, err_msg=metric.name
        )


def test_a_batch_of_three_gives_what_each_image_gives():
    heads = {"alpha": torch.ones(1, 1475, 1, 1), "beta": torch.ones(1, 1475, 1, 1)}
    network = DistsNetwork(random_vgg(), heads)
    images = torch.rand(2, 3, 3, 48, 56, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        together = network(*images)
        alone = torch.cat(
            [network(one[None], other[None]) for one, other in zip(*images, strict=True)]
        )
    np.testing.assert_allclose(together.numpy(), alone.numpy(), rtol=TOLERANCE)
