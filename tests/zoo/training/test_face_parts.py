"""The boxes of eyes and mouth are where the label map has them, else where the mean face does."""

import numpy as np
import pytest

from zoo.labels import LABELS, UNKNOWN
from zoo.mean_mask import template_mask
from zoo.templates import template_points
from zoo.training.data.packing import part_boxes, template_boxes


@pytest.mark.parametrize("template", ["ffhq", "tight"])
def test_the_mean_faces_boxes_lie_on_its_landmarks(template):
    points = (template_points(template, "eyes-nose-mouth", 512) + 0.5) / 512
    wanted = np.vstack((points[:2], points[3:].mean(axis=0)))
    boxes = template_boxes(template)
    assert np.abs(boxes[:, :2] - wanted).max() < 0.02
    unknown = np.full((64, 64), UNKNOWN, np.uint8)
    assert np.array_equal(part_boxes(unknown, template), boxes)


def test_boxes_of_the_mean_mask_are_nearly_the_mean_faces():
    labels = template_mask("ffhq", 256).argmax(axis=0).astype(np.uint8)
    assert np.abs(part_boxes(labels, "ffhq") - template_boxes("ffhq")).max() < 0.02


def test_a_box_lies_on_the_middle_of_its_region_and_inside_the_crop():
    labels = np.zeros((100, 100), np.uint8)
    labels[30:40, 20:30] = LABELS.index("l_eye")
    labels[60:62, 40:60] = LABELS.index("u_lip")
    labels[62:64, 40:60] = LABELS.index("l_lip")
    labels[0:10, 90:100] = LABELS.index("r_eye")
    boxes = part_boxes(labels, "ffhq")
    np.testing.assert_allclose(boxes[0, :2], (0.25, 0.35), atol=1e-6)
    np.testing.assert_allclose(boxes[2, :2], (0.5, 0.62), atol=1e-6)
    assert (boxes[:, :2] - boxes[:, 2:] >= -1e-6).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= 1 + 1e-6).all()
    assert boxes.dtype == np.float32
