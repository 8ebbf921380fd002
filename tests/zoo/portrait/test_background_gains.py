"""What cleaning the background gains on twenty degraded photographs, family by family."""

import math

import cv2
import numpy as np
import pytest

import degrade
from bench.metrics.metric import Sample
from bench.metrics.perceptual.feature_distance import load_perceptual
from degrade.images import read_image
from zoo.portrait.background.clean import clean_background

pytestmark = pytest.mark.slow

_COUNT = 20
_STUDENT = 2.093
"""97.5 % point of Student's t with 19 degrees of freedom."""


@pytest.fixture(scope="module")
def twenty(photographs, shared):
    portraits = sorted(shared("faces/congress").glob("*.jpg"))
    files = portraits[_COUNT : 2 * _COUNT - len(photographs)]
    return [*photographs.values(), *(read_image(file)[40:296, 40:296] for file in files)]


@pytest.fixture(scope="module")
def judge():
    metric = load_perceptual()
    return lambda image, hq: metric.measure(Sample(image), Sample(hq)).value


@pytest.fixture
def degraded(twenty, add_noise, compress):
    """Return a function from a family's name to the twenty photographs, degraded."""
    levels = {"noise": (3, 6, 10, 15, 25), "jpeg": (15, 30, 50, 70, 90)}
    levels["blur"] = (0.8, 1.2, 1.7, 2.5, 4.0)

    def one(family, number, photo):
        if family not in levels:
            recipe = degrade.load_recipe(family)
            plan = degrade.plan(recipe, seed=7, image_id=f"{number}.png", size=photo.shape[:2])
            return degrade.apply(plan, photo)
        level = levels[family][number % 5]
        if family == "blur":
            return cv2.GaussianBlur(photo, (0, 0), level)
        return add_noise(photo, level, number) if family == "noise" else compress(photo, level)

    return lambda family: [one(family, n, photo.copy()) for n, photo in enumerate(twenty)]


@pytest.mark.parametrize("family", ["noise", "jpeg", "blur", "kuaishou", "gfpgan"])
def test_cleaning_gains_in_error_and_in_perceptual_distance(twenty, degraded, judge, psnr, family):
    gains, nearer = [], []
    for photo, lq in zip(twenty, degraded(family), strict=True):
        clean = clean_background(lq)
        gains.append(psnr(clean, photo) - psnr(lq, photo))
        nearer.append(judge(lq, photo) - judge(clean, photo))
    assert min(gains) > -0.3
    for values in (gains, nearer):
        assert np.mean(values) > 0.0
        if family != "gfpgan":  # whose heavy blurs no filter undoes
            assert np.mean(values) > _STUDENT * np.std(values, ddof=1) / math.sqrt(_COUNT)
