import numpy as np
import pytest

from degrade.ops import OPERATIONS
from degrade.ops.noise.gaussian import normal_field
from degrade.random import PIXELS, StreamKey

STREAM = np.array(StreamKey(7, 99, 0).words(3, PIXELS), np.uint32)
SIZES = [(1, 1), (2, 3), (65, 33), (32, 32), (41, 50)]
SHAPE = (3, 700, 800)


def noise(name, planes, **parameters):
    return OPERATIONS[name].load()(planes, STREAM, **parameters)


def image(height, width, low=0, high=255):
    rng = np.random.default_rng(height * 100 + width)
    return rng.uniform(low, high, (3, height, width)).astype(np.float32)


def luma(planes):
    return np.tensordot([0.299, 0.587, 0.114], planes.astype(float), 1)


def chroma(planes):
    blue = np.tensordot([-0.168736, -0.331264, 0.5], planes.astype(float), 1)
    red = np.tensordot([0.5, -0.418688, -0.081312], planes.astype(float), 1)
    return np.stack([blue, red])


@pytest.mark.parametrize("size", SIZES)
def test_speckle_is_the_picture_plus_itself_times_the_normal_field(size):
    planes = image(*size)
    field = normal_field(planes.size, STREAM).reshape(planes.shape)
    expected = np.clip(planes + planes * 0.35 * field.astype(float), 0, 255)
    np.testing.assert_allclose(noise("speckle_noise", planes, sigma=0.35), expected, atol=1e-3)


@pytest.mark.parametrize("level", [20.0, 100.0, 180.0])
def test_speckle_has_a_standard_deviation_in_proportion_to_the_level(level):
    finished = noise("speckle_noise", np.full(SHAPE, level, np.float32), sigma=0.1)
    assert finished.std() == pytest.approx(0.1 * level, rel=0.005)
    assert finished.mean() == pytest.approx(level, rel=0.002)


@pytest.mark.parametrize("size", SIZES)
def test_luma_noise_is_one_normal_field_on_all_channels(size):
    planes = image(*size, 100, 150)
    field = normal_field(planes.size // 3, STREAM).reshape(size)
    finished = noise("luma_noise", planes, sigma=8.0)
    np.testing.assert_allclose(finished - planes, np.repeat(8 * field[None], 3, 0), atol=1e-4)


def test_luma_noise_moves_y_by_sigma():
    planes = np.full(SHAPE, 128, np.float32)
    assert luma(noise("luma_noise", planes, sigma=12.0)).std() == pytest.approx(12, rel=0.01)


def test_luma_noise_keeps_the_colour_also_where_it_clips():
    planes = image(60, 70)
    finished = noise("luma_noise", planes, sigma=60.0)
    assert np.abs(chroma(finished) - chroma(planes)).max() < 1e-3
    assert finished.min() >= 0 and finished.max() <= 255
    assert (finished == 255).any() and (finished == 0).any()


@pytest.mark.parametrize("size", SIZES)
def test_correlated_noise_is_the_field_times_the_factor_numpy_finds(size):
    planes = image(*size, 100, 150)
    a, b, c = 0.7, -0.2, 0.3
    factor = np.linalg.cholesky(np.array([[1, a, b], [a, 1, c], [b, c, 1]]))
    field = normal_field(planes.size, STREAM).reshape(3, -1)
    expected = planes + (6 * factor @ field).reshape(planes.shape)
    finished = noise("correlated_noise", planes, sigma=6.0, red_green=a, red_blue=b, green_blue=c)
    np.testing.assert_allclose(finished, expected, atol=1e-3)


@pytest.mark.parametrize("inputs", [(0.9, 0.5, 0.7), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)])
def test_correlated_noise_has_the_correlations_asked_for(inputs):
    planes = np.full(SHAPE, 128, np.float32)
    a, b, c = inputs
    finished = noise("correlated_noise", planes, sigma=15.0, red_green=a, red_blue=b, green_blue=c)
    actual = np.corrcoef((finished - planes).reshape(3, -1))
    np.testing.assert_allclose(actual[np.triu_indices(3, 1)], inputs, atol=0.006)
    np.testing.assert_allclose(finished.reshape(3, -1).std(axis=1), 15, rtol=0.005)


def test_contradicting_correlations_are_shrunk_together():
    planes = np.full(SHAPE, 128, np.float32)
    finished = noise(
        "correlated_noise", planes, sigma=15.0, red_green=1.0, red_blue=1.0, green_blue=-1.0
    )
    actual = np.corrcoef((finished - planes).reshape(3, -1))
    np.testing.assert_allclose(actual[np.triu_indices(3, 1)], (0.5, 0.5, -0.5), atol=0.006)
