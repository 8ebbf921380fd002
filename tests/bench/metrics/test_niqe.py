import numpy as np
import pytest
import scipy.io
import torch
from scipy.ndimage import gaussian_filter
from skimage import data

from bench.metrics.entry import Status
from bench.metrics.metric import Sample
from bench.metrics.no_reference.niqe import (
    Niqe,
    Pristine,
    block_features,
    distance_from,
    halved,
    load_niqe,
    read_pristine,
)
from bench.metrics.pixel.planes import Y_FULL, Y_LIMITED, Protocol
from bench.metrics.registry import entry_of
from zoo.weights.files import WeightsMissing, WeightsRefused, is_present, known_weights


@pytest.fixture(scope="module")
def pristine():
    """A mean near that of photographs, and a covariance of full rank."""
    draw = np.random.default_rng(0)
    root = draw.normal(0, 0.3, (36, 36))
    return Pristine(draw.uniform(0.3, 1.5, 36), root @ root.T + 0.1 * np.eye(36))


@pytest.fixture(scope="module")
def image():
    """A photograph with grain, so that no region of it is flat."""
    photograph = data.astronaut()[:210, 150:450].astype(float)
    grain = np.random.default_rng(1).normal(0, 4, photograph.shape)
    return np.clip(photograph + grain, 1, 254).astype(np.uint8)


def measured(protocol, pristine, image):
    sample = Sample(image)
    return Niqe(entry_of("niqe"), protocol, pristine).measure(sample, sample)


@pytest.mark.parametrize(("colour", "theirs"), [(Y_FULL, "yiq"), (Y_LIMITED, "ycbcr")])
def test_it_agrees_with_pyiqa(pristine, image, colour, theirs, tmp_path):
    arch = pytest.importorskip("pyiqa.archs.niqe_arch")
    path = tmp_path / "pristine.mat"
    scipy.io.savemat(path, {"mu_prisparam": pristine.mean, "cov_prisparam": pristine.covariance})
    module = arch.NIQE(color_space=theirs, pretrained_model_path=str(path))
    pixels = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].double() / 255
    expected = float(module(pixels))
    # pyiqa's luma is of float32 weights, so a few halves are rounded the other way.
    assert measured(Protocol(colour, rounded=True), pristine, image).value == pytest.approx(
        expected, rel=2e-4
    )


def one_fit(values):
    """Lasmar et al. 2009 by brute force on one block: shape, left and right scale."""
    from scipy.special import gamma

    shapes = np.arange(0.2, 10.001, 0.001)
    table = gamma(2 / shapes) ** 2 / (gamma(1 / shapes) * gamma(3 / shapes))
    left = np.sqrt(np.mean(values[values < 0] ** 2))
    right = np.sqrt(np.mean(values[values > 0] ** 2))
    skew = left / right
    ratio = np.mean(np.abs(values)) ** 2 / np.mean(values**2)
    ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    shape = shapes[np.argmin((table - ratio) ** 2)]
    return shape, *(side * np.sqrt(gamma(1 / shape) / gamma(3 / shape)) for side in (left, right))


def test_features_of_a_block_are_those_of_the_paper_written_out(image):
    from scipy.ndimage import convolve
    from scipy.special import gamma

    luma = image[:96, :192].astype(float).mean(axis=2).round()
    offsets = np.arange(-3, 4)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    mean = convolve(luma, window, mode="nearest")
    deviation = np.sqrt(np.abs(convolve(luma**2, window, mode="nearest") - mean**2))
    block = ((luma - mean) / (deviation + 1))[:, 96:]
    shape, left, right = one_fit(block)
    expected = [shape, (left + right) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        shape, left, right = one_fit(block * np.roll(block, shift, axis=(0, 1)))
        expected += [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
    found = block_features(luma, 96)
    assert found.shape == (2, 36)
    np.testing.assert_allclose(found[1, :18], expected, rtol=1e-7)


def test_halving_is_matlabs_antialiased_bicubic():
    utilities = pytest.importorskip("pyiqa.matlab_utils")
    plane = np.random.default_rng(0).uniform(0, 1, (24, 38))
    theirs = utilities.imresize(torch.from_numpy(plane)[None, None].float(), scale=0.5)
    np.testing.assert_allclose(halved(plane), theirs[0, 0].numpy(), atol=1e-6)


def test_halving_keeps_a_ramp_and_a_constant():
    ramp = np.tile(np.arange(40.0), (20, 1))
    inner = halved(ramp)[:, 2:-2]
    np.testing.assert_allclose(inner, np.tile(np.arange(20) * 2 + 0.5, (10, 1))[:, 2:-2])
    np.testing.assert_allclose(halved(np.full((12, 12), 7.0)), 7.0)


def test_the_distance_under_equal_covariances_is_mahalanobis():
    features = np.random.default_rng(0).normal(0, 1, (400, 36))
    own = np.cov(features, rowvar=False)
    apart = features.mean(0) + np.eye(36)[4]
    expected = np.sqrt(np.linalg.inv(own)[4, 4])
    assert distance_from(features, apart, own) == pytest.approx(expected)


def test_flat_regions_count_on_neither_side_whatever_their_rounding():
    luma = np.full((96, 192), 77.0)
    luma[20:60] += np.random.default_rng(0).integers(-9, 9, (40, 192))
    one, other = block_features(luma, 96), block_features(luma + 1 - 1e-13 - 1, 96)
    np.testing.assert_allclose(one, other, rtol=1e-6)


def test_blur_and_noise_are_further_from_photographs_than_the_photograph(image):
    luma = image[:192, :288].astype(float).mean(axis=2)
    own = block_features(luma, 48)
    model = own.mean(0), np.cov(own, rowvar=False) + 1e-3 * np.eye(36)
    worse = [gaussian_filter(luma, 3), luma + np.random.default_rng(0).normal(0, 40, luma.shape)]
    for plane in worse:
        assert distance_from(block_features(plane, 48), *model) > 2


def test_no_truth_is_read_and_an_image_is_judged_once(pristine, image):
    metric, sample = Niqe(entry_of("niqe"), Protocol(Y_FULL, rounded=True), pristine), Sample(image)
    first = metric.measure(sample, Sample(np.zeros((3, 5, 3), np.uint8)))
    assert first.status is Status.OK
    assert metric.measure(sample, sample) is first


@pytest.mark.parametrize("size", [(95, 400), (191, 191), (96, 191)])
def test_less_than_two_blocks_is_a_status(pristine, size):
    found = measured(Protocol(Y_FULL), pristine, np.zeros((*size, 3), np.uint8))
    assert (found.value, found.status) == (None, Status.ERROR)
    assert "at least 96 x 192" in found.detail


def test_an_image_without_texture_is_a_status(pristine):
    found = measured(Protocol(Y_FULL), pristine, np.full((200, 200, 3), 90, np.uint8))
    assert (found.value, found.status) == (None, Status.ERROR)
    assert "texture" in found.detail


def test_the_published_layout_is_read_and_others_are_refused(pristine, tmp_path):
    whole, cut, other = (tmp_path / f"{name}.npz" for name in ("whole", "cut", "other"))
    np.savez(whole, mu_pris_param=pristine.mean[None], cov_pris_param=pristine.covariance)
    found = read_pristine(whole)
    np.testing.assert_array_equal(found.mean, pristine.mean)
    np.testing.assert_array_equal(found.covariance, pristine.covariance)
    cut.write_bytes(whole.read_bytes()[:300])
    np.savez(other, mu_pris_param=np.array([{}], object), cov_pris_param=pristine.covariance)
    for path in (cut, other):
        with pytest.raises(WeightsRefused, match="pristine"):
            read_pristine(path)


def test_a_missing_file_is_not_fetched(tmp_path, monkeypatch):
    monkeypatch.delenv("RELUME_WEIGHTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("zoo.weights.files.download", pytest.fail)
    with pytest.raises(WeightsMissing, match="zoo fetch niqe"):
        load_niqe(entry_of("niqe"))


@pytest.mark.skipif(
    not is_present(known_weights("niqe")), reason="the pristine statistics are not on this machine"
)
def test_values_on_the_calibration_pairs_are_within_six_thousandths_of_the_authors(shared):
    from skimage.io import imread

    folder = shared("calibration/dist")
    official = {"I03": 15.7536, "I04": 3.6549, "I06": 3.2355, "I08": 3.1840, "I19": 8.6352}
    metric = load_niqe(entry_of("niqe_y_full"))
    assert metric.name == entry_of("niqe_y_full").name
    for name, expected in official.items():
        sample = Sample(np.ascontiguousarray(imread(folder / f"{name}.bmp")[..., :3]))
        assert metric.measure(sample, sample).value == pytest.approx(expected, rel=6e-3)
