import cv2
import numpy as np
import PIL.Image
import pytest

from degrade.fit.interpolation import INTERPOLATIONS, interpolation, misfit, shorten
from degrade.ops.size.resize import FILTERS, resample_table

SIZES = [(77, 256), (150, 256), (50, 410), (128, 256), (9, 32)]


@pytest.mark.parametrize(("small", "large"), SIZES)
@pytest.mark.parametrize("name", ["linear", "cubic"])
def test_the_map_is_the_engines_and_opencvs(small, large, name):
    ours = interpolation(small, large, name).toarray()
    indices, weights = resample_table(FILTERS.index(name), small, large, False)
    engines = np.zeros((large, small))
    np.add.at(engines, (np.arange(large)[:, None], indices), weights)
    assert np.abs(ours - engines).max() < 1e-6
    code = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}[name]
    opencvs = cv2.resize(np.eye(small), (small, large), interpolation=code)
    assert np.abs(ours - opencvs).max() < 1e-5


def test_the_cubic_of_one_half_is_pillows_away_from_the_border():
    line = np.random.default_rng(0).normal(size=60).astype(np.float32)
    large = np.array(
        PIL.Image.fromarray(line[None]).resize((200, 1), PIL.Image.Resampling.BICUBIC)
    )[0]
    ours = interpolation(60, 200, "cubic-half") @ line
    assert np.abs(ours - large)[10:-10].max() < 1e-5


@pytest.mark.parametrize(("small", "large"), SIZES)
@pytest.mark.parametrize("name", INTERPOLATIONS)
def test_shortening_is_least_squares_and_undoes_the_enlargement(small, large, name):
    random = np.random.default_rng(3)
    matrix = interpolation(small, large, name)
    before = random.normal(size=(small, 5))
    assert np.abs(shorten(matrix @ before, small, name) - before).max() < 1e-6
    lines = random.normal(size=(large, 5))
    expected, *_ = np.linalg.lstsq(matrix.toarray(), lines, rcond=None)
    assert np.abs(shorten(lines, small, name) - expected).max() < 1e-6


@pytest.mark.parametrize("name", INTERPOLATIONS)
def test_the_misfit_is_the_variance_of_noise_added_since(name):
    random = np.random.default_rng(4)
    before = 100 * random.normal(size=(120, 400))
    large = interpolation(120, 300, name) @ before
    assert misfit(large, 120, name) < 1e-4  # of a variance of 10 000
    noisy = large + random.normal(0, 3, large.shape)
    # 400 · 180 free samples: the variance is known to 2 · 9 / sqrt(2 · 72000) = 0.05.
    assert misfit(noisy, 120, name) == pytest.approx(9, abs=0.2)
    assert misfit(noisy, 121, name) > 50
