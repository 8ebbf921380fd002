"""Restored faces over time: steadier where nothing moves, untouched where something does."""

import cv2
import numpy as np
import pytest
from portrait_stand_ins import EllipseParser, face_at
from skimage import data

from zoo.portrait.restore.batch import Attempt
from zoo.portrait.restore.crop import Prepared
from zoo.video.smoothing import FaceSmoother

SIZE = 128


def as_levels(image):
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def crop():
    face = data.astronaut()[20:220, 130:330]
    return cv2.resize(face, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def smoothed(crops, restored, *, tracks=None, smooth=True):
    """Return the smoothed faces, and the smoother."""
    smoother, results = FaceSmoother(smooth=smooth), []
    for number, (crop, face) in enumerate(zip(crops, restored, strict=True)):
        smoother.begin([0 if tracks is None else tracks[number]])
        prepared = Prepared(
            0, face_at(64, 64, 60), None, crop, EllipseParser().parse(crop), None, None
        )
        results.append(smoother([prepared], [Attempt(face, "")])[0].restored)
    return np.stack(results), smoother


def noisy(image, sigma, seed):
    return as_levels(image + np.random.default_rng(seed).normal(0, sigma, image.shape))


def test_noise_of_the_restorer_flickers_a_sixth_as_much_over_a_still_crop(crop):
    restored = [noisy(crop * 0.8 + 20, 4, seed) for seed in range(40)]
    results, smoother = smoothed([crop] * 40, restored)
    # Mean |difference| of two normals of sigma 4: 4 · 2 / sqrt(pi)
    assert smoother.before.levels == pytest.approx(8 / np.sqrt(np.pi), rel=0.03)
    # An autoregressive mean of weight .8 has 0.149 of it, and rounding adds to that.
    assert smoother.after.levels < 0.2 * smoother.before.levels
    error = (results[20:] - (crop * 0.8 + 20)).std()
    assert error < 0.45 * 4


def test_noise_of_the_clip_flickers_less_too(crop):
    """A restorer that leaves a part of the noise in, and nothing of it is taken for movement."""
    crops = [noisy(crop, 10, seed) for seed in range(40)]
    restored = [cv2.GaussianBlur(one, (0, 0), 1) for one in crops]
    _, smoother = smoothed(crops, restored)
    assert smoother.after.levels < 0.35 * smoother.before.levels


def test_a_restorer_that_takes_all_noise_away_does_not_flicker(crop):
    """The mean is that of the restored faces, not of their changes: it brings no noise back."""
    crops = [noisy(crop, 10, seed) for seed in range(20)]
    results, smoother = smoothed(crops, [crop] * 20)
    assert smoother.before.levels < 0.3 and smoother.after.levels < 0.3
    assert np.abs(results[-1].astype(int) - crop).max() <= 1


def test_what_moves_is_as_restored_frame_by_frame(crop):
    """An eye that closes: dark where it was light, from one frame to the next."""
    crops = [crop.copy() for _ in range(20)]
    for one in crops[10:]:
        one[60:72, 35:60] = 40
    restored = [as_levels(one * 0.9 + 10) for one in crops]
    results, _ = smoothed(crops, restored)
    difference = np.abs(results.astype(int) - restored)
    assert difference[:, 62:70, 37:58].max() <= 1
    assert difference.max() <= 12  # at its edge, where the blur of the difference is half as large


@pytest.mark.parametrize("speed", [0.25, 0.5, 1.0, 3.0])
def test_a_face_that_slides_through_its_crop_has_no_ghost(crop, speed, psnr):
    wide = data.astronaut()[:, 100:]
    crops = []
    for number in range(20):
        shift = np.float32([[1, 0, -speed * number], [0, 1, 0]])
        crops.append(cv2.warpAffine(wide, shift, (SIZE, SIZE), flags=cv2.INTER_CUBIC))
    restored = [as_levels(one * 1.1 - 10) for one in crops]
    results, _ = smoothed(crops, restored)
    assert min(psnr(a, b) for a, b in zip(results, restored, strict=True)) > 36.5


def test_a_light_that_changes_is_followed_at_once(crop):
    crops = [as_levels(crop * (1 - 0.02 * number)) for number in range(15)]
    restored = [as_levels(one * 0.9 + 10) for one in crops]
    results, _ = smoothed(crops, restored)
    bias = (results.astype(float) - restored)[:, 30:100, 30:100].mean(axis=(1, 2, 3))
    assert np.abs(bias).max() < 1.0


def test_another_track_begins_with_its_own_face(crop):
    other = as_levels(255.0 - crop)
    results, smoother = smoothed([crop] * 4, [crop, crop, other, other], tracks=[0, 0, 1, 1])
    np.testing.assert_array_equal(results, [crop, crop, other, other])
    assert smoother.before.levels == 0.0


def test_without_smoothing_faces_pass_and_are_measured(crop):
    restored = [noisy(crop, 4, seed) for seed in range(5)]
    results, smoother = smoothed([crop] * 5, restored, smooth=False)
    np.testing.assert_array_equal(results, restored)
    assert smoother.before.levels == smoother.after.levels > 4


def test_crops_that_change_their_size_are_carried_over(crop):
    smaller = cv2.resize(crop, (120, 120), interpolation=cv2.INTER_AREA)
    smoother = FaceSmoother()
    for image in (crop, smaller, crop):
        smoother.begin([0])
        prepared = Prepared(
            0, face_at(64, 64, 60), None, image, EllipseParser().parse(image), None, None
        )
        result = smoother([prepared], [Attempt(image, "")])[0].restored
        assert result.shape == image.shape
        assert np.abs(result.astype(int) - image).mean() < 3


def test_a_face_that_failed_passes_and_is_forgotten(crop):
    smoother = FaceSmoother()
    prepared = Prepared(0, face_at(64, 64, 60), None, crop, EllipseParser().parse(crop), None, None)
    for attempt in (Attempt(crop, ""), Attempt(None, "no"), Attempt(255 - crop, "")):
        smoother.begin([0])
        assert smoother([prepared], [attempt]) == [attempt]
    assert smoother.before.levels is None
