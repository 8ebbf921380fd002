import cv2
import numpy as np
import pytest
from portrait_stand_ins import EllipseParser, FixedDetector, Restorer, crop_of, face_at

from zoo.portrait.composite.feathering import face_region, feathered, tone_shift
from zoo.portrait.parse.parsing import LABELS
from zoo.portrait.pipeline import restore_photo
from zoo.portrait.restore.crop import core_points

SHIFT = np.array([20.0, 12.0, 4.0])
"""12 levels on average, and another hue."""
WIDTHS = (60, 80, 100, 150, 200, 300, 450, 600)


def shifted(crop):
    return np.clip(crop + SHIFT, 0, 255).astype(np.uint8)


def shifted_inside(crop):
    region = face_region(EllipseParser().parse(crop).probabilities)
    return np.where(region[..., None] >= 0.5, shifted(crop), crop)


def measure(width, size, restore):
    """Return the steepest gradient in levels a pixel, the least share of the shift between the
    eyes and the mouth, and what the record says."""
    side = int(2.2 * width)
    noise = np.random.default_rng(0).normal(120, 20, (side, side, 3)).clip(60, 190)
    photo = noise.astype(np.uint16) * 257  # 16 bits: the gradient is not that of rounding
    face = face_at(side / 2 + 0.3, side / 2 - 0.3, width, angle=0.2)
    composite, (record,) = restore_photo(
        photo,
        Restorer(restore, size),
        detector=FixedDetector(face),
        parser=EllipseParser(),
        identity_threshold=None,
    )
    change = (composite.astype(float) - photo) / 257
    slopes = np.gradient(change, axis=(0, 1))
    alignment = crop_of(face, size)
    inverse = np.linalg.inv(alignment.matrix[:, :2])
    corners = (core_points("ffhq", size) - alignment.matrix[:, 2]) @ inverse.T
    between = np.zeros((side, side), np.uint8)
    cv2.fillConvexPoly(between, cv2.convexHull(np.rint(corners).astype(np.int32)), 1)
    return np.hypot(*slopes).max(), (change[between > 0] / SHIFT).min(), record.reason


@pytest.mark.parametrize("size", [128, 512])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_shift_of_tone_fades_by_a_level_a_pixel_and_is_whole_from_eyes_to_mouth(width, size):
    steepest, least, reason = measure(width, size, shifted)
    assert steepest <= 1.0
    assert least >= 0.95
    assert "too small" not in reason


@pytest.mark.parametrize("size", [128, 512])
@pytest.mark.parametrize("width", WIDTHS)
def test_so_does_one_that_ends_at_the_contour_or_the_record_says_by_how_much_not(width, size):
    steepest, least, reason = measure(width, size, shifted_inside)
    assert least >= 0.95
    assert steepest <= 1.0 if width >= 150 else steepest <= 140 / width
    assert ("too small for a soft seam" in reason) == (steepest > 1.0)


@pytest.mark.parametrize("size", [64, 128, 256, 512])
@pytest.mark.parametrize("levels", [0.0, 1.0, 12.0, 60.0])
def test_the_weight_is_0_at_the_border_and_never_steeper_than_its_width_allows(size, levels):
    region = np.zeros((size, size), np.float32)
    region[size // 4 :, size // 5 : -size // 5] = 1  # corners, and out over the lower border
    change = np.full((size, size, 3), levels, np.float32)
    feather = feathered(region, change, core_points("ffhq", size), scale=1.0)
    weight = feather.weight
    assert weight.dtype == np.float32 and weight.min() >= 0 and weight.max() <= 1
    for edge in (weight[:2], weight[-2:], weight[:, :2], weight[:, -2:]):
        assert (edge == 0).all()
    slope = np.hypot(*np.gradient(weight)).max()
    assert slope <= 1 / (0.9 * feather.width) + 1e-6


def test_a_greater_shift_of_tone_gets_a_wider_feather_in_photo_pixels():
    region = face_region(EllipseParser().parse(np.zeros((256, 256, 3), np.uint8)).probabilities)

    def width(levels, scale):
        change = np.full((256, 256, 3), levels, np.float32)
        return feathered(region, change, core_points("ffhq", 256), scale).width

    assert width(3, 1.0) < width(6, 1.0) < width(12, 1.0)
    assert width(12, 1.0) == pytest.approx(width(12, 2.0), rel=1e-3)
    assert width(12, 1.0) == pytest.approx(12 / 0.9 / 0.95, rel=0.02)


def test_detail_is_no_shift_of_tone():
    where = np.zeros((128, 128), bool)
    where[20:-20] = True
    detail = np.zeros((128, 128, 3), np.float32)
    detail[:, ::2], detail[:, 1::2] = 30.0, -30.0
    assert tone_shift(detail[:, 20:-20], where[:, 20:-20], 6.0) < 3
    assert tone_shift(detail + 9, where, 6.0) == pytest.approx(9, abs=3)
    assert tone_shift(detail, np.zeros_like(where), 6.0) == 0.0


def test_hidden_hair_or_empty_masks_are_no_crash():
    change = np.full((64, 64, 3), 9, np.float32)
    empty = feathered(np.zeros((64, 64), np.float32), change, core_points("ffhq", 64), 1.0)
    assert not empty.weight.any()
    full = feathered(np.ones((64, 64), np.float32), change, core_points("ffhq", 64), 1.0)
    assert full.weight[32, 32] > 0.9999 and (full.weight[0] == 0).all()


def test_the_face_is_skin_brows_eyes_glasses_nose_mouth_and_lips_and_hair_if_asked():
    one_hot = np.eye(19, dtype=np.float32).reshape(19, 19, 1)
    named = {LABELS[n] for n in np.flatnonzero(face_region(one_hot))}
    assert named == {
        "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip",
    }  # fmt: skip
    with_hair = {LABELS[n] for n in np.flatnonzero(face_region(one_hot, hair=True))}
    assert with_hair == named | {"hair"}
