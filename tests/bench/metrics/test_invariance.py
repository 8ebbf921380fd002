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
STAND_INS = UnavailableMetric
ALIKE = ("ms_ssim", "ssim_", "psnr_")


def picture(right):
    return data.astronaut()[10:202, 120 + right : 312 + right]


def blurred(image, sigma):
    return np.rint(gaussian_filter(image.astype(float), (sigma, sigma, 0))).astype(np.uint8)


PAIRS = [(blurred(picture(right), sigma), picture(right)) for right, sigma in ((0, 1), (9, 2))]


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
        *(each for each in loaded if not isinstance(each, STAND_INS)),
        load_metric("ms_ssim"),
        Dists(entry_of("dists"), DistsNetwork(random_vgg(), heads)),
        Niqe(entry_of("niqe"), Protocol(Y_LIMITED, rounded=True), pristine),
    ]


def values(metric, pairs, samples):
    """Measure in this order; equal pixels share a sample where ``samples`` is a mapping."""

    def sample(image):
        return Sample(image) if samples is None else samples.setdefault(image.tobytes(), None)

    found = []
    for restored, hq in pairs:
        one, other = sample(restored), sample(hq)
        if isinstance(metric, SetMetric):
            found.append(np.asarray(metric.describe(one), float))
        else:
            assert isinstance(metric, PairMetric)
            measured = metric.measure(one, other)
            assert measured.status is Status.OK, measured
            found.append(np.array([measured.value]))
    return found


class Shared(dict):
    """A sample for each image, made when it is first asked for."""

    def setdefault(self, key, _):
        if key not in self:
            image = next(i for pair in PAIRS for i in pair if i.tobytes() == key)
            self[key] = Sample(image)
        return self[key]


def test_order_and_what_was_computed_already_change_no_value(metrics):
    shared = Shared()
    for metric in metrics:
        alone = [values(metric, [pair], None)[0] for pair in PAIRS]
        backwards = values(metric, PAIRS[::-1], None)[::-1]
        kept = values(metric, [*PAIRS, *PAIRS], shared)
        for expected, other, first, second in zip(
            alone, backwards, kept[:2], kept[2:], strict=True
        ):
            for found in (other, first, second):
                np.testing.assert_allclose(
                    found, expected, rtol=TOLERANCE, atol=1e-12, err_msg=metric.name
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


@pytest.mark.slow
def test_two_processes_find_what_one_finds(tmp_path):
    import csv

    from bench.runner.run import run
    from bench.suite.suite import Suite
    from degrade.images import write_png

    for place in range(3):
        write_png(tmp_path / "faces" / f"{place}.png", picture(7 * place))
    names = ("psnr", "ssim", "ms_ssim", "perceptual_efficientnet", "identity_dlib_strict")
    suite = Suite(
        "x", (str(tmp_path / "faces"),), ("gfpgan",), ("bilateral",), (*names, "fd_efficientnet")
    )
    found = []
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        assert run(suite, folder, threads=1, workers=workers).failed == 0
        with (folder / "rows.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["metric"] != "seconds"]
        found.append([float(row["value"]) for row in rows])
    assert len(found[0]) == 2 * (3 * len(names) + 1)
    np.testing.assert_allclose(found[1], found[0], rtol=TOLERANCE)
