"""Published ArcFace networks, built from descriptions, with random weights of their layouts."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from published_arcface import gray_shapes, irse50_shapes, random_state  # noqa: E402
from torch.nn import functional  # noqa: E402

from zoo.networks.faces.arcface_gray import GrayArcFace, grey, load_gray  # noqa: E402
from zoo.networks.faces.arcface_irse50 import IrSe50, load_irse50  # noqa: E402
from zoo.networks.faces.arcface_onnx import OnnxArcFace  # noqa: E402
from zoo.weights.files import WeightsRefused  # noqa: E402


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Both checkpoints, the grey one as DataParallel saved it."""
    folder = tmp_path_factory.mktemp("arcface")
    gray = {f"module.{name}": value for name, value in random_state(gray_shapes()).items()}
    torch.save(random_state(irse50_shapes()), folder / "irse50.pth")
    torch.save(gray, folder / "gray.pth")
    return folder


@pytest.mark.parametrize(
    ("network", "shapes", "millions"),
    [(IrSe50, irse50_shapes(), 43.80), (GrayArcFace, gray_shapes(), 25.63)],
)
def test_names_shapes_and_sizes_are_the_published_ones(network, shapes, millions):
    with torch.device("meta"):
        built = network()
    assert {name: tuple(value.shape) for name, value in built.state_dict().items()} == shapes
    size = sum(value.numel() for value in built.parameters())
    assert size / 1e6 == pytest.approx(millions, abs=0.005)


def bn(x, state, name):
    told = [state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
    return functional.batch_norm(x, *told)


def irse50_transcribed(x, state):
    """The published forward pass, layer by layer, from the state dict alone."""
    x = bn(functional.conv2d(x, state["input_layer.0.weight"], padding=1), state, "input_layer.1")
    x = functional.prelu(x, state["input_layer.2.weight"])
    for place in range(24):
        unit = f"body.{place}"
        stride = 2 if place in (0, 3, 7, 21) else 1
        around = x[:, :, ::stride, ::stride]
        if f"{unit}.shortcut_layer.0.weight" in state:
            around = functional.conv2d(x, state[f"{unit}.shortcut_layer.0.weight"], stride=stride)
            around = bn(around, state, f"{unit}.shortcut_layer.1")
        y = bn(x, state, f"{unit}.res_layer.0")
        y = functional.conv2d(y, state[f"{unit}.res_layer.1.weight"], padding=1)
        y = functional.prelu(y, state[f"{unit}.res_layer.2.weight"])
        y = functional.conv2d(y, state[f"{unit}.res_layer.3.weight"], stride=stride, padding=1)
        y = bn(y, state, f"{unit}.res_layer.4")
        means = functional.adaptive_avg_pool2d(y, 1)
        inner = functional.relu(functional.conv2d(means, state[f"{unit}.res_layer.5.fc1.weight"]))
        weights = torch.sigmoid(functional.conv2d(inner, state[f"{unit}.res_layer.5.fc2.weight"]))
        x = y * weights + around
    x = bn(x, state, "output_layer.0").flatten(1)
    x = functional.linear(x, state["output_layer.3.weight"], state["output_layer.3.bias"])
    x = bn(x, state, "output_layer.4")
    return x / x.norm(dim=1, keepdim=True)


def gray_transcribed(x, state):
    x = bn(functional.conv2d(x, state["conv1.weight"], padding=1), state, "bn1")
    x = functional.max_pool2d(functional.prelu(x, state["prelu.weight"]), 2, 2)
    for level in (1, 2, 3, 4):
        for place in (0, 1):
            unit, stride = f"layer{level}.{place}", 2 if level > 1 and place == 0 else 1
            slope = state[f"{unit}.prelu.weight"]
            y = functional.conv2d(
                bn(x, state, f"{unit}.bn0"), state[f"{unit}.conv1.weight"], padding=1
            )
            y = functional.prelu(bn(y, state, f"{unit}.bn1"), slope)
            y = functional.conv2d(y, state[f"{unit}.conv2.weight"], stride=stride, padding=1)
            y = bn(y, state, f"{unit}.bn2")
            if stride == 2:
                x = functional.conv2d(x, state[f"{unit}.downsample.0.weight"], stride=2)
                x = bn(x, state, f"{unit}.downsample.1")
            x = functional.prelu(y + x, slope)
    x = bn(x, state, "bn4").flatten(1)
    x = functional.linear(x, state["fc5.weight"], state["fc5.bias"])
    return bn(x, state, "bn5")


@torch.inference_mode()
def test_irse50_computes_what_its_source_does(files):
    faces = torch.rand(1, 3, 112, 112, generator=torch.Generator().manual_seed(1)) * 2 - 1
    network = load_irse50(files / "irse50.pth")
    found = network(faces)
    torch.testing.assert_close(found, irse50_transcribed(faces, random_state(irse50_shapes())))
    assert found.shape == (1, 512) and not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


@torch.inference_mode()
def test_the_grey_network_computes_what_its_source_does(files):
    faces = torch.rand(1, 1, 128, 128, generator=torch.Generator().manual_seed(2)) * 2 - 1
    found = load_gray(files / "gray.pth")(faces)
    expected = gray_transcribed(faces, random_state(gray_shapes()))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert found.shape == (1, 512) and bool(found.isfinite().all())


def test_grey_is_gfpgans_luma():
    red, green, blue = torch.eye(3)[:, :, None, None]
    told = [float(grey(colour[None])) for colour in (red, green, blue)]
    assert told == pytest.approx([0.2989, 0.5870, 0.1140])


@pytest.mark.parametrize(
    ("load", "other", "words"),
    [(load_irse50, "gray.pth", "no IR-SE50"), (load_gray, "irse50.pth", "no grey ArcFace")],
)
def test_anothers_weights_a_cut_file_and_code_are_one_line(files, tmp_path, load, other, words):
    with pytest.raises(WeightsRefused, match=words) as caught:
        load(files / other)
    assert "\n" not in str(caught.value)
    (tmp_path / "cut.pth").write_bytes((files / other).read_bytes()[:5000])
    with pytest.raises(WeightsRefused, match="damaged"):
        load(tmp_path / "cut.pth")
    torch.save({"conv1.weight": torch.nn.Conv2d(1, 1, 1)}, tmp_path / "code.pth")
    with pytest.raises(WeightsRefused, match="could run code"):
        load(tmp_path / "code.pth")


def onnx_file(path, side=112, channels=3, features=4):
    """Write a network of insightface's layout: the means of strips, one for each feature."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(0).normal(size=(features, channels, side, side))
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["input.1", "weights"], ["maps"]),
            helper.make_node("Flatten", ["maps"], ["683"], axis=1),
        ],
        "small",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, ["n", channels, side, side])],
        [helper.make_tensor_value_info("683", TensorProto.FLOAT, ["n", features])],
        [numpy_helper.from_array(weights.astype(np.float32), "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return weights


def test_an_onnx_file_gets_rgb_planes_from_minus_one_to_one(tmp_path):
    pytest.importorskip("onnxruntime")
    weights = onnx_file(tmp_path / "w600k_r50.onnx")
    face = np.random.default_rng(3).uniform(0, 255, (112, 112, 3)).astype(np.float32)
    found = OnnxArcFace(tmp_path / "w600k_r50.onnx").describe(face)
    planes = (face.transpose(2, 0, 1).astype(np.float64) - 127.5) / 127.5
    np.testing.assert_allclose(
        found, np.einsum("fchw,chw->f", weights, planes), rtol=1e-3, atol=1e-2
    )


def test_an_onnx_file_of_another_layout_or_a_cut_one_is_one_line(tmp_path):
    pytest.importorskip("onnxruntime")
    onnx_file(tmp_path / "other.onnx", side=128)
    with pytest.raises(WeightsRefused, match=r"128.*instead of \[n, 3, 112, 112\]") as caught:
        OnnxArcFace(tmp_path / "other.onnx")
    assert "\n" not in str(caught.value)
    content = (tmp_path / "other.onnx").read_bytes()
    for wrong in (content[: len(content) // 2], b"", b"no network at all"):
        (tmp_path / "cut.onnx").write_bytes(wrong)
        with pytest.raises(WeightsRefused, match="damaged"):
            OnnxArcFace(tmp_path / "cut.onnx")
