import numpy as np
import pytest
from skimage import data

from zoo.synthesis.nearest import MEASURES, describe_faces, nearest, summary, without_known

pytest.importorskip("dlib")


@pytest.fixture(scope="module")
def faces():
    """Crops of a photograph, 64 pixels: the astronaut's face and places beside it."""
    photo = data.astronaut()
    places = [(64, 172), (80, 180), (200, 100), (300, 300), (20, 300), (380, 60)]
    return [np.ascontiguousarray(photo[y : y + 64, x : x + 64]) for y, x in places]


def test_a_copy_is_found_at_no_distance_and_a_mirrored_one_by_pixels(faces):
    known = describe_faces(faces, "tight")
    copies = describe_faces([faces[3], np.ascontiguousarray(faces[4][:, ::-1])], "tight")
    for measure in MEASURES:
        found = nearest(copies, known, measure)
        assert found.index[0] == 3
        assert found.distance[0] == pytest.approx(0, abs=1e-3)
    by_pixels = nearest(copies, known, "pixels")
    assert by_pixels.index[1] == 4
    assert by_pixels.distance[1] == pytest.approx(0, abs=1e-3)


def test_pixels_are_compared_in_levels(faces):
    brighter = [np.clip(face.astype(int) + 10, 0, 255).astype(np.uint8) for face in faces[:1]]
    found = nearest(describe_faces(brighter, "tight"), describe_faces(faces[:1], "tight"), "pixels")
    assert found.distance[0] == pytest.approx(10, abs=0.6)


def test_the_nearest_is_the_one_that_a_plain_search_finds(faces):
    known, asked = describe_faces(faces[:4], "tight"), describe_faces(faces[4:], "tight")
    found = nearest(asked, known, "descriptor")
    apart = np.linalg.norm(
        asked.vectors["descriptor"][:, None] - known.vectors["descriptor"][None], axis=2
    )
    assert found.index.tolist() == apart.argmin(axis=1).tolist()
    assert found.distance == pytest.approx(apart.min(axis=1), abs=1e-5)


def test_held_out_faces_that_were_learned_from_are_left_out_and_counted(faces):
    known = describe_faces(faces[:4], "tight")
    noisy = np.clip(faces[1].astype(int) + np.indices(faces[1].shape)[0] % 5, 0, 255)
    asked = describe_faces([faces[4], noisy.astype(np.uint8), faces[5]], "tight")
    kept, left_out = without_known(asked, known)
    assert left_out == 1
    assert np.array_equal(kept.vectors["descriptor"], asked.vectors["descriptor"][[0, 2]])


def test_copies_among_the_drawn_faces_show_in_the_share_nearer_than_real_ones():
    rng = np.random.default_rng(0)
    held_out = rng.normal(10, 1, 5000)
    same = summary(rng.normal(10, 1, 5000).tolist(), held_out.tolist())
    assert same["nearer than 1 %"] == pytest.approx(0.01, abs=0.006)
    copied = np.concatenate([rng.normal(10, 1, 900), np.zeros(100)])
    assert summary(copied.tolist(), held_out.tolist())["nearer than 1 %"] > 0.1
    assert "nearer than 1 %" not in summary([1.0, 2.0], None)
