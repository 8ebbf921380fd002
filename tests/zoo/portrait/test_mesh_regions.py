import cartoon_face
import numpy as np
import pytest

from zoo.labels import LABELS, label_index
from zoo.portrait.parse.mesh_regions import mesh_regions

DRAWN = {"skin", "nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip"}
LEFT_EYE = [33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246]
CHIN, FOREHEAD = 152, 10


@pytest.fixture(scope="module")
def points():
    return cartoon_face.mesh(256)


def shoelace(outline):
    x, y = outline.T
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2


def centre(layer):
    rows, columns = np.indices(layer.shape)
    return np.array([(layer * columns).sum(), (layer * rows).sum()]) / layer.sum()


def test_it_is_a_part_of_a_mask_zero_outside_the_face(points):
    mask = mesh_regions(points, 256)
    assert mask.shape == (19, 256, 256)
    assert mask.dtype == np.float32
    whole = mask.sum(axis=0)
    assert whole.min() == 0.0
    assert whole.max() == pytest.approx(1.0)
    assert {LABELS[i] for i in range(19) if mask[i].any()} == DRAWN


def test_a_symmetric_mesh_gives_a_symmetric_mask(points):
    mask = mesh_regions(points, 256)
    order = list(range(19))
    for name in ("eye", "brow"):
        left, right = label_index(f"l_{name}"), label_index(f"r_{name}")
        order[left], order[right] = right, left
    assert np.abs(mask - mask[order][:, :, ::-1]).mean() < 1e-3


def test_an_eye_has_the_area_and_the_centre_of_its_polygon(points):
    layer = mesh_regions(points, 256)[label_index("l_eye")]
    eye = points[LEFT_EYE]
    # fillPoly also fills the pixels its outline runs through: half a fine pixel all round.
    perimeter = np.linalg.norm(eye - np.roll(eye, 1, axis=0), axis=1).sum()
    assert layer.sum() == pytest.approx(shoelace(eye) + perimeter / 8, rel=0.04)
    half = (eye.max(axis=0) + eye.min(axis=0)) / 2
    assert np.abs(centre(layer) - half).max() < 1


def test_moving_the_landmarks_moves_the_mask_by_as_much(points):
    right = mesh_regions(points + np.array((5, 3)), 256)
    assert np.array_equal(right[:, 3:, 5:], mesh_regions(points, 256)[:, :-3, :-5])


def test_a_part_of_a_pixel_counts(points):
    here = centre(mesh_regions(points, 256)[label_index("l_eye")])
    there = centre(mesh_regions(points + np.array((0.25, 0.5)), 256)[label_index("l_eye")])
    assert there - here == pytest.approx((0.25, 0.5), abs=0.02)


def test_the_face_reaches_from_the_chin_to_above_the_mesh(points):
    face = mesh_regions(points, 256).sum(axis=0)
    x, y = np.rint(points[CHIN]).astype(int)
    assert face[y - 3, x] == 1
    assert face[y + 3, x] == 0
    above = np.flatnonzero(face[:, 128] > 0.5)[0]
    assert 3 < points[FOREHEAD, 1] - above < 20


def test_nearer_regions_hide_farther_ones(points):
    mask = mesh_regions(points, 256)
    x, y = np.rint(points[LEFT_EYE].mean(axis=0)).astype(int)
    assert mask[label_index("l_eye"), y, x] == 1
    assert mask[label_index("skin"), y, x] == 0


def test_edges_are_soft(points):
    layer = mesh_regions(points / 4, 64)[label_index("skin")]
    assert ((layer > 0) & (layer < 1)).sum() > 50


def test_the_sizes_agree(points):
    large = mesh_regions(points, 256).reshape(19, 64, 4, 64, 4).mean(axis=(2, 4))
    small = mesh_regions((points + 0.5) / 4 - 0.5, 64)
    assert np.abs(large - small).mean() < 2e-3
