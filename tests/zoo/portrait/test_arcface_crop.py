import numpy as np
import pytest

from degrade.errors import ImageError
from zoo.portrait.align.alignment import align
from zoo.portrait.align.arcface_crop import arcface_alignment, arcface_box, arcface_crop
from zoo.templates import template_points

# insightface's template of 112 pixels, as published.
ARCFACE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
     [70.7299, 92.2041]]
)  # fmt: skip


def test_the_box_in_ffhqs_crop_is_that_of_a_free_similarity():
    """FFHQ-512 to ArcFace-112, turning allowed: scale .29209, shift -18.93, -17.86."""
    points = template_points("ffhq", "eyes-nose-mouth", 512)
    rows = [[x, -y, 1, 0] for x, y in points] + [[y, x, 0, 1] for x, y in points]
    solved = np.linalg.lstsq(np.array(rows), ARCFACE.T.ravel(), rcond=None)[0]
    assert solved == pytest.approx([0.29209, 0, -18.930, -17.860], abs=2e-3)
    found = arcface_alignment("ffhq", 512)
    assert found.scale == pytest.approx(solved[0], abs=1e-5)
    assert found.matrix[:, 2] == pytest.approx(solved[2:], abs=0.02)
    assert np.degrees(np.arctan2(solved[1], solved[0])) == pytest.approx(0, abs=0.1)
    left, top, right, bottom = (512 * edge for edge in arcface_box("ffhq"))
    # The reference counts from 0 to 112 where pixels reach from -0.5 to 111.5.
    assert [left, top, right, bottom] == pytest.approx([64.8, 61.2, 448.2, 444.7], abs=1.5)


def test_the_box_scales_with_the_crop_and_sees_the_same_in_both_templates():
    for size in (64, 128, 256, 1024):
        found = arcface_alignment("tight", size)
        points = template_points("tight", "eyes-nose-mouth", size)
        moved = points @ found.matrix[:, :2].T + found.matrix[:, 2]
        assert np.linalg.norm(moved - ARCFACE, axis=1).max() < 2.5
        assert found.residual == pytest.approx(arcface_alignment("ffhq", 512).residual)
    whole = np.array(arcface_box("ffhq")).reshape(2, 2)
    np.testing.assert_allclose(
        (whole - (0.5, 0.606)) * 1.6 + 0.5, np.array(arcface_box("tight")).reshape(2, 2), atol=1e-9
    )


def test_a_mark_at_each_landmark_lands_near_arcfaces_point():
    image = np.zeros((512, 512, 3), np.uint8)
    for x, y in template_points("ffhq", "eyes-nose-mouth", 512):
        image[round(y) - 3 : round(y) + 4, round(x) - 3 : round(x) + 4] = 255
    crop = arcface_crop(image, "ffhq")[..., 0]
    assert crop.shape == (112, 112) and crop.dtype == np.float32
    for x, y in ARCFACE:
        window = crop[round(y) - 5 : round(y) + 6, round(x) - 5 : round(x) + 6]
        assert window.max() > 100
    assert crop.sum() == pytest.approx(5 * 49 * 255 * 0.29209**2, rel=0.05)


def test_a_face_aligned_from_a_photo_and_cut_again_is_one_cut():
    """Both templates' crops of one photo show the same to an ArcFace network."""
    from scipy.ndimage import gaussian_filter

    from zoo.portrait.align.warping import extract

    rng = np.random.default_rng(5)
    photo = gaussian_filter(rng.uniform(0, 255, (600, 600, 3)), (12, 12, 0))
    photo = ((photo - photo.min()) / np.ptp(photo) * 255).astype(np.uint8)
    points = template_points("ffhq", "eyes-nose-mouth", 400) + 100
    crops = []
    for template in ("ffhq", "tight"):
        aligned = extract(photo, align(points, "eyes-nose-mouth", 512, template))
        crops.append(arcface_crop(np.clip(aligned.round(), 0, 255).astype(np.uint8), template))
    # Below the part that the tight crop has to guess.
    apart = np.abs(crops[0] - crops[1])[36:, 14:-14]
    assert apart.mean() < 1.0


def test_an_unknown_template_is_refused():
    with pytest.raises(ImageError, match="loose"):
        arcface_alignment("loose", 128)
