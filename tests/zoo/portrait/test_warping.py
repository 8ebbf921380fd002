import numpy as np
import pytest
from portrait_stand_ins import similarity, smooth_photo
from scipy import ndimage

from zoo.portrait.align.alignment import align
from zoo.portrait.align.warping import Window, extract, footprint, paste
from zoo.templates import template_points

SCALES = (0.25, 0.5, 1.0, 1.7, 4.0)
ANGLES = (0.0, 0.3, np.pi / 2, 2.5, -1.1)


def soft_dot(shape, x, y, sigma):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2)).astype(np.float32)


def centroid(levels):
    rows, columns = np.mgrid[: levels.shape[0], : levels.shape[1]]
    total = levels.sum()
    return np.array([(levels * columns).sum(), (levels * rows).sum()]) / total


def test_the_identity_alignment_copies_the_photo():
    photo = smooth_photo(40, 40)
    crop = extract(photo, similarity(1.0, 0.0, (0.0, 0.0), 40))
    np.testing.assert_array_equal(crop, photo)


def test_a_quarter_turn_is_numpys():
    photo = smooth_photo(32, 32)
    crop = extract(photo, similarity(1.0, np.pi / 2, (31.0, 0.0), 32))
    np.testing.assert_allclose(crop, np.rot90(photo, -1), atol=1e-3)


def test_a_crop_beyond_the_border_continues_the_photo_mirrored():
    photo = smooth_photo(20, 20)
    crop = extract(photo, similarity(1.0, 0.0, (30.0, 30.0), 80))
    np.testing.assert_array_equal(crop, np.pad(photo, ((30, 30), (30, 30), (0, 0)), "symmetric"))


def test_between_pixels_it_is_scipys_spline_on_smooth_pictures():
    photo = ndimage.gaussian_filter(smooth_photo(60, 60).astype(np.float32), (2, 2, 0))
    alignment = similarity(1.3, 0.4, (-8.3, -20.1), 48)
    crop = extract(photo, alignment)
    back = np.linalg.inv(alignment.matrix[:, :2])
    y, x = np.mgrid[:48, :48]
    places = np.einsum("ij,jyx->iyx", back, np.stack([x, y]) - alignment.matrix[:, 2, None, None])
    for channel in range(3):
        spline = ndimage.map_coordinates(photo[..., channel], places[::-1], order=3, mode="reflect")
        np.testing.assert_allclose(crop[..., channel], spline, atol=0.3)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("angle", ANGLES)
def test_a_dot_of_the_photo_is_in_the_crop_where_the_matrix_says(scale, angle):
    size = 96
    middle = np.array([0.37, -0.21]) * scale + size / 2
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    photo = soft_dot((301, 303), 150.3, 148.8, 2 / min(scale, 1))[..., None]
    alignment = similarity(scale, angle, middle - turn @ (150.3, 148.8), size)
    np.testing.assert_allclose(centroid(extract(photo, alignment)[..., 0]), middle, atol=0.02)


def test_a_checkerboard_that_shrinks_becomes_grey_and_not_another_pattern():
    board = (np.indices((256, 256)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None]
    for scale in (0.5, 0.37, 0.25, 0.11):
        crop = extract(board, similarity(scale, 0.2, (60 * scale, 0.0), 24))
        assert np.abs(crop[4:-4, 4:-4] - 127.5).max() < 6


def test_a_change_that_shrinks_on_its_way_back_becomes_its_mean():
    change = np.zeros((256, 256, 3), np.float32)
    change[::2] = 20.0
    alignment = similarity(4.0, 0.0, (0.0, 0.0), 256)
    seen, _ = paste(change, np.ones((256, 256), np.float32), alignment, Window(8, 8, 56, 56))
    assert np.abs(seen - 10.0).max() < 0.5


def test_the_way_there_and_back_does_not_shift_by_half_a_pixel():
    """facexlib/utils/face_restoration_helper.py L294 adds .5·s where .5·s - .5 is meant."""
    for size in (128, 256, 512):
        landmarks = template_points("ffhq", "dlib5", 256)
        alignment = align(landmarks, "dlib5", size)
        dot = soft_dot((256, 256), 128.0, 120.0, 4)
        crop = extract(dot[..., None], alignment)
        change = np.repeat(crop, 3, axis=2)
        back, _ = paste(change, crop[..., 0], alignment, Window(0, 0, 256, 256))
        np.testing.assert_allclose(centroid(back[..., 0]), (128.0, 120.0), atol=0.005)


def test_a_second_paste_does_not_shift_again():
    """facexlib's paste edits the inverse matrix in place."""
    alignment = similarity(0.7, 0.2, (3.0, 5.0), 64)
    matrix = alignment.matrix.copy()
    change = smooth_photo(64, 64).astype(np.float32)
    window = footprint(alignment, (120, 90))
    first = paste(change, change[..., 0] / 255, alignment, window)
    second = paste(change, change[..., 0] / 255, alignment, window)
    np.testing.assert_array_equal(alignment.matrix, matrix)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_rows_of_a_window_are_those_of_the_whole():
    alignment = similarity(0.7, 0.2, (3.0, 5.0), 64)
    change = smooth_photo(64, 64).astype(np.float32)
    window = footprint(alignment, (120, 90))
    whole, _ = paste(change, change[..., 0] / 255, alignment, window)
    rows, _ = paste(change, change[..., 0] / 255, alignment, window.rows(30, 41))
    np.testing.assert_allclose(rows, whole[30 - window.top : 41 - window.top], atol=1e-4)


def test_nothing_is_pasted_where_the_crop_is_not():
    alignment = similarity(1.0, 0.5, (0.0, 0.0), 32)
    ones = np.ones((32, 32, 3), np.float32)
    window = footprint(alignment, (200, 200))
    assert max(window.size) < 60
    _, weight = paste(ones, ones[..., 0], alignment, Window(0, 0, 200, 200))
    covered = np.argwhere(weight > 0)
    assert (covered.min(axis=0) >= (window.top, window.left)).all()
    assert (covered.max(axis=0) < (window.bottom, window.right)).all()
    y, x = np.mgrid[:200, :200]
    u, v = np.einsum("ij,jyx->iyx", alignment.matrix, np.stack([x, y, np.ones_like(x)]))
    outside = (u < -0.5) | (u > 31.5) | (v < -0.5) | (v > 31.5)
    assert (weight[outside] == 0).all()
    assert (weight[~outside] > 0.9).all()


@pytest.mark.parametrize("shift", [(500.0, 0.0), (0.0, -500.0)])
def test_a_crop_outside_the_photo_touches_nothing(shift):
    assert 0 in footprint(similarity(1.0, 0.0, shift, 64), (100, 100)).size


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1)])
def test_photos_of_a_single_row_or_column_can_be_cropped(dtype, shape):
    photo = np.full((*shape, 3), 77, dtype)
    crop = extract(photo, similarity(0.3, 0.2, (1.0, 1.0), 20))
    np.testing.assert_allclose(crop, 77, rtol=1e-6)
