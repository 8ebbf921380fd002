"""YuNet's path through OpenCV, with a network of its shape whose answers can be computed.

The real weights are not on a machine without a network: the test that uses them skips there.
"""

import struct

import numpy as np
import pytest
from skimage import data

from zoo.portrait.detect.detection import Detector, load_detector
from zoo.portrait.detect.yunet_detection import YunetDetector, _sizes
from zoo.weights.files import WeightsMissing, WeightsRefused, is_present, known_weights

FLOAT, INT64, ONE_INT, MANY_INTS = 1, 7, 2, 7


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(number, value):
    """One field of a protocol buffer message: a number, or text, bytes and messages."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor(name, values):
    values = np.asarray(values)
    kind = INT64 if values.dtype == np.int64 else FLOAT
    raw = values.astype("<i8" if kind == INT64 else "<f4").tobytes()
    dims = b"".join(field(1, side) for side in values.shape)
    return dims + field(2, kind) + field(8, name) + field(9, raw)


def node(kind, inputs, output, **attributes):
    message = b"".join(field(1, name) for name in inputs) + field(2, output)
    message += field(3, output) + field(4, kind)
    for name, values in attributes.items():
        integers = b"".join(field(8, value) for value in values)
        message += field(5, field(1, name) + integers + field(20, MANY_INTS))
    return message


def value(name, shape):
    dims = b"".join(field(1, field(1, side)) for side in shape)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, dims)))


def yunet_like(box, points):
    """An ONNX model of YuNet's inputs and outputs that takes white 8 × 8 cells for faces.

    ``box`` is what it says of each cell: centre and logarithm of the size in units of 8 pixels
    from the cell; ``points`` are its five landmarks likewise.
    """
    nodes, tensors, outputs = [], [], []
    for name, biases in (("cls", [0.0]), ("obj", [0.0]), ("bbox", box), ("kps", points)):
        for stride in (8, 16, 32):
            weights = np.zeros((len(biases), 3, stride, stride))
            if name in ("cls", "obj") and stride == 8:
                weights += 1 / (3 * 64 * 255)
            key, grid = f"{name}_{stride}", 640 // stride
            tensors += [
                tensor(f"{key}_w", weights),
                tensor(f"{key}_b", np.array(biases, float).ravel()),
                tensor(f"{key}_s", np.array([1, -1, len(biases)], np.int64)),
            ]
            nodes += [
                node(
                    "Conv",
                    ["input", f"{key}_w", f"{key}_b"],
                    f"{key}_map",
                    kernel_shape=[stride] * 2,
                    strides=[stride] * 2,
                ),
                node("Transpose", [f"{key}_map"], f"{key}_last", perm=[0, 2, 3, 1]),
                node("Reshape", [f"{key}_last", f"{key}_s"], key),
            ]
            outputs.append(value(key, (1, grid * grid, len(biases))))
    graph = b"".join(field(1, one) for one in nodes) + field(2, "yunet")
    graph += b"".join(field(5, one) for one in tensors)
    graph += field(11, value("input", (1, 3, 640, 640)))
    graph += b"".join(field(12, one) for one in outputs)
    return field(1, 7) + field(7, graph) + field(8, field(1, "") + field(2, 11))


@pytest.fixture(scope="module")
def yunet_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("yunet") / "yunet.onnx"
    box = [0.5, 0.5, np.log(6), np.log(8)]
    points = np.array([(-1, -1.5), (2, -1.5), (0.5, 0), (-0.75, 2), (1.75, 2)]).ravel()
    path.write_bytes(yunet_like(box, list(points)))
    return path


def photo_with_cell(width, height, left, top, side):
    photo = np.zeros((height, width, 3), np.uint8)
    photo[top : top + side, left : left + side] = 255
    return photo


def test_a_marked_cell_is_found_with_its_box_and_landmarks(yunet_file):
    detector: Detector = YunetDetector(yunet_file)
    (face,) = detector.detect(photo_with_cell(320, 240, 160, 80, 8))
    # Cell (20, 10): its middle is at (164, 84), the face 48 × 64 pixels, edges at p - 0.5.
    np.testing.assert_allclose(face.box, (139.5, 51.5, 187.5, 115.5), atol=0.01)
    expected = [(152, 68), (176, 68), (164, 80), (154, 96), (174, 96)]
    np.testing.assert_allclose(face.landmarks, expected, atol=0.01)
    assert (face.scheme, face.detector) == ("eyes-nose-mouth", "yunet")
    assert face.score == pytest.approx(1.0, abs=1e-3)
    assert abs(face.pose.yaw) < 1 and abs(face.pose.roll) < 1


def test_in_a_reduced_copy_the_same_place_is_found_by_the_half_pixel_rule(yunet_file):
    width, height = 2560, 1280
    assert _sizes(width, height, 80) == ((640, 320), (600, 300))
    photo = photo_with_cell(width, height, 640, 320, 32)  # cell (20, 10) of 640 × 320
    faces = YunetDetector(yunet_file, smallest=80).detect(photo)
    np.testing.assert_allclose(faces[0].box, (559.5, 207.5, 751.5, 463.5), atol=0.01)
    nose = (164.5 * 4 - 0.5, 80.5 * 4 - 0.5)
    np.testing.assert_allclose(faces[0].landmarks[2], nose, atol=0.01)
    assert faces[0].width == pytest.approx(4 * 48, abs=0.01)


def test_scores_are_the_detectors_whatever_the_size_of_the_photo(yunet_file):
    detector = YunetDetector(yunet_file)
    small = detector.detect(photo_with_cell(320, 320, 160, 160, 8))
    large = detector.detect(photo_with_cell(3200, 640, 1600, 320, 8))
    assert small[0].score == pytest.approx(large[0].score, abs=1e-3)


def test_nothing_is_found_in_the_dark_and_in_the_smallest_photos(yunet_file):
    detector = YunetDetector(yunet_file)
    for size in ((240, 320), (1, 1), (3, 2000)):
        assert detector.detect(np.zeros((*size, 3), np.uint8)) == ()


def test_copies_to_search_are_bounded_and_one_where_one_will_do():
    assert _sizes(320, 240, 20) == ((320, 240),)
    assert _sizes(600, 600, 20) == ((600, 600),)
    fine, coarse = _sizes(6000, 4000, 20)
    assert fine[0] * fine[1] == pytest.approx(4_000_000, rel=1e-3)
    assert coarse == (600, 400)
    assert _sizes(600, 600, 40) == ((300, 300),)


@pytest.mark.parametrize("content", [b"", b"no network at all", struct.pack("<64d", *range(64))])
def test_a_file_that_is_no_network_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "face_detection_yunet_2023mar.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsRefused, match="zoo fetch yunet"):
        YunetDetector(path)


def test_without_weights_the_command_that_fetches_them_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("RELUME_WEIGHTS", raising=False)
    with pytest.raises(WeightsMissing, match="zoo fetch yunet"):
        load_detector("yunet", offline=True)


def test_weights_of_a_wrong_checksum_are_refused(monkeypatch, tmp_path, yunet_file):
    monkeypatch.setenv("RELUME_WEIGHTS", str(tmp_path))
    (tmp_path / known_weights("yunet").filename).write_bytes(yunet_file.read_bytes())
    with pytest.raises(WeightsRefused, match="sha256"):
        load_detector("yunet", offline=True)


def test_the_published_network_finds_the_astronaut():
    if not is_present(known_weights("yunet")):
        pytest.skip("the weights are not on this machine: run `zoo fetch yunet`")
    (face,) = load_detector("yunet", offline=True).detect(data.astronaut())
    np.testing.assert_allclose(face.landmarks[:2], [(202, 106), (244, 106)], atol=8)
