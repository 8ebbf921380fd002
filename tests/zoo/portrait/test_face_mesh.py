import pickle
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from face_mesh_files import aligned_portraits, load_network

from degrade.errors import ImageError
from zoo.mean_mask import template_matrix
from zoo.portrait.parse.face_mesh import FaceMeshNetwork, mean_mesh
from zoo.weights.files import WeightsRefused

EYES = ((33, 133), (362, 263))
NOT_A_FACE = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)


@pytest.fixture(scope="module")
def network():
    return load_network()


@pytest.fixture(scope="module")
def crops(shared):
    return aligned_portraits(shared("faces/congress"), 97, 256)


def eye_centres(points):
    return np.array([points[list(eye)].mean(axis=0) for eye in EYES])


def test_the_mean_mesh_is_symmetric_and_lies_on_the_template():
    points = mean_mesh()
    assert points.shape == (468, 2)
    mirrored = points * (-1, 1) + (1, 0)
    apart = np.linalg.norm(mirrored[:, None] - points[None], axis=2)
    assert apart.min(axis=1).max() < 2e-3
    # Where `zoo.mean_mask` draws the eyes, and the chin below the mouth.
    np.testing.assert_allclose(eye_centres(points), [(0.3795, 0.475), (0.6205, 0.475)], atol=0.01)
    assert points[152, 1] > points[17, 1] > points[0, 1] > points[2, 1]
    with pytest.raises(ValueError, match="read-only"):
        points[0] = 0


def test_the_eyes_of_aligned_faces_are_found_where_the_template_has_them(network, crops):
    for crop in crops:
        mesh = network.predict(crop)
        assert mesh.points.shape == (468, 2)
        assert mesh.presence > 0.99
        expected = template_matrix("ffhq", 256) @ [[0.3795, 0.6205], [0.475, 0.475], [1, 1]]
        assert np.abs(eye_centres(mesh.points) - expected.T).max() < 10


def test_the_two_templates_give_the_same_landmarks(network, crops, shared):
    tight = load_network("tight")
    closer = aligned_portraits(shared("faces/congress"), 97, 256, "tight")
    for wide, close in zip(crops, closer, strict=True):
        one, two = template_matrix("ffhq", 256), template_matrix("tight", 256)
        expected = (network.predict(wide).points - one[:, 2]) / one[0, 0] * two[0, 0] + two[:, 2]
        apart = np.linalg.norm(tight.predict(close).points - expected, axis=1)
        # In per cent of the distance between the eyes, 99 pixels.
        assert apart.mean() / 0.99 < 3


def test_landmarks_scale_with_the_crop(network, crops):
    for size in (128, 512):
        other = network.predict(cv2.resize(crops[0], (size, size), interpolation=cv2.INTER_AREA))
        back = (other.points + 0.5) * 256 / size - 0.5
        assert np.linalg.norm(back - network.predict(crops[0]).points, axis=1).mean() < 1


def test_where_no_face_is_seen_the_mean_mesh_remains(network):
    mesh = network.predict(NOT_A_FACE)
    assert mesh.presence < 0.01
    mean = mean_mesh() * 128 - 0.5
    assert np.linalg.norm(mesh.points - mean, axis=1).mean() < 0.2 * 31


def test_a_copy_for_another_process_and_threads_give_the_same_bytes(network, crops):
    expected = [network.predict(crop).points.tobytes() for crop in crops]
    copy = pickle.loads(pickle.dumps(network))  # noqa: S301 - our own
    assert [copy.predict(crop).points.tobytes() for crop in crops] == expected
    with ThreadPoolExecutor(4) as pool:
        threaded = list(pool.map(network.predict, crops * 3))
    assert [mesh.points.tobytes() for mesh in threaded] == expected * 3


def test_another_file_is_refused_in_one_line(tmp_path):
    for content in (b"", b"no network", bytes(64)):
        (tmp_path / "mesh.tflite").write_bytes(content)
        with pytest.raises(WeightsRefused, match="`zoo fetch face-mesh`") as caught:
            FaceMeshNetwork(tmp_path / "mesh.tflite")
        assert "\n" not in str(caught.value)


def test_another_template_is_refused(tmp_path):
    with pytest.raises(ImageError, match="no template is called 'wide'"):
        FaceMeshNetwork(tmp_path / "mesh.tflite", "wide")
