import cartoon_face
import numpy as np
import pytest

from zoo.portrait.labels import LABELS, place
from zoo.portrait.landmark_regions import landmark_regions

DRAWN = {"skin", "nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip"}


@pytest.fixture(scope="module")
def points():
    return cartoon_face.landmarks(256)


def shoelace(outline):
    x, y = outline.T
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2


def centre(layer):
    rows, columns = np.indices(layer.shape)
    return np.array([(layer * columns).sum(), (layer * rows).sum()]) / layer.sum()


def test_it_is_a_part_of_a_mask_zero_outside_the_face(points):
    mask = landmark_regions(points, 256)
    assert mask.shape == (19, 256, 256)
    assert mask.dtype == np.float32
    whole = mask.sum(axis=0)
    assert whole.min() == 0.0
    assert whole.max() == pytest.approx(1.0)
    assert {LABELS[i] for i in range(19) if mask[i].any()} == DRAWN


@pytest.mark.parametrize(("name", "first", "last"), [("l_eye", 36, 42), ("r_eye", 42, 48)])
def test_an_eye_has_the_area_and_the_centre_of_its_polygon(points, name, first, last):
    layer = landmark_regions(points, 256)[place(name)]
    # fillPoly also fills the pixels its outline runs through: half a fine pixel all round.
    perimeter = np.linalg.norm(np.diff(points[[*range(first, last), first]], axis=0), axis=1).sum()
    assert layer.sum() == pytest.approx(shoelace(points[first:last]) + perimeter / 8, rel=0.04)
    half = (points[first:last].max(axis=0) + points[first:last].min(axis=0)) / 2
    assert np.abs(centre(layer) - half).max() < 0.15


def test_moving_the_landmarks_moves_the_mask_by_as_much(points):
    right = landmark_regions(points + np.array((5, 3)), 256)
    assert np.array_equal(right[:, 3:, 5:], landmark_regions(points, 256)[:, :-3, :-5])


def test_a_part_of_a_pixel_counts(points):
    here = centre(landmark_regions(points, 256)[place("l_eye")])
    there = centre(landmark_regions(points + np.array((0.25, 0.5)), 256)[place("l_eye")])
    assert there - here == pytest.approx((0.25, 0.5), abs=0.02)


def test_the_face_is_the_jaw_and_a_forehead_over_the_brows(points):
    face = landmark_regions(points, 256).sum(axis=0)
    x, y = np.rint(points[8]).astype(int)
    assert face[y - 3, x] == 1
    assert face[y + 3, x] == 0
    brows = points[17:27, 1].min()
    above = np.flatnonzero(face[:, 128] > 0.5)[0]
    assert above < brows - 20


def test_nearer_regions_hide_farther_ones(points):
    mask = landmark_regions(points, 256)
    x, y = np.rint(points[36:42].mean(axis=0)).astype(int)
    assert mask[place("l_eye"), y, x] == 1
    assert mask[place("skin"), y, x] == 0


def test_edges_are_soft(points):
    layer = landmark_regions(points / 4, 64)[place("skin")]
    assert ((layer > 0) & (layer < 1)).sum() > 50


def test_the_sizes_agree(points):
    large = landmark_regions(points, 256).reshape(19, 64, 4, 64, 4).mean(axis=(2, 4))
    small = landmark_regions((points + 0.5) / 4 - 0.5, 64)
    assert np.abs(large - small).mean() < 2e-3
