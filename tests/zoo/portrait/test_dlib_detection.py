"""dlib's detectors on real faces; which of its models a machine lacks is skipped visibly."""

import os
import subprocess
import sys

import numpy as np
import pytest
from skimage import data
from skimage.transform import rescale, rotate

pytest.importorskip("dlib")
pytest.importorskip("face_recognition_models")

from bench.runner.efficiency import Meter
from degrade.errors import UserError
from degrade.images import decode_image
from zoo.networks.faces.dlib_models import load_dlib_models, principal
from zoo.portrait.detect.detection import DETECTORS, Detector, TurningDetector, judge, load_detector
from zoo.portrait.detect.dlib_detection import _resized
from zoo.portrait.face import Face, Pose


@pytest.fixture(scope="module")
def detector():
    """The default one, but for its smallest face: a quarter of the pixels to search."""
    return load_detector("dlib", smallest=40)


@pytest.fixture(scope="module")
def astronaut():
    return data.astronaut()[:256, 96:352].copy()


@pytest.fixture(scope="module")
def found(detector, astronaut):
    return best(detector, astronaut)


@pytest.fixture(scope="module")
def portraits(shared):
    paths = sorted(shared("faces/congress").glob("*.jpg"))[::49]
    return [decode_image(path.read_bytes(), path.name) for path in paths]


def best(detector, photo):
    usable = [face for face in detector.detect(photo) if not judge(face, photo.shape[:2])]
    assert len(usable) == 1
    return usable[0]


def resized(photo, scale):
    small = rescale(photo, scale, order=3, anti_aliasing=scale < 1, channel_axis=2)
    return np.rint(np.clip(small, 0, 1) * 255).astype(np.uint8)


def off(landmarks, expected):
    """Root mean square distance in shares of the distance of the eyes."""
    eyes = np.linalg.norm((expected[0] + expected[1] - expected[2] - expected[3]) / 2)
    return np.sqrt(np.mean(np.sum((landmarks - expected) ** 2, axis=1))) / eyes


def test_the_astronauts_face_is_found_where_the_judges_network_finds_it(found, astronaut):
    other = principal(load_dlib_models().detect(astronaut))
    assert off(found.landmarks, other.landmarks) < 0.03
    assert found.scheme == "dlib5" and found.detector == "dlib" and found.turned == 0
    assert found.spread < 0.005 and abs(found.pose.roll) < 15


@pytest.mark.parametrize("scale", [0.3, 0.5, 2.0, 3.0])
def test_landmarks_keep_their_place_when_the_photo_is_resized(detector, astronaut, found, scale):
    # facexlib's CodeFormer copy divides scores by the scale as well; here they stay alike.
    photo = resized(astronaut, scale)
    face = best(load_detector("dlib") if scale < 1 else detector, photo)
    actual = np.array(photo.shape[1::-1]) / astronaut.shape[1::-1]
    expected = (found.landmarks + 0.5) * actual - 0.5
    assert off(face.landmarks, expected) < (0.03 if scale < 1 else 0.01)
    assert face.score == pytest.approx(found.score, abs=0.7)


@pytest.mark.parametrize("angle", [-30, 20])
def test_the_roll_of_a_tilted_photo_is_found(detector, astronaut, found, angle):
    turned = np.rint(rotate(astronaut, -angle, order=3, mode="edge") * 255).astype(np.uint8)
    face = best(detector, turned)
    assert face.pose.roll - found.pose.roll == pytest.approx(angle, abs=1.5)
    assert abs(face.pose.yaw - found.pose.yaw) < 5


def test_a_mirrored_photo_has_a_mirrored_face(detector, astronaut, found):
    face = best(detector, np.ascontiguousarray(astronaut[:, ::-1]))
    mirrored = (found.landmarks * (-1, 1) + (astronaut.shape[1] - 1, 0))[[2, 3, 0, 1, 4]]
    assert off(face.landmarks, mirrored) < 0.02
    assert face.pose.yaw == pytest.approx(-found.pose.yaw, abs=4)


def test_a_face_of_twenty_pixels_is_found_by_default(astronaut, found):
    photo = resized(astronaut, 22 / found.width)
    face = load_detector("dlib").detect(photo)[0]
    assert 15 < face.width < 30
    expected = (found.landmarks + 0.5) * photo.shape[0] / astronaut.shape[0] - 0.5
    assert off(face.landmarks, expected) < 0.1


def test_a_face_that_fills_the_photo_is_found(detector, astronaut, found):
    left, top, right, bottom = (round(edge) for edge in found.box)
    photo = np.ascontiguousarray(astronaut[top:bottom, left:right])
    face = best(detector, photo)
    assert off(face.landmarks, found.landmarks - (left, top)) < 0.03


def test_every_face_of_a_group_is_found_once(detector, astronaut):
    # Each at its own size, side by side: no box twice, none missed.
    group = np.full((300, 900, 3), 128, np.uint8)
    places = [(0, 1.0), (320, 0.7), (600, 0.45)]
    for left, scale in places:
        portrait = resized(astronaut, scale)
        group[: portrait.shape[0], left : left + portrait.shape[1]] = portrait
    usable = [face for face in detector.detect(group) if not judge(face, group.shape[:2])]
    noses = sorted(face.landmarks[4, 0] for face in usable)
    assert len(noses) == 3
    for nose, (left, scale) in zip(noses, places, strict=True):
        assert left < nose < left + 256 * scale


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "grass", "brick", "page"])
def test_in_pictures_without_a_face_none_is_usable(detector, name):
    picture = getattr(data, name)()
    picture = np.dstack([picture] * 3) if picture.ndim == 2 else picture
    faces = detector.detect(np.ascontiguousarray(picture[:300, :300]))
    assert all(judge(face, picture.shape[:2]) for face in faces)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 20000), (20000, 3)])
def test_odd_sizes_are_no_crash(detector, size):
    assert detector.detect(np.zeros((*size, 3), np.uint8)) == ()


def test_the_same_photo_gives_the_same_faces_and_views_are_taken(detector, astronaut, found):
    again = best(load_detector("dlib", smallest=40), astronaut[:, ::-1][:, ::-1])
    np.testing.assert_array_equal(again.landmarks, found.landmarks)
    assert (again.box, again.score, again.pose) == (found.box, found.score, found.pose)


def test_the_search_is_bounded_however_large_the_photo():
    large = np.zeros((4000, 6000, 3), np.uint8)
    searched, scale = _resized(large, 4, 24_000_000)
    assert searched.shape == large.shape and scale == (1, 1)
    wide, _ = _resized(np.zeros((8, 60_000, 3), np.uint8), 4, 1_000_000)
    assert wide.shape[0] * wide.shape[1] < 1_100_000
    small, scale = _resized(large[:300, :400], 4, 24_000_000)
    assert small.shape[:2] == (1200, 1600) and scale == (4, 4)


@pytest.mark.slow
def test_a_photo_of_24_megapixels_costs_no_more_than_one_of_two_and_under_two_gigabytes(astronaut):
    detector = load_detector("dlib")
    seconds, memory = [], []
    for height, width in ((1000, 2000), (4000, 6000)):
        photo = np.zeros((height, width, 3), np.uint8)
        photo[-256:, -256:] = astronaut
        before = os.times().user
        with Meter() as meter:
            faces = detector.detect(photo)
        seconds.append(os.times().user - before)
        memory.append(meter.memory)
        assert len([face for face in faces if not judge(face, (height, width))]) == 1
    assert seconds[1] < 2 * seconds[0]
    if None in memory:
        pytest.skip("this system does not tell what a call takes")
    assert max(memory) < 1_000_000_000  # beyond what the process had: libraries, earlier tests


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photo_on_its_side_is_read_in_its_own_coordinates(detector, astronaut, found, quarters):
    turning = TurningDetector(detector)
    turned = np.ascontiguousarray(np.rot90(astronaut, quarters))
    assert all(judge(face, turned.shape[:2]) for face in detector.detect(turned))
    face = best(turning, turned)
    assert face.turned == 360 - 90 * quarters
    expected = found.landmarks
    for _ in range(quarters):  # one turn counter-clockwise takes (x, y) to (y, width - 1 - x)
        expected = np.stack([expected[:, 1], 255 - expected[:, 0]], axis=1)
    assert off(face.landmarks, expected) < 0.02
    assert (face.pose.roll - found.pose.roll + 90 * quarters + 180) % 360 - 180 == pytest.approx(
        0, abs=2
    )
    assert face.box[0] < face.landmarks[4, 0] < face.box[2]
    assert face.box[1] < face.landmarks[4, 1] < face.box[3]


def test_an_upright_photo_is_not_turned_and_one_without_faces_has_none(astronaut, found):
    class Counting:
        name = "counting"
        calls = 0

        def detect(self, image):
            self.calls += 1
            return (found,) if image.any() else ()

    counting = Counting()
    detector: Detector = TurningDetector(counting)
    assert detector.name == "counting"
    assert detector.detect(astronaut) == (found,) and counting.calls == 1
    assert detector.detect(np.zeros_like(astronaut)) == () and counting.calls == 5


def test_a_turn_is_settled_by_a_usable_face_not_by_a_doubtful_one():
    doubtful = Face((0, 0, 30, 30), np.zeros((5, 2)), "dlib5", 9.0, Pose(0, 0, 0), "one")

    class Doubtful:
        name = "doubtful"

        def detect(self, image):
            return (doubtful,)

    assert TurningDetector(Doubtful()).detect(np.zeros((60, 40, 3), np.uint8)) == (doubtful,)


def test_the_convolutional_detector_finds_the_astronaut_too(astronaut, found):
    face = best(load_detector("dlib-cnn", smallest=60), astronaut)
    assert face.detector == "dlib-cnn"
    assert off(face.landmarks, found.landmarks) < 0.05


def test_real_portraits_have_one_usable_face_each(detector, portraits):
    for photo in portraits:
        face = best(detector, photo)
        assert 80 < face.width < 260
        assert abs(face.pose.yaw) < 40 and abs(face.pose.roll) < 25


def test_wrong_names_and_sizes_are_one_line():
    with pytest.raises(UserError, match=", ".join(DETECTORS)):
        load_detector("retinaface")
    with pytest.raises(UserError, match="10 or more"):
        load_detector("dlib", smallest=5)


def test_a_strip_of_thirty_thousand_pixels_is_searched():
    """In a process of its own: dlib would end it."""
    code = (
        "import numpy as np; from zoo.portrait.detect.detection import load_detector; "
        "print(load_detector('dlib').detect(np.zeros((20, 30000, 3), np.uint8)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "()\n"), done.stderr
