from dataclasses import replace

import numpy as np
import pytest

from zoo.portrait.detect.detection import load_detector, remove_duplicates
from zoo.portrait.detect.face_filter import Limits, judge
from zoo.portrait.face import SCHEMES, Face, Pose
from zoo.templates import template_points

SIZE = (600, 600)


def a_face(scheme="dlib5", **changes):
    """A frontal face of about 60 % of the FFHQ crop, 300 pixels wide."""
    landmarks = template_points("ffhq", scheme, 512)
    face = Face((110.0, 130.0, 410.0, 430.0), landmarks, scheme, 2.0, Pose(0, 0, 0), "dlib")
    return replace(face, **changes)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_frontal_face_is_good(scheme):
    assert judge(a_face(scheme), SIZE) == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"box": (200.0, 230.0, 212.0, 242.0), "landmarks": "small"}, "too small: 12 pixels wide"),
        ({"pose": Pose(-70.0, 0, 0)}, "seen from the side: turned by about 70 degrees"),
        ({"spread": 0.03}, "no face, or too unclear a one: its landmarks do not settle"),
        ({"box": (0.0, 0.0, 2000.0, 2000.0)}, "probably no face: its eyes are 0.06 box widths"),
        ({"box": (240.0, 240.0, 290.0, 290.0)}, "probably no face: its eyes are"),
        ({"landmarks": np.full((5, 2), np.nan)}, "no face: the landmarks are not finite"),
        ({"landmarks": np.full((5, 2), 9.0)}, "no face: the landmarks all lie in one place"),
        ({"landmarks": "swapped"}, "probably no face: its landmarks lie unlike a face's"),
        ({"landmarks": "upside"}, "probably no face: its landmarks lie unlike a face's"),
        ({"box": (-170.0, 130.0, 130.0, 430.0)}, "cut by the photo's border: 44% inside"),
    ],
)
def test_what_cannot_be_restored_is_told_with_its_reason(changes, reason):
    face = a_face()
    points = face.landmarks
    made = {
        "small": (points - 256) * 12 / 300 + 206,
        "swapped": points[[2, 3, 0, 1, 4]],
        "upside": np.vstack([points[:4], [points[4] - (0, 190)]]),
    }
    if isinstance(changes.get("landmarks"), str):
        changes = changes | {"landmarks": made[changes["landmarks"]]}
    assert judge(replace(face, **changes), SIZE).startswith(reason)


def test_limits_can_be_moved():
    face = a_face(pose=Pose(30.0, 0, 0))
    assert judge(face, SIZE) == ""
    assert "at most 20" in judge(face, SIZE, Limits(largest_yaw=20))
    assert "at least 400" in judge(a_face(), SIZE, Limits(smallest_width=400))


def test_of_boxes_on_one_face_the_surest_stays():
    sure = a_face(score=2.0)
    shifted = a_face(score=1.0, box=(130.0, 130.0, 430.0, 430.0))
    eye = a_face(score=0.5, box=(300.0, 220.0, 360.0, 280.0))  # a "face" in an eye
    beside = a_face(score=0.1, box=(400.0, 130.0, 700.0, 430.0))
    assert remove_duplicates([eye, shifted, beside, sure]) == (sure, beside)
    assert remove_duplicates([beside, sure, shifted, eye]) == (sure, beside)


def test_of_equally_sure_boxes_the_larger_stays_and_empty_ones_do_no_harm():
    small, large = a_face(box=(150.0, 150.0, 350.0, 350.0)), a_face()
    assert remove_duplicates([small, large]) == (large,)
    empty = a_face(box=(900.0, 9.0, 900.0, 9.0), score=0.0)
    assert remove_duplicates([empty, large]) == (large, empty)
    assert remove_duplicates([]) == ()


def test_what_dlib_takes_for_a_second_face_on_the_astronauts_suit_is_refused(astronaut_faces):
    (face, good), (suit, bad) = astronaut_faces
    assert good == "" and bad.startswith("no face, or too unclear")
    assert face.score > 1 > suit.score and suit.box[1] > face.box[3]


@pytest.fixture(scope="module")
def astronaut_faces():
    pytest.importorskip("dlib")
    from skimage import data

    photo = data.astronaut()
    return [
        (face, judge(face, photo.shape[:2]))
        for face in load_detector("dlib", smallest=40).detect(photo)
    ]
