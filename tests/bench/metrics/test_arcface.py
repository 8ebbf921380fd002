"""The identity metrics of ArcFace networks, with random weights in the published layouts."""

import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from published_arcface import gray_shapes, irse50_shapes, random_state  # noqa: E402

import zoo.weights.files  # noqa: E402
from bench.metrics.entry import Status  # noqa: E402
from bench.metrics.identity.arcface import ENTRIES  # noqa: E402
from bench.metrics.metric import Sample  # noqa: E402
from bench.metrics.registry import describe_metrics, entry_of, load_metric  # noqa: E402
from zoo.networks.faces.arcface_gray import grey, load_gray  # noqa: E402
from zoo.networks.faces.arcface_irse50 import load_irse50  # noqa: E402
from zoo.networks.faces.face_descriptor import (  # noqa: E402
    DescriptorConfig,
    FaceDescriptor,
    load_descriptor,
    save_descriptor,
)
from zoo.portrait.align.arcface_crop import arcface_crop  # noqa: E402
from zoo.weights import builtin as shipped  # noqa: E402
from zoo.weights.files import WeightsRefused  # noqa: E402
from zoo.weights.header import loss_networks_of  # noqa: E402

NAMES = [entry.name for entry in ENTRIES if entry.name != "identity_arcface_small"]


def entry(name):
    return next(each for each in describe_metrics() if each.name == name)


def picture(seed, side=128):
    coarse = np.random.default_rng(seed).integers(0, 256, (side // 8, side // 8, 3), np.uint8)
    return np.ascontiguousarray(coarse.repeat(8, axis=0).repeat(8, axis=1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The weights of both PyTorch networks, random."""
    place = tmp_path_factory.mktemp("weights")
    torch.save(random_state(irse50_shapes()), place / "recognition_arcface_ir_se50.pth")
    torch.save(random_state(gray_shapes()), place / "arcface_resnet18.pth")
    return place


def use(folder, monkeypatch):
    """Look for weights there; IR-SE50's published digest is replaced by that of ours."""
    known = dict(zoo.weights.files.KNOWN_WEIGHTS)
    content = (folder / "recognition_arcface_ir_se50.pth").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    known["arcface-irse50"] = replace(known["arcface-irse50"], sha256=digest)
    monkeypatch.setattr(zoo.weights.files, "KNOWN_WEIGHTS", known)
    monkeypatch.setenv("RELUME_WEIGHTS", str(folder))


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    monkeypatch.delenv("RELUME_WEIGHTS", raising=False)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))


@torch.inference_mode()
def by_hand(network, images, template, judge):
    side = 112 if judge == "irse50" else 128
    crops = np.stack([arcface_crop(image, template, side) for image in images])
    planes = torch.from_numpy(crops).permute(0, 3, 1, 2) / 127.5 - 1
    one, other = network(planes if judge == "irse50" else grey(planes))
    return float(torch.nn.functional.cosine_similarity(one, other, dim=0))


@pytest.mark.parametrize("judge", ["irse50", "gray"])
def test_values_are_the_cosine_and_angle_of_what_the_network_sees(folder, monkeypatch, judge):
    use(folder, monkeypatch)
    one, other = picture(1), picture(2)
    load, file = {
        "irse50": (load_irse50, "recognition_arcface_ir_se50.pth"),
        "gray": (load_gray, "arcface_resnet18.pth"),
    }[judge]
    network, found = load(folder / file), {}
    for ending, template in (("", "ffhq"), ("_degrees", "ffhq"), ("_tight", "tight")):
        metric = load_metric(f"identity_arcface_{judge}{ending}")
        measured = metric.measure(Sample(one), Sample(other))
        assert measured.status is Status.OK
        found[ending] = measured.value
        if ending != "_degrees":
            expected = by_hand(network, [one, other], template, judge)
            assert measured.value == pytest.approx(expected, abs=1e-4)
        same = metric.measure(Sample(one), Sample(one.copy()))
        assert same.value == pytest.approx(0 if ending == "_degrees" else 1, abs=1e-6)
    assert found["_degrees"] == pytest.approx(math.degrees(math.acos(found[""])), abs=1e-6)
    assert found[""] != found["_tight"]


def test_an_image_is_described_once_for_cosine_and_degrees(folder, monkeypatch):
    use(folder, monkeypatch)
    one, other = Sample(picture(1)), Sample(picture(2))
    cosines, angles = (load_metric(f"identity_arcface_gray{end}") for end in ("", "_degrees"))
    cosines.measure(one, other)
    monkeypatch.setattr(angles, "_describe", lambda image: 1 / 0)
    assert angles.measure(one, other).status is Status.OK


def test_images_that_are_no_aligned_faces_are_an_error_with_a_reason(folder, monkeypatch):
    use(folder, monkeypatch)
    metric = load_metric("identity_arcface_gray")
    for shape, words in (((64, 80, 3), "not square"), ((16, 16, 3), "too small")):
        sample = Sample(np.zeros(shape, np.uint8))
        measured = metric.measure(sample, sample)
        assert measured.status is Status.ERROR and words in measured.detail
    wide = Sample(np.zeros((64, 64, 3), np.uint8)), Sample(np.zeros((80, 80, 3), np.uint8))
    assert "sizes differ" in metric.measure(*wide).detail


@pytest.mark.parametrize("name", NAMES)
def test_missing_weights_are_a_status_with_the_one_command_that_mends_it(nowhere, name):
    if "onnxruntime" in entry(name).packages:
        pytest.importorskip("onnxruntime")
    told = entry(name)
    assert told.status is Status.WEIGHTS_MISSING
    mend = "copy it to" if "gray" in name else f"zoo fetch {told.weights}"
    assert mend in told.detail
    measured = load_metric(name).measure(Sample(picture(1)), Sample(picture(1)))
    assert (measured.value, measured.status) == (None, Status.WEIGHTS_MISSING)
    assert mend in measured.detail


def test_another_file_under_a_published_name_is_refused(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("RELUME_WEIGHTS", str(folder))
    with pytest.raises(WeightsRefused, match="sha256"):
        load_metric("identity_arcface_irse50")


def test_an_onnx_network_is_a_metric_too(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(0).normal(size=(8, 3, 112, 112)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["input.1", "weights"], ["maps"]),
            helper.make_node("Flatten", ["maps"], ["683"], axis=1),
        ],
        "small",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("683", TensorProto.FLOAT, ["n", 8])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = tmp_path / "w600k_r50.onnx"
    onnx.save(model, path)
    known = dict(zoo.weights.files.KNOWN_WEIGHTS)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    known["arcface-w600k-r50"] = replace(known["arcface-w600k-r50"], sha256=digest)
    monkeypatch.setattr(zoo.weights.files, "KNOWN_WEIGHTS", known)
    monkeypatch.setenv("RELUME_WEIGHTS", str(tmp_path))
    one, other = picture(1), picture(2)
    seen = [
        weights.reshape(8, -1)
        @ (arcface_crop(image, "ffhq").transpose(2, 0, 1).ravel() / 127.5 - 1)
        for image in (one, other)
    ]
    expected = seen[0] @ seen[1] / np.linalg.norm(seen[0]) / np.linalg.norm(seen[1])
    measured = load_metric("identity_arcface").measure(Sample(one), Sample(other))
    assert measured.value == pytest.approx(expected, abs=1e-3)


def test_the_grey_networks_judge_is_what_gfpgan_was_trained_against():
    from zoo.restorers.spandrel.architectures import architecture_facts

    assert entry("identity_arcface_gray").judge in architecture_facts("GFPGAN").loss_networks


def ship(folder, monkeypatch, digest=None):
    """Put a random descriptor in the place of arcface-small."""
    torch.manual_seed(3)
    network = FaceDescriptor(DescriptorConfig(32, (8, 12), 16))
    path = folder / "arcface-small.safetensors"
    save_descriptor(network, path, {"steps": 1, "config": {"network": {}}})
    digest = digest or hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "arcface-small.yaml").write_text(
        "name: arcface-small\nkind: descriptor\nsummary: a test\nlicence_code: MIT\n"
        "licence_weights: none\nsource: test\ninput_size: [128, 128]\ntrained_on: nothing\n"
        f"loss_networks: []\nsha256: {digest}\nblind: true\nlimits: none\n"
    )
    monkeypatch.setattr(shipped, "FOLDER", folder)
    return path


def test_the_small_ones_value_is_the_cosine_of_its_descriptors(tmp_path, monkeypatch):
    network = load_descriptor(ship(tmp_path, monkeypatch))
    metric = load_metric("identity_arcface_small")
    one, other = picture(1), picture(2)
    planes = torch.from_numpy(np.stack([one, other])).permute(0, 3, 1, 2).float() / 255
    described = network(planes)
    measured = metric.measure(Sample(one), Sample(other))
    assert measured.value == pytest.approx(float(described[0] @ described[1]), abs=1e-5)
    assert metric.measure(Sample(one), Sample(one)).value == pytest.approx(1)
    assert metric.measure(Sample(one[:, :96]), Sample(one[:, :96])).status is Status.ERROR


def test_a_file_that_is_missing_or_not_its_cards_is_refused(tmp_path, monkeypatch):
    path = ship(tmp_path, monkeypatch, digest="f" * 64)
    with pytest.raises(
        WeightsRefused, match=r"arcface-small\.safetensors is not the file of its card"
    ):
        load_metric("identity_arcface_small")
    path.unlink()
    measured = load_metric("identity_arcface_small").measure(Sample(picture(1)), Sample(picture(1)))
    assert measured.status is Status.WEIGHTS_MISSING
    assert "arcface-small.safetensors" in measured.detail
    assert "install relume again" in measured.detail


def test_a_descriptor_is_no_restorer(tmp_path, monkeypatch):
    ship(tmp_path, monkeypatch)
    assert shipped.shipped_names() == ()
    assert shipped.shipped_names("descriptor") == shipped.shipped_names(None) == ("arcface-small",)


def test_a_restorer_trained_against_it_carries_the_dagger_of_its_metric():
    against = loss_networks_of({"identity": {"network": "arcface-small", "weight": 0.1}})
    assert entry_of("identity_arcface_small").judge in against
    assert entry_of("identity_arcface_small").judge not in loss_networks_of({"perceptual": 0.05})
