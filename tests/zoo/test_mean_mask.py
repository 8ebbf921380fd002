import numpy as np
import pytest

from zoo.labels import LABELS, label_index
from zoo.mean_mask import (
    draw_template,
    template_mask,
    template_matrix,
)
from zoo.templates import TEMPLATES, template_points

ABSENT = ("eye_g", "hat", "ear_r", "neck_l")


def at(mask, point):
    x, y = np.rint(point).astype(int)
    return LABELS[int(mask[:, y, x].argmax())]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("size", [1, 7, 64, 128, 256, 300, 512])
def test_probabilities_of_every_size_sum_to_one(template, size):
    mask = template_mask(template, size)
    assert mask.shape == (19, size, size)
    assert mask.dtype == np.float32
    assert mask.min() >= 0
    np.testing.assert_allclose(mask.sum(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("size", [128, 512])
def test_eyes_nose_and_lips_lie_at_the_templates_landmarks(template, size):
    mask = template_mask(template, size)
    corners = template_points(template, "dlib5", size)
    five = template_points(template, "eyes-nose-mouth", size)
    assert at(mask, corners[2:4].mean(axis=0)) == "l_eye"
    assert at(mask, corners[:2].mean(axis=0)) == "r_eye"
    assert at(mask, five[2]) == "nose"
    mouth = five[3:].mean(axis=0)
    lips = mask[[label_index(name) for name in ("u_lip", "l_lip", "mouth")]].sum(axis=0)
    assert lips[round(mouth[1]) + size // 100, round(mouth[0])] > 0.7


def test_the_mean_face_is_its_own_mirror_image():
    mask = template_mask("ffhq", 256)
    order = [name.replace("l_", "?_", 1).replace("r_", "l_", 1).replace("?_", "r_", 1)
             if name[2:] in ("eye", "brow", "ear") else name for name in LABELS]  # fmt: skip
    mirrored = mask[[label_index(name) for name in order]][:, :, ::-1]
    assert np.abs(mirrored - mask).max() < 0.05
    assert np.abs(mirrored - mask).mean() < 2e-4


def test_left_is_the_images_left():
    mask = template_mask("ffhq", 256)
    columns = np.arange(256)
    for name in ("eye", "brow", "ear"):
        left, right = (
            float((mask[label_index(f"{side}_{name}")].sum(axis=0) @ columns)
                  / mask[label_index(f"{side}_{name}")].sum())
            for side in "lr"
        )  # fmt: skip
        assert left < 128 < right


def test_what_most_faces_lack_is_nowhere():
    mask = template_mask("ffhq", 128)
    assert not mask[[label_index(name) for name in ABSENT]].any()


def test_all_other_regions_but_a_mouth_that_may_be_shut_are_somewhere_most_likely():
    mask = template_mask("ffhq", 256)
    seen = {LABELS[label] for label in np.unique(mask.argmax(axis=0))}
    assert seen - {"mouth"} == set(LABELS) - set(ABSENT) - {"mouth"}
    assert 0.3 < mask[label_index("mouth")].max() < 0.7


def test_borders_are_soft():
    skin = template_mask("ffhq", 256)[label_index("skin")]
    column = skin[200:250, 128]
    assert ((column > 0.05) & (column < 0.95)).sum() >= 8


def test_the_tight_mask_is_the_ffhq_mask_seen_closer():
    """Independent of the drawing: warps one by OpenCV and compares."""
    import cv2

    wide = template_matrix("ffhq", 256)
    tight = template_matrix("tight", 256)
    turn = np.linalg.inv(np.vstack((wide, (0, 0, 1))))
    warp = (np.vstack((tight, (0, 0, 1))) @ turn)[:2]
    mask = template_mask("ffhq", 256)
    for name in ("skin", "nose", "hair"):
        seen = cv2.warpAffine(
            mask[label_index(name)], warp, (256, 256), borderMode=cv2.BORDER_REPLICATE
        )
        assert np.abs(seen - template_mask("tight", 256)[label_index(name)]).mean() < 0.01


def test_a_larger_mask_is_not_shifted_against_a_smaller_one():
    large, small = template_mask("ffhq", 512), template_mask("ffhq", 128)
    halved = large.reshape(19, 128, 4, 128, 4).mean(axis=(2, 4))
    rows = np.arange(128)
    for name in ("l_eye", "nose", "l_lip"):
        centres = [float(m[label_index(name)].sum(axis=1) @ rows / m[label_index(name)].sum())
                   for m in (halved, small)]  # fmt: skip
        assert abs(centres[0] - centres[1]) < 0.1


def test_regions_that_are_left_out_hide_nothing():
    bare = draw_template(template_matrix("ffhq", 128), 128, ("hair", "neck"))
    assert bare[label_index("hair"), 64, 64] > 0.8
    np.testing.assert_allclose(bare.sum(axis=0), 1, atol=1e-5)
