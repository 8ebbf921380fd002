"""`zoo export`: what onnxruntime computes from the file is what PyTorch computes."""

import importlib.util

import numpy as np
import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
onnxruntime = pytest.importorskip("onnxruntime")

from trained_weights import STYLE, UNET, trained_file  # noqa: E402

import zoo  # noqa: E402
from degrade import __version__  # noqa: E402
from degrade.errors import DependencyError, UserError  # noqa: E402
from zoo.cli import main  # noqa: E402
from zoo.registry.registry import find  # noqa: E402
from zoo.restorers.onnx_export import OPSET, export_onnx  # noqa: E402
from zoo.weights.builtin import shipped_names  # noqa: E402

DESIGNS = {"style": STYLE, "unet": UNET, "encoder": STYLE | {"start": "encoder", "masked": False}}


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def largest_difference(restorer, path, count):
    """Between PyTorch and onnxruntime, over random faces and, where it takes some, masks."""
    rng = np.random.default_rng(count)
    side = restorer.side
    feed = {"faces": rng.random((count, 3, side, side), np.float32)}
    if restorer.masked:
        feed["mask"] = rng.random((count, 19, side, side), np.float32) / 10
        feed["mask"][-1] = 0
    with torch.inference_mode():
        wanted = restorer.network(*(torch.from_numpy(value) for value in feed.values()))
    (found,) = session(path).run(None, feed)
    assert found.shape == wanted.shape
    return np.abs(found - wanted.numpy()).max()


@pytest.fixture(scope="module", params=DESIGNS)
def exported(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx")
    weights = trained_file(folder / f"{request.param}.safetensors", DESIGNS[request.param])
    return str(weights), export_onnx(find(str(weights)), folder / "out.onnx")


@pytest.mark.parametrize("count", [1, 3])
def test_onnxruntime_agrees_with_torch_for_any_number_of_faces(exported, count):
    name, path = exported
    assert largest_difference(zoo.load(name), path, count) <= 1e-4


def test_the_file_says_what_it_is(exported):
    name, path = exported
    card, model = zoo.card(name), onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    told = {entry.key: entry.value for entry in model.metadata_props}
    assert (told["name"], told["version"]) == (card.name, __version__)
    assert told["licence_weights"] == card.licence_weights
    assert told["sha256"] == card.sha256
    assert "no evidence of who someone is" in told["notice"]
    assert {entry.version for entry in model.opset_import if entry.domain == ""} == {OPSET}
    inputs = {entry.name: entry.type.tensor_type.shape.dim for entry in model.graph.input}
    assert list(inputs) == (["faces", "mask"] if card.regions else ["faces"])
    assert told.get("mask_regions", "") == ",".join(card.regions)
    for dimensions in inputs.values():
        assert dimensions[0].dim_param and [d.dim_value for d in dimensions][2:] == [64, 64]
    assert [entry.name for entry in model.graph.output] == ["restored"]


def test_the_recipe_of_the_help_gives_the_restorers_levels(exported):
    name, path = exported
    restorer = zoo.load(name)
    crops = np.random.default_rng(4).integers(0, 256, (2, 64, 64, 3), np.uint8)
    feed = {"faces": crops.transpose(0, 3, 1, 2).astype(np.float32) / 255}
    if restorer.masked:
        feed["mask"] = np.zeros((2, 19, 64, 64), np.float32)
    (restored,) = session(path).run(None, feed)
    levels = np.rint(restored.clip(0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)
    apart = np.abs(levels.astype(int) - np.stack(restorer.restore(list(crops))))
    assert apart.max() <= 1 and (apart > 0).mean() < 1e-3


def test_the_command_writes_the_file_and_says_so(tmp_path):
    weights = trained_file(tmp_path / "u.safetensors", UNET)
    told = CliRunner().invoke(main, ["export", str(weights), str(tmp_path / "u.onnx")])
    assert told.exit_code == 0 and told.stderr == ""
    assert told.stdout.startswith(f"wrote {tmp_path / 'u.onnx'} (")
    assert [path.name for path in tmp_path.glob("*.onnx*")] == ["u.onnx"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["nlmeans", "a.onnx"], "is not a network of `zoo train`"),
        (["nlmeans", "a.pt"], "end it in .onnx"),
        (["nlmaens", "a.onnx"], "did you mean nlmeans?"),
    ],
)
def test_wrong_use_is_one_line_and_writes_nothing(tmp_path, monkeypatch, words, line):
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(main, ["export", *words])
    assert told.exit_code == 2 and line in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_one_line(tmp_path, monkeypatch):
    weights = trained_file(tmp_path / "a.safetensors")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DependencyError, match=r"pip install 'relume\[export\]'"):
        export_onnx(find(str(weights)), tmp_path / "a.onnx")
    with pytest.raises(UserError, match="not a network of"):
        export_onnx(find("nlmeans"), tmp_path / "a.onnx")


@pytest.mark.parametrize("name", shipped_names())
def test_what_is_shipped_can_be_exported(tmp_path, name):
    path = export_onnx(find(name), tmp_path / "a.onnx")
    assert largest_difference(zoo.load(name), path, 2) <= 1e-4
