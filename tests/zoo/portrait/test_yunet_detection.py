"""YuNet's path through OpenCV, with a network of its shape whose answers can be computed."""

import struct

import numpy as np
import pytest
from skimage import data

import degrade
from degrade.images import decode_image
from zoo.portrait.detect.detection import Detector, judge, load_detector
from zoo.portrait.detect.pyramid import copy_sizes
from zoo.portrait.detect.yunet_detection import YunetDetector
from zoo.weights.files import WeightsMissing, WeightsRefused, known_weights

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
    # Cell (20, 10): its middle is at (164.5, 84.5) from the corner, the face 48 × 64 pixels.
    (row,) = detector.search(photo_with_cell(320, 240, 160, 80, 8))
    np.testing.assert_allclose(row[:4], (140, 52, 48, 64), atol=0.01)
    points = [(152.5, 68.5), (176.5, 68.5), (164.5, 80.5), (154.5, 96.5), (174.5, 96.5)]
    np.testing.assert_allclose(row[4:14].reshape(5, 2), points, atol=0.01)
    assert row[14] == pytest.approx(1.0, abs=1e-3)


class Landmarks:
    """Stands in for dlib's: answers five points in a row, which lie so far apart."""

    def __init__(self, spread):
        self.spread = spread

    def find(self, image, box):
        return np.column_stack([np.linspace(box[0], box[2], 5), np.full(5, box[1])]), self.spread


@pytest.mark.parametrize(("spread", "scheme"), [(0.049, "dlib5"), (0.051, "eyes-nose-mouth")])
def test_landmarks_are_dlibs_unless_they_scatter(yunet_file, spread, scheme):
    detector = YunetDetector(yunet_file)
    detector._landmarks = Landmarks(spread)
    (face,) = detector.detect(photo_with_cell(320, 240, 160, 80, 8))
    assert face.scheme == scheme
    assert (face.landmarks[:, 1] == face.box[1]).all() == (scheme == "dlib5")
    assert face.spread == 0  # it was judged here


def test_the_networks_own_landmarks_and_dlibs_box_are_in_pixels_of_the_photo(yunet_file):
    detector = YunetDetector(yunet_file)
    detector._landmarks = Landmarks(1)
    (face,) = detector.detect(photo_with_cell(320, 240, 160, 80, 8))
    # dlib's square: 1.04 times .8 of the height wide, its middle .56 down.
    np.testing.assert_allclose(face.box, square_at(163.5, 51.5 + 0.56 * 64, 0.52 * 51.2), atol=0.01)
    expected = [(152, 68), (176, 68), (164, 80), (154, 96), (174, 96)]
    np.testing.assert_allclose(face.landmarks, expected, atol=0.01)
    assert face.detector == "yunet"
    assert abs(face.pose.yaw) < 1 and abs(face.pose.roll) < 1


def square_at(x, y, half):
    return x - half, y - half, x + half, y + half


def test_in_a_reduced_copy_the_same_place_is_found_by_the_half_pixel_rule(yunet_file):
    photo = photo_with_cell(2560, 1280, 640, 320, 32)  # cell (20, 10) of 640 × 320
    detector = YunetDetector(yunet_file, smallest=80)
    detector._landmarks = Landmarks(1)
    (face,) = detector.detect(photo)
    middle = 559.5 + 96, 207.5 + 0.56 * 256
    np.testing.assert_allclose(face.box, square_at(*middle, 0.52 * 0.8 * 256), atol=0.01)
    nose = (164.5 * 4 - 0.5, 80.5 * 4 - 0.5)
    np.testing.assert_allclose(face.landmarks[2], nose, atol=0.01)


def test_scores_are_the_detectors_whatever_the_size_of_the_photo(yunet_file):
    detector = YunetDetector(yunet_file)
    small = detector.detect(photo_with_cell(320, 320, 160, 160, 8))
    large = detector.detect(photo_with_cell(3200, 640, 1600, 320, 8))
    assert small[0].score == pytest.approx(large[0].score, abs=1e-3)


def test_nothing_is_found_in_the_dark_and_in_the_smallest_photos(yunet_file):
    detector = YunetDetector(yunet_file)
    for size in ((240, 320), (1, 1), (3, 2000)):
        assert detector.detect(np.zeros((*size, 3), np.uint8)) == ()


def test_copies_to_search_are_bounded_and_each_is_half_of_the_one_before():
    assert copy_sizes(320, 240, 20) == ((320, 240), (160, 120), (80, 60), (40, 30))
    assert copy_sizes(320, 240, 40) == ((160, 120), (80, 60), (40, 30))
    assert copy_sizes(40, 2000, 20) == ((40, 2000),)
    assert copy_sizes(1, 1, 20) == ((1, 1),)
    first, *rest = copy_sizes(6000, 4000, 20)
    assert first[0] * first[1] == pytest.approx(2_500_000, rel=1e-3)
    assert [size[0] for size in rest] == pytest.approx([first[0] / 2**n for n in (1, 2, 3)], abs=1)


@pytest.mark.parametrize("content", [b"", b"no network at all", struct.pack("<64d", *range(64))])
def test_a_file_that_is_no_network_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "yunet_s_dynamic.onnx"
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


@pytest.fixture
def published(shared, monkeypatch, tmp_path):
    """The published weights, in a folder of weights of this test's own."""
    monkeypatch.setenv("RELUME_WEIGHTS", str(shared("models")))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return load_detector("auto", offline=True)


def test_the_published_network_is_the_default_where_it_is_and_finds_the_astronaut(published):
    assert published.name == "yunet"
    (face,) = published.detect(data.astronaut())
    assert judge(face, (512, 512)) == ""
    corners = face.landmarks[:4].reshape(2, 2, 2)
    np.testing.assert_allclose(corners.mean(axis=1)[::-1], [(204, 106), (247, 107)], atol=5)


def test_blurred_portraits_are_found_with_landmarks_that_align(published, shared):
    paths = sorted(shared("faces/congress").glob("*.jpg"))[::120]
    recipe = degrade.load_recipe("codeformer-2")
    found = 0
    for path in paths:
        photo = decode_image(path.read_bytes(), path.name)
        plan = degrade.plan(recipe, seed=7, image_id=path.name, size=photo.shape[:2])
        faces = published.detect(degrade.apply(plan, photo))
        found += any(not judge(face, photo.shape[:2]) for face in faces)
    assert found >= 0.9 * len(paths)
