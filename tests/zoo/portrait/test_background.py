"""The classical cleaning of a whole photo: what it gains, what it leaves, and no tile shows."""

import cv2
import numpy as np
import pytest

from degrade.images import read_image
from zoo.portrait.background.clean import clean_background
from zoo.portrait.background.quality import coded_noise, find_damage
from zoo.portrait.background.shrinkage import has_impulses, mend
from zoo.restorers.tiles import Tiling


def _struck(image, share, seed=3):
    """Set a share of the values to 0 or 255, half each."""
    struck = np.random.default_rng(seed).random(image.shape)
    return np.where(struck < share / 2, 0, np.where(struck < share, 255, image)).astype(np.uint8)


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_a_sharp_photograph_changes_little(photographs, psnr, name):
    photo = photographs[name]
    assert psnr(clean_background(photo), photo) >= 38.0


def test_twenty_portraits_change_little(psnr, shared):
    files = sorted(shared("faces/congress").glob("*.jpg"))[:20]
    photos = [read_image(file) for file in files]
    assert min(psnr(clean_background(photo), photo) for photo in photos) >= 38.0


@pytest.mark.parametrize("sigma", [5, 25])
def test_noise_is_taken_off_better_than_by_non_local_means(photographs, psnr, add_noise, sigma):
    photo = photographs["coffee"]
    noisy = add_noise(photo, sigma)
    rival = cv2.fastNlMeansDenoising(noisy, None, float(sigma), 3, 13)
    assert psnr(clean_background(noisy), photo) > psnr(noisy, photo) + 3.0
    if sigma > 5:  # some of faint noise is left on purpose
        assert psnr(clean_background(noisy), photo) > psnr(rival, photo)


def test_noise_that_grows_with_brightness_is_known_as_such(photographs, psnr):
    photo = photographs["coffee"]
    photons = 100.0
    counts = np.random.default_rng(5).poisson(photo / 255.0 * photons)
    noisy = np.clip(np.rint(counts * 255.0 / photons), 0, 255).astype(np.uint8)
    variance = find_damage(noisy).variance
    # Of the brightness plane in levels of it: the shot noise of each channel, 255 / photons.
    assert variance.slope[0] == pytest.approx(255.0 / photons, rel=0.4)
    assert psnr(clean_background(noisy), photo) > psnr(noisy, photo) + 5.0


@pytest.mark.parametrize("quality", [15, 40, 70])
def test_jpeg_artefacts_are_weakened(photographs, psnr, compress, quality):
    photo = photographs["astronaut"]
    coded = compress(photo, quality)
    assert find_damage(coded).jpeg.quality == pytest.approx(quality, abs=1)
    assert psnr(clean_background(coded), photo) > psnr(coded, photo) + 0.25


@pytest.mark.parametrize("sigma", [0.9, 1.5, 2.5])
def test_a_blur_is_undone_without_halos(photographs, psnr, sigma):
    photo = photographs["astronaut"]
    blurred = cv2.GaussianBlur(photo, (0, 0), sigma)
    clean = clean_background(blurred)
    assert psnr(clean, photo) > psnr(blurred, photo) + 1.0
    window = np.ones((15, 15), np.uint8)
    highest, lowest = cv2.dilate(photo, window), cv2.erode(photo, window)
    beyond = np.maximum(clean.astype(int) - highest, lowest.astype(int) - clean)
    assert np.percentile(beyond, 99.9) <= 12


def test_dead_pixels_are_mended_and_stars_are_not(photographs, psnr, add_noise):
    photo = photographs["chelsea"]
    struck = _struck(photo, 0.01)
    assert psnr(clean_background(struck), photo) > psnr(struck, photo) + 8.0
    sky = add_noise(np.full((128, 128, 3), 12, np.uint8), 2)
    sky[5::31, 5::29] = 255
    assert not has_impulses(sky)
    assert clean_background(sky)[5::31, 5::29].min() > 220


def test_mending_touches_dead_pixels_alone(photographs):
    photo = photographs["astronaut"]
    struck = _struck(photo, 0.005)
    changed = mend(struck) != struck
    assert changed.any()
    assert np.isin(struck[changed], (0, 255)).all()


def test_strong_noise_that_clips_is_not_taken_for_dead_pixels(photographs, add_noise):
    assert not has_impulses(add_noise(photographs["rocket"], 30))


def test_noise_and_jpeg_from_before_an_enlargement_are_cleaned_at_the_old_size(
    photographs, psnr, add_noise, compress
):
    photo = photographs["coffee"]
    small = add_noise(cv2.resize(photo, (161, 161), interpolation=cv2.INTER_AREA), 12)
    large = cv2.resize(small, (256, 256), interpolation=cv2.INTER_LINEAR)
    assert psnr(clean_background(large), photo) > psnr(large, photo) + 1.5


def test_noise_that_jpeg_left_is_told_from_texture(photographs, psnr, add_noise, compress):
    photo = photographs["coffee"]
    grain = np.random.default_rng(4).normal(0, 12, (*photo.shape[:2], 1))
    noisy = compress(np.clip(np.rint(photo + grain), 0, 255).astype(np.uint8), 80)
    assert coded_noise(noisy) == pytest.approx(12, rel=0.15)
    assert psnr(clean_background(noisy), photo) > psnr(noisy, photo) + 3.0
    for name in photographs:
        assert coded_noise(compress(photographs[name], 80)) < 1.0


def test_colour_is_kept_while_noise_goes(photographs, add_noise):
    photo = photographs["coffee"].clip(40, 215)  # nothing clips
    clean = clean_background(add_noise(photo, 15))
    shift = clean.mean(axis=(0, 1)) - photo.mean(axis=(0, 1))
    assert np.abs(shift).max() < 0.3


def test_no_tile_shows(photographs, add_noise):
    photo = add_noise(cv2.GaussianBlur(photographs["astronaut"], (0, 0), 1.3), 4)
    whole = clean_background(photo, tiling=Tiling(side=256, margin=64))
    tiled = clean_background(photo, tiling=Tiling(side=80, margin=64, feather=32))
    apart = np.abs(whole.astype(int) - tiled)
    assert np.mean(apart <= 1) >= 0.999
    assert apart.max() <= 2


def test_threads_change_no_byte(photographs, add_noise):
    photo = add_noise(photographs["rocket"], 8)
    one, two = (clean_background(photo, tiling=Tiling(64, 48, 16, threads=n)) for n in (1, 2))
    assert np.array_equal(one, two)


def test_strength_blends_from_the_photo_exactly(photographs, add_noise):
    photo = add_noise(photographs["rocket"], 15)
    kept = photo.copy()
    whole = clean_background(photo).astype(float)
    half = clean_background(photo, strength=0.5)
    assert np.array_equal(clean_background(photo, strength=0.0), photo)
    assert np.abs(half - (photo + whole) / 2).max() <= 1.0
    assert np.array_equal(photo, kept)


def test_every_tile_is_told(photographs, add_noise):
    told = []
    clean_background(
        add_noise(photographs["rocket"], 9),
        tiling=Tiling(side=128, margin=48, feather=16),
        on_progress=lambda done, whole: told.append((done, whole)),
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (7, 9), (17, 33), (25, 300)])
def test_photos_of_any_size_come_back_at_their_size(size):
    photo = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    clean = clean_background(photo)
    assert clean.shape == photo.shape
    assert clean.dtype == np.uint8


def test_a_constant_photo_comes_back_as_it_is():
    photo = np.full((90, 70, 3), 131, np.uint8)
    assert np.array_equal(clean_background(photo), photo)


def test_a_strength_out_of_range_is_refused(photographs):
    with pytest.raises(ValueError, match="from 0 to 1"):
        clean_background(photographs["rocket"], strength=1.5)
