import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage import data

from bench.metrics.entry import Status
from bench.metrics.identity.identity_dlib import FaceFound, IdentityDlib, cosine, degrees
from bench.metrics.metric import Sample
from bench.metrics.registry import entry_of
from zoo.networks.faces.dlib_descriptor import load_dlib_descriptor
from zoo.networks.faces.dlib_models import load_dlib_models

pytest.importorskip("dlib")
pytest.importorskip("face_recognition_models")


@pytest.fixture(scope="module")
def models():
    return load_dlib_models()


@pytest.fixture(scope="module")
def identity(models):
    return IdentityDlib(entry_of("identity_dlib"), models, load_dlib_descriptor())


@pytest.fixture(scope="module")
def found(models):
    return FaceFound(entry_of("face_found"), models)


@pytest.fixture(scope="module")
def hq():
    return data.astronaut()[:256, 96:352]


def blurred(image, sigma):
    return np.rint(gaussian_filter(image.astype(np.float64), (sigma, sigma, 0))).astype(np.uint8)


def test_cosine_of_known_vectors():
    one = np.array([3.0, 4.0])
    assert cosine(one, 2 * one) == 1.0
    assert cosine(one, -one) == -1.0
    assert cosine(one, np.array([4.0, -3.0])) == 0.0
    assert cosine(one, np.array([1.0, 0.0])) == pytest.approx(0.6)


def test_the_same_image_is_the_same_person(identity, hq):
    assert identity.measure(Sample(hq), Sample(hq.copy())).value == pytest.approx(1, abs=1e-6)


def test_identity_falls_as_blur_grows_and_needs_no_detection_in_the_restored_image(
    identity, found, hq
):
    truth = Sample(hq)
    restored = [Sample(blurred(hq, sigma)) for sigma in (1, 3, 6, 20)]
    values = [identity.measure(sample, truth).value for sample in restored]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.98
    assert found.measure(restored[0], truth).value == 1.0
    assert found.measure(restored[-1], truth).value == 0.0


def test_the_crop_is_taken_at_the_truths_landmarks_wherever_the_restored_face_is(
    identity, models, hq
):
    moved, truth = np.roll(hq, 60, axis=0), Sample(hq)
    face = identity.reference_face(truth)
    expected = cosine(models.describe(moved, face), models.describe(hq, face))
    assert identity.measure(Sample(moved), truth).value == pytest.approx(expected, abs=1e-6)
    assert expected < 0.9


def test_a_face_elsewhere_in_the_restored_image_does_not_count(found, hq):
    moved = np.roll(hq, 100, axis=0)
    assert found.measure(Sample(moved), Sample(moved)).value == 1.0
    assert found.measure(Sample(moved), Sample(hq)).value == 0.0


def test_a_reference_without_a_face_gives_a_status_and_no_value(identity, found):
    cat = Sample(data.coffee()[:128, :128])
    for metric in (identity, found):
        measured = metric.measure(cat, cat)
        assert (measured.value, measured.status) == (None, Status.NO_FACE_IN_REFERENCE)


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (40, 40)])
def test_odd_sizes_are_no_crash(identity, found, size):
    grey = Sample(np.full((*size, 3), 128, np.uint8))
    assert identity.measure(grey, grey).status is Status.NO_FACE_IN_REFERENCE
    assert found.measure(grey, grey).status is Status.NO_FACE_IN_REFERENCE


def test_each_image_is_searched_once_and_the_truth_described_once(hq):
    calls = []

    class Counting:
        def __init__(self, detector, descriptor):
            self._detector, self._descriptor = detector, descriptor

        def detect(self, image):
            calls.append("detect")
            return self._detector.detect(image)

        def describe(self, chip):
            calls.append("describe")
            return self._descriptor.describe(chip)

    counting = Counting(load_dlib_models(), load_dlib_descriptor())
    identity = IdentityDlib(entry_of("identity_dlib"), counting, counting)
    truth, metrics = Sample(hq), (identity, FaceFound(entry_of("face_found"), counting))
    for sigma in (1, 2):
        restored = Sample(blurred(hq, sigma))
        for metric in metrics:
            metric.measure(restored, truth)
    assert calls.count("detect") == 3
    assert calls.count("describe") == 3


def test_degrees_of_known_cosines():
    assert [degrees(value) for value in (1.0, 0.0, -1.0)] == [0.0, 90.0, 180.0]
    assert degrees(0.5) == pytest.approx(60)


def test_degrees_are_the_angle_of_the_same_cosine_and_lower_is_nearer(identity, models, hq):
    angle = IdentityDlib(entry_of("identity_dlib_degrees"), models, identity._descriptor)
    truth, restored = Sample(hq), Sample(blurred(hq, 2))
    value = identity.measure(restored, truth).value
    assert angle.measure(restored, truth).value == pytest.approx(np.degrees(np.arccos(value)))
    assert (angle.direction, angle.unit) == ("lower", "°")


def test_in_strict_a_lost_face_counts_as_cosine_zero_and_a_found_one_as_it_is(
    identity, found, models, hq
):
    strict, truth = (
        IdentityDlib(entry_of("identity_dlib_strict"), models, identity._descriptor),
        Sample(hq),
    )
    kept, lost = Sample(blurred(hq, 2)), Sample(blurred(hq, 20))
    assert [found.measure(each, truth).value for each in (kept, lost)] == [1.0, 0.0]
    assert strict.measure(kept, truth).value == identity.measure(kept, truth).value
    zero = strict.measure(lost, truth)
    assert (zero.value, zero.status) == (0.0, Status.OK)
    assert identity.measure(lost, truth).value > 0.3
    assert strict.measure(truth, Sample(hq[:60, :60])).status is Status.ERROR
    nobody = Sample(data.coffee()[:128, :128])
    assert strict.measure(nobody, nobody).status is Status.NO_FACE_IN_REFERENCE
