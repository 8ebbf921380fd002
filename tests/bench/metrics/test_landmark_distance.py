import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage import data

from bench.metrics.entry import Status
from bench.metrics.identity.landmark_distance import LandmarkDistance
from bench.metrics.metric import Sample
from bench.metrics.registry import entry_of, load_metric
from zoo.weights.licences import ConsentError, accept_licence, is_accepted

pytest.importorskip("dlib")
pytest.importorskip("face_recognition_models")

PLACE = slice(20, 180), slice(140, 300)


@pytest.fixture(scope="module")
def parts():
    if not is_accepted("ibug-68"):
        pytest.skip("nobody at this account agreed to the licence ibug-68")
    from bench.metrics.identity.landmark_distance import FaceLandmarks
    from zoo.networks.faces.dlib_models import load_dlib_models

    return load_dlib_models(), FaceLandmarks()


@pytest.fixture
def distance(parts):
    return LandmarkDistance(entry_of("landmark_distance"), *parts)


def crop(right=0, down=0):
    rows, columns = PLACE
    picture = data.astronaut()
    return picture[
        rows.start - down : rows.stop - down, columns.start - right : columns.stop - right
    ]


def test_equal_images_are_at_distance_zero(distance):
    assert distance.measure(Sample(crop()), Sample(crop().copy())).value == 0.0


@pytest.mark.parametrize("shift", [(2, 0), (0, 3), (3, -2)])
def test_a_face_that_moved_is_as_far_as_it_moved(distance, shift):
    found = distance.measure(Sample(crop(*shift)), Sample(crop())).value
    assert found == pytest.approx(np.hypot(*shift), abs=0.6)


def test_the_normalised_distance_is_in_percent_of_the_outer_corners_of_the_eyes(parts):
    restored, hq = Sample(crop(3, 0)), Sample(crop())
    pixels = LandmarkDistance(entry_of("landmark_distance"), *parts).measure(restored, hq).value
    percent = LandmarkDistance(entry_of("landmark_distance_normalised"), *parts)
    found = percent.measure(restored, hq).value
    face = percent.reference_face(hq)
    points = parts[1].find(hq.image, face.box)
    assert found == pytest.approx(100 * pixels / np.linalg.norm(points[36] - points[45]))
    # The corners of dlib's 5-point model, another model, are the same places.
    corners = np.linalg.norm(face.landmarks[0] - face.landmarks[2])
    assert np.linalg.norm(points[36] - points[45]) == pytest.approx(corners, rel=0.12)


def test_points_do_not_depend_on_the_size_of_the_image(parts):
    from skimage.transform import resize

    image = crop()
    face = parts[0].detect(image)[0]
    twice = np.rint(255 * resize(image, (320, 320), order=1)).astype(np.uint8)
    small = parts[1].find(image, face.box)
    large = parts[1].find(twice, tuple(2 * edge for edge in face.box))
    apart = np.linalg.norm((large + 0.5) / 2 - 0.5 - small, axis=1)
    assert apart.mean() < 0.4


def test_no_face_in_one_or_the_other_is_a_status(distance):
    lost = np.rint(gaussian_filter(crop().astype(float), (20, 20, 0))).astype(np.uint8)
    hq, cup = Sample(crop()), Sample(data.coffee()[:160, :160])
    assert distance.measure(Sample(lost), hq).status is Status.NO_FACE
    assert distance.measure(hq, cup).status is Status.NO_FACE_IN_REFERENCE
    assert distance.measure(Sample(crop()[:100]), hq).status is Status.ERROR


def test_without_consent_it_is_a_status_with_the_command_that_gives_it(tmp_path, monkeypatch):
    from bench.metrics.identity.landmark_distance import FaceLandmarks

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    face = Sample(crop())
    for name in (entry_of("landmark_distance").name, entry_of("landmark_distance_normalised").name):
        measured = load_metric(name).measure(face, face)
        assert measured.status is Status.WEIGHTS_MISSING
        assert "bench metrics --accept-licence ibug-68" in measured.detail
    with pytest.raises(ConsentError):
        FaceLandmarks()
    accept_licence("ibug-68")
    assert load_metric(entry_of("landmark_distance").name).measure(face, face).value == 0.0
