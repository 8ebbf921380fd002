"""Print, dust and fading are taken off where they are certain, and nothing else is touched."""

import cv2
import numpy as np
import pytest
from skimage import data

from degrade.images import read_image
from zoo.portrait.background.clean import clean_background
from zoo.portrait.background.old_print import (
    clean_print,
    correct_colour,
    remove_halftone,
    remove_scratches,
)
from zoo.portrait.background.screen_detection import find_screen

SCALE = 4
"""Printed dots are drawn so many times finer than they are scanned."""


def psnr(image, reference):
    error = np.mean((image.astype(float) - reference) ** 2)
    return 10 * np.log10(255**2 / max(error, 1e-9))


def as_grey(image):
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def printed(grey, period, angle=45.0):
    """Return a scan of the picture printed as black dots on white paper."""
    fine = cv2.resize(grey, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC) / 255.0
    y, x = np.mgrid[: fine.shape[0], : fine.shape[1]] * (2 * np.pi / (SCALE * period))
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    screen = np.cos(x * cos + y * sin) + np.cos(y * cos - x * sin)
    # Thresholds as frequent as each other: the share of white is the level.
    threshold = np.interp(
        screen, np.quantile(screen, np.linspace(0, 1, 257)), np.linspace(0, 1, 257)
    )
    ink = (fine > threshold).astype(np.float32)
    scan = cv2.GaussianBlur(
        cv2.resize(ink, grey.shape[::-1], interpolation=cv2.INTER_AREA), (0, 0), 0.7
    )
    return np.rint(scan * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def face():
    return cv2.resize(data.astronaut()[:256, 96:352], (400, 400), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def dusty():
    """A grey portrait, the same with 150 specks and a scratch, and where these are."""
    rng = np.random.default_rng(3)
    clean = np.repeat(
        cv2.GaussianBlur(as_grey(data.astronaut()), (0, 0), 1.0)[..., None], 3, axis=2
    )
    struck, where = clean.copy(), np.zeros(clean.shape[:2], np.uint8)
    for row, column in rng.integers(5, 507, (150, 2)):
        cv2.circle(where, (int(column), int(row)), 1, 1, -1)
    cv2.line(where, (60, 10), (75, 500), 1, 1)
    struck[where > 0] = 250
    return clean, struck, where > 0


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "rocket", "brick", "grass"])
def test_clean_photographs_come_back_as_they_are(name):
    photo = getattr(data, name)()
    assert np.array_equal(clean_print(photo), photo)


def test_a_jpegs_grid_in_the_colours_is_taken_for_a_faint_screen_and_hardly_changed():
    photo = data.coffee()
    assert psnr(clean_print(photo), photo) > 58.0


def test_sharp_faces_come_back_nearly_as_they_are(shared):
    files = sorted(shared("faces-hq").rglob("*.jpg"))
    photos = [read_image(file) for file in files[:: len(files) // 20]]
    photos = [photo for photo in photos if max(photo.shape) < 1100]
    gains = [psnr(clean_print(photo), photo) for photo in photos]
    assert min(gains) >= 38.0
    assert np.mean(np.array(gains) > 100.0) >= 0.9


@pytest.mark.parametrize(("period", "gain"), [(4.0, 12.0), (5.0, 13.0), (6.3, 13.0), (8.0, 12.0)])
def test_a_print_comes_as_near_to_its_picture_as_any_blur_of_it(face, period, gain):
    grey = as_grey(face)
    scan = printed(grey, period)
    clean = remove_halftone(scan)
    blurred = [cv2.GaussianBlur(scan, (0, 0), period * share) for share in (0.3, 0.35, 0.4, 0.5)]
    assert psnr(clean, grey) > psnr(scan, grey) + gain
    # Dots of 8 pixels are as large as eyes are: the best of the blurs is as good there.
    least = max(psnr(blur, grey) for blur in blurred) - (0.2 if period == 8.0 else 0.0)
    assert psnr(clean, grey) > least


def test_a_grey_print_stays_grey_in_three_channels(face):
    scan = printed(as_grey(face), 5.0)
    clean = remove_halftone(np.repeat(scan[..., None], 3, axis=2))
    assert np.array_equal(clean, np.repeat(remove_halftone(scan)[..., None], 3, axis=2))


def test_dots_of_each_colour_at_their_own_angle_are_taken_off(face):
    angles = (15.0, 75.0, 45.0)
    scan = np.stack([printed(face[..., n], 6.0, angle) for n, angle in enumerate(angles)], axis=2)
    assert psnr(remove_halftone(scan), face) > psnr(scan, face) + 9.0


def test_the_screen_of_a_sine_is_found_at_its_frequency(face):
    y, x = np.mgrid[:400, :400]
    plane = as_grey(face).astype(np.float32) + 12 * np.sin(2 * np.pi * (0.2 * x + 0.13 * y))
    screen = find_screen(plane.astype(np.float32))
    assert screen.frequency == pytest.approx(np.hypot(0.2, 0.13), abs=0.01)
    assert find_screen(as_grey(face).astype(np.float32)) is None


def test_stripes_of_one_part_of_a_photo_stay(face):
    photo = face.copy()
    stripes = 30 * np.sin(2 * np.pi * np.arange(400) / 6)
    photo[260:] = np.clip(photo[260:] + stripes[:, None], 0, 255)
    assert np.array_equal(remove_halftone(photo), photo)


def test_where_nothing_is_printed_a_print_keeps_its_detail(face):
    scan = printed(as_grey(face), 5.0)
    scan[100:300, 100:300] = as_grey(data.coffee())[100:300, 100:300]
    clean = remove_halftone(scan)
    assert psnr(clean[120:280, 120:280], scan[120:280, 120:280]) > 36.0


def test_dust_and_a_scratch_are_filled_from_around(dusty):
    clean, struck, where = dusty
    mended = remove_scratches(struck)
    assert psnr(mended, clean) > psnr(struck, clean) + 6.0
    far = cv2.dilate(where.astype(np.uint8), np.ones((7, 7))) == 0
    assert np.mean(mended[far] != struck[far]) < 1e-3


def test_protected_pixels_keep_their_dust(dusty):
    _, struck, _ = dusty
    protect = np.zeros(struck.shape[:2], bool)
    protect[100:400, 50:300] = True
    mended = remove_scratches(struck, protect)
    assert np.array_equal(mended[protect], struck[protect])
    assert (mended != struck).any()
    with pytest.raises(ValueError, match="protect"):
        remove_scratches(struck, protect[1:])


def test_two_glints_in_eyes_are_no_dust(face):
    photo = cv2.GaussianBlur(face, (0, 0), 1.0)
    for column in (150, 230):
        cv2.circle(photo, (column, 180), 6, (20, 15, 10), -1)
        cv2.circle(photo, (column + 1, 178), 1, (255, 255, 255), -1)
    assert np.array_equal(remove_scratches(photo), photo)


def test_a_faded_print_gets_its_range_back_and_a_full_one_stays():
    photo = data.astronaut()
    faded = np.rint(photo * np.array([0.5, 0.45, 0.35]) + [90, 70, 50]).astype(np.uint8)
    assert psnr(correct_colour(faded), photo) > psnr(faded, photo) + 6.0
    full = photo.copy()
    assert np.array_equal(correct_colour(full), full)


def test_grey_stays_grey_and_sepia_stays_brown():
    grey = as_grey(data.astronaut())
    faded = np.repeat((grey // 2 + 70)[..., None], 3, axis=2)
    corrected = correct_colour(faded)
    assert np.ptp(corrected, axis=2).max() == 0
    assert corrected.std() > 1.3 * faded.std()
    sepia = np.rint(faded * np.array([1.0, 0.88, 0.7])).astype(np.uint8)
    cast = correct_colour(sepia).astype(float).mean(axis=(0, 1))
    assert cast[0] - cast[2] > 0.8 * (sepia[..., 0].mean() - sepia[..., 2].mean())


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (7, 9), (33, 64), (65, 300)])
def test_photos_of_any_size_come_back_at_their_size(size):
    photo = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    for work in (clean_print, correct_colour):
        assert work(photo).shape == photo.shape
        assert work(photo[..., 0]).shape == photo.shape[:2]


def test_a_clean_background_has_no_dots(face):
    scan = np.repeat(printed(as_grey(face), 5.0)[..., None], 3, axis=2)
    clean = clean_background(scan)
    assert psnr(as_grey(clean), as_grey(face)) > psnr(as_grey(scan), as_grey(face)) + 12.0
