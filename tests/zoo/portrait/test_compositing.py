import itertools

import numpy as np
import pytest
from portrait_stand_ins import crop_of, face_at, similarity, smooth_photo

from zoo.portrait.align.warping import extract, footprint
from zoo.portrait.composite.compositing import Patch, composite

SIZE = 128


def patch(alignment, change, *, nearness=1.0, weight=None):
    size = alignment.size
    changes = np.broadcast_to(np.asarray(change, np.float32), (size, size, 3)).copy()
    if weight is None:
        edge = np.minimum(np.arange(size), np.arange(size)[::-1])
        weight = np.clip(np.minimum.outer(edge, edge) / 10 - 0.5, 0, 1)
    return Patch(changes, np.float32(weight), alignment, nearness)


def dots(size, sigma):
    """Return nine soft dots in the middle of a crop, and their places (x, y)."""
    places = [size * (0.35 + 0.15 * n) + 0.13 * n for n in range(3)]
    rows, columns = np.mgrid[:size, :size]
    change, centres = np.zeros((size, size), np.float32), []
    for x, y in itertools.product(places, places):
        change += np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
        centres.append((x, y))
    return change, np.array(centres)


def centroids(levels, expected, reach):
    rows, columns = np.mgrid[: levels.shape[0], : levels.shape[1]]
    found = []
    for x, y in expected:
        near = levels * (np.hypot(columns - x, rows - y) < reach)
        found.append(np.array([(near * columns).sum(), (near * rows).sum()]) / near.sum())
    return np.array(found)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_nothing_changed_is_the_photo_to_the_bit_at_any_scale_and_angle(dtype):
    photo = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (150, 170, 3), dtype, True)
    for scale, angle in itertools.product((0.25, 0.6, 1.0, 4.0), (0.0, 0.4, 2.0, np.pi)):
        still = patch(similarity(scale, angle, (40.0, 30.0), SIZE), 0.0)
        np.testing.assert_array_equal(composite(photo, [still]), photo)


@pytest.mark.parametrize("scale", [0.25, 0.5, 1.0, 2.0, 4.0])
def test_each_of_nine_dots_lies_within_a_twentieth_of_a_pixel_of_its_computed_place(scale):
    """20 sub-pixel offsets and angles a scale; ``scale`` is photo pixels per crop pixel."""
    generator = np.random.default_rng(3)
    size = 256 if scale < 1 else SIZE
    dot, places = dots(size, sigma=4.0 if scale < 1 else 2.0)
    change = 90 * dot[..., None] * np.ones(3, np.float32)
    side = int(size * scale * 0.7)
    worst = 0.0
    for angle, offset in zip(
        generator.uniform(-np.pi, np.pi, 20), generator.uniform(-0.5, 0.5, (20, 2)), strict=True
    ):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale
        shift = size / 2 - turn @ (np.array([side / 2, side / 2]) + offset)
        alignment = similarity(1 / scale, angle, shift, size)
        photo = np.full((side, side, 3), 100, np.uint8)
        seen = composite(photo, [patch(alignment, change)])[..., 0].astype(float) - 100
        computed = (places - alignment.matrix[:, 2]) @ np.linalg.inv(turn).T
        reach = 0.07 * size * scale
        worst = max(worst, np.abs(centroids(seen, computed, reach) - computed).max())
    assert worst < 0.05


def test_of_two_overlapping_faces_the_larger_is_nearer_in_whatever_order_they_come():
    photo = smooth_photo(200, 220)
    faces = [
        patch(crop_of(face_at(80, 100, 60), SIZE), (40, 0, 0), nearness=60),
        patch(crop_of(face_at(120, 100, 75), SIZE), (0, 40, 0), nearness=75),
        patch(crop_of(face_at(110, 120, 50), SIZE), (0, 0, 40), nearness=50),
        patch(crop_of(face_at(70, 90, 60), SIZE), (0, -40, 0), nearness=60),
    ]
    first = composite(photo, faces)
    for order in itertools.permutations(faces):
        np.testing.assert_array_equal(composite(photo, order), first)
    np.testing.assert_array_equal(first[100, 120].astype(int) - photo[100, 120], (0, 40, 0))


def test_a_near_face_that_was_left_alone_is_not_painted_over_by_a_far_one():
    photo = smooth_photo(200, 220)
    alone = patch(crop_of(face_at(110, 100, 80), SIZE), 0.0, nearness=80)
    far = patch(crop_of(face_at(80, 100, 60), SIZE), (40, 40, 40), nearness=60)
    seen = composite(photo, [alone, far])
    np.testing.assert_array_equal(seen[100, 110], photo[100, 110])
    assert (seen != photo).any()


@pytest.mark.parametrize("x, y", [(0, 0), (219, 199), (-20, 100), (110, 230)])
def test_faces_partly_outside_the_photo_change_the_part_inside(x, y):
    photo = smooth_photo(200, 220)
    face = patch(crop_of(face_at(x, y, 60), SIZE), (30, 30, 30))
    seen = composite(photo, [face])
    assert seen.shape == photo.shape
    changed = np.argwhere((seen != photo).any(axis=2))
    assert len(changed) > 500
    assert np.hypot(*(changed - (y, x)).T).max() < 60 / 0.54


def test_a_face_outside_the_photo_changes_nothing():
    photo = smooth_photo(100, 100)
    np.testing.assert_array_equal(
        composite(photo, [patch(crop_of(face_at(400, 400, 60), SIZE), 30)]), photo
    )


def test_a_face_larger_than_the_photo_changes_all_of_it():
    photo = smooth_photo(64, 80)
    face = patch(crop_of(face_at(40, 32, 300), SIZE), (10, 20, 30))
    np.testing.assert_array_equal(composite(photo, [face]), photo + np.uint8([10, 20, 30]))


@pytest.mark.parametrize("height, width", [(90, 400), (700, 90)])
def test_photos_that_are_not_square_are_changed_where_the_face_is(height, width):
    """facexlib L201 swaps height and width when it pads, L327 gives cv2.resize (h, w)."""
    photo = smooth_photo(height, width)
    x, y = width * 0.75, height * 0.75
    change = np.zeros((SIZE, SIZE, 3), np.float32)
    change[56:72, 56:72] = 50
    seen = composite(photo, [patch(crop_of(face_at(x, y, 30), SIZE), change)])
    moved = np.abs(seen.astype(float) - photo).sum(axis=2)
    np.testing.assert_allclose(centroids(moved, [(x, y)], 40)[0], (x, y), atol=0.5)


def test_black_restored_pixels_are_pasted_like_any_others():
    """PSFRGAN pastes where the restored crop is not 0, so black counts as outside."""
    photo = np.full((100, 100, 3), 60, np.uint8)
    alignment = crop_of(face_at(50, 50, 40), SIZE)
    black = patch(alignment, -extract(photo, alignment))
    np.testing.assert_array_equal(composite(photo, [black])[50, 50], (0, 0, 0))


def test_alpha_stays_and_grey_takes_the_luma_of_the_change():
    photo = smooth_photo(100, 100)
    alpha = np.random.default_rng(1).integers(0, 256, (100, 100, 1), np.uint8)
    face = patch(crop_of(face_at(50, 50, 40), SIZE), (30, 10, 50))
    rgb = composite(photo, [face])
    rgba = composite(np.dstack((photo, alpha)), [face])
    np.testing.assert_array_equal(rgba[..., :3], rgb)
    np.testing.assert_array_equal(rgba[..., 3:], alpha)
    grey = photo[..., 0]
    seen = composite(grey, [face])
    assert seen[50, 50] - grey[50, 50] == round(0.299 * 30 + 0.587 * 10 + 0.114 * 50)
    np.testing.assert_array_equal(composite(grey[..., None], [face])[..., 0], seen)
    both = composite(np.dstack((grey, alpha[..., 0])), [face])
    np.testing.assert_array_equal(both, np.dstack((seen, alpha[..., 0])))


def test_sixteen_bits_are_told_by_the_type_and_take_fractions_of_levels():
    """facexlib L114 takes a photo for 16 bits when its largest value is above 256."""
    dark = np.full((100, 100, 3), 200, np.uint16)  # all below 256, still 16 bits
    face = patch(crop_of(face_at(50, 50, 40), SIZE), 0.5)
    assert (composite(dark, [face])[50, 50] == round(200 + 0.5 * 257)).all()


def test_levels_are_clipped_and_never_wrap():
    face = patch(crop_of(face_at(50, 50, 40), SIZE), (90, -90, 0))
    for dtype in (np.uint8, np.uint16):
        unit = np.iinfo(dtype).max // 255
        photo = np.full((100, 100, 3), 40 * unit, dtype)
        photo[..., 0] = 220 * unit
        centre = composite(photo, [face])[50, 50] // unit
        np.testing.assert_array_equal(centre, (255, 0, 40))


def test_a_background_shows_beside_the_face_and_not_on_it():
    photo = smooth_photo(300, 120)
    cleaned = photo + np.uint8(7)
    face = patch(crop_of(face_at(60, 150, 50), SIZE), (20, 20, 20))
    seen = composite(photo, [face], cleaned).astype(int) - photo
    assert (seen[150, 60] == 20).all() and (seen[:20] == 7).all() and (seen[-20:] == 7).all()
    deep = composite(photo.astype(np.uint16) * 257, [face], cleaned)
    np.testing.assert_allclose(deep / 257 - photo, seen, atol=0.51)


def test_faces_that_came_from_the_background_get_its_change_and_theirs_on_top():
    photo = smooth_photo(300, 120)
    cleaned = photo + np.uint8(7)
    face = patch(crop_of(face_at(60, 150, 50), SIZE), (20, 20, 20))
    still = patch(crop_of(face_at(60, 150, 50), SIZE), (0, 0, 0))
    seen = composite(photo, [face], cleaned, on_background=True).astype(int) - photo
    assert (seen[150, 60] == 27).all() and (seen[:20] == 7).all()
    np.testing.assert_array_equal(composite(photo, [still], cleaned, on_background=True), cleaned)


def test_where_strips_of_rows_meet_nothing_shows():
    photo = smooth_photo(700, 100)
    face = patch(crop_of(face_at(50, 256, 60), SIZE), (20, 20, 20))
    moved = patch(crop_of(face_at(50, 156, 60), SIZE), (20, 20, 20))
    low = composite(photo, [face]).astype(int) - photo
    high = composite(photo, [moved]).astype(int) - photo
    np.testing.assert_allclose(low[100:], high[:-100], atol=1)
    assert footprint(face.alignment, (700, 100)).top < 256 < low.any(axis=(1, 2)).nonzero()[0][-1]


def test_the_input_is_not_written_to():
    photo = smooth_photo(100, 100)
    photo.setflags(write=False)
    composite(photo, [patch(crop_of(face_at(50, 50, 40), SIZE), 9)], photo)
