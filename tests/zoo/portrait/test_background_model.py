"""A network by path for the background: read safely, run in tiles, brought back to size."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from degrade.errors import UserError
from zoo.portrait.background.network import BackgroundModelError, load_background_model
from zoo.portrait.pipeline import restore_photo
from zoo.restorers.spandrel.network import RestorationError
from zoo.restorers.spandrel.weights import NetworkFileError
from zoo.weights.files import WeightsRefused

torch = pytest.importorskip("torch")
pytest.importorskip("spandrel")
layouts = pytest.importorskip("published_layouts")
compact = layouts.compact


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 200, (70, 300, 3), dtype=np.uint8)


@pytest.fixture
def save(tmp_path):
    return lambda state, name="model.pth": layouts.save(state, tmp_path / name)


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_that_enlarges_comes_back_at_the_size_of_the_photo(photo, save, scale, channels):
    model = load_background_model(save(compact(scale, channels=channels)))
    assert model.scale == scale
    assert np.array_equal(model(photo, 1.0), photo)


@pytest.mark.parametrize("name", ["model.safetensors", "model.pth", "model.ckpt"])
def test_what_the_network_adds_is_added_by_strength(photo, save, name):
    model = load_background_model(save(compact(2, shade=20 / 255), name))
    assert np.array_equal(model(photo, 1.0), photo + 20)
    assert np.array_equal(model(photo, 0.5), photo + 10)
    assert np.array_equal(model(photo, 0.0), photo)


def test_weights_are_found_in_what_trainers_wrap_them_in(photo, save):
    model = load_background_model(save({"params_ema": compact(1)}))
    assert np.array_equal(model(photo), photo)


def test_the_notice_names_the_architecture_and_its_licence(save):
    notice = load_background_model(save(compact(4))).notice
    assert "RealESRGAN Compact" in notice
    assert "licence of the architecture: permissive" in notice
    assert "licence of the weights" in notice


def test_progress_counts_tiles(photo, save):
    told = []
    model = load_background_model(save(compact(1)))
    model(photo, on_progress=lambda done, whole: told.append((done, whole)))
    assert told == [(1, 2), (2, 2)]


class _Hostile:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (open, (str(self.trace), "w"))


@pytest.mark.parametrize("wrap", ["torch", "pickle"])
def test_a_pickle_that_would_run_code_is_refused_in_one_line(tmp_path, save, wrap):
    trace = tmp_path / "ran"
    if wrap == "torch":
        path = save({"params": _Hostile(trace)})
    else:
        path = tmp_path / "model.pth"
        path.write_bytes(pickle.dumps(_Hostile(trace)))
    with pytest.raises(WeightsRefused, match=r"could run code|damaged") as refused:
        load_background_model(path)
    assert "\n" not in str(refused.value)
    assert not trace.exists()


def test_weights_that_are_not_finite_are_told_and_paint_nothing_black(photo, save):
    model = load_background_model(save(compact(1, shade=float("nan"))))
    with pytest.raises(RestorationError, match="not finite"):
        model(photo)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"weight": [1.0]}, "no architecture"),
        ({name: value for name, value in compact(1).items() if name != "body.0.bias"}, "fit"),
        (["no", "weights"], "no state dict"),
    ],
)
def test_files_that_hold_no_network_are_refused_in_one_line(save, state, said):
    if isinstance(state, dict):
        state = {name: torch.as_tensor(value) for name, value in state.items()}
    with pytest.raises(NetworkFileError, match=said) as refused:
        load_background_model(save(state))
    assert "\n" not in str(refused.value)


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(b"\x40\0\0\0\0\0\0\0{")
    with pytest.raises(WeightsRefused):
        load_background_model(path)


def test_a_name_that_is_neither_known_nor_a_file_says_what_there_is(tmp_path, photo):
    with pytest.raises(BackgroundModelError, match="choose none, clean, the path"):
        load_background_model(tmp_path / "nothing.pth")
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(NetworkFileError, match=r"\.safetensors, \.pth, \.ckpt"):
        load_background_model(tmp_path / "notes.txt")


class _NoFaces:
    name = "none"

    def detect(self, image):
        return ()


def test_the_pipeline_takes_a_path_as_background(photo, save):
    path = save(compact(2, shade=20 / 255))
    restored, faces = restore_photo(
        photo, "input", 1.0, detector=_NoFaces(), background=str(path), identity_threshold=None
    )
    assert faces == ()
    assert np.array_equal(restored, photo + 20)


def test_a_network_that_was_added_is_a_background_by_its_name(photo, save, tmp_path, monkeypatch):
    from zoo.registry.add import UserFacts, add_network

    monkeypatch.setenv("RELUME_RESTORERS", str(tmp_path / "restorers"))
    add_network("brighter", save(compact(2, shade=20 / 255)), UserFacts())
    model = load_background_model(Path("brighter"))
    assert np.array_equal(model(photo), photo + 20)
    model.path.write_bytes(model.path.read_bytes() + b"!")
    with pytest.raises(UserError, match="has sha256"):
        load_background_model(Path("brighter"))


def test_networks_for_faces_and_of_too_large_a_scale_are_refused(save):
    state = {"params": layouts.restoreformer().state_dict()}
    with pytest.raises(BackgroundModelError, match="for faces, not for whole photos"):
        load_background_model(save(state))
    with pytest.raises(BackgroundModelError, match="enlarges by 8: a background takes 1 to 4"):
        load_background_model(save(compact(8)))


def test_an_architecture_under_a_licence_to_agree_to_is_refused_before(save, tmp_path, monkeypatch):
    from zoo.restorers.spandrel.architectures import Architecture
    from zoo.weights.licences import accept_licence

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.setattr(
        "zoo.restorers.spandrel.architectures._KNOWN",
        {"Compact": Architecture("NC", consent="s-lab-1.0")},
    )
    path = save(compact(1))
    with pytest.raises(UserError, match=r"--accept-licence s-lab-1\.0"):
        load_background_model(path)
    accept_licence("s-lab-1.0")
    assert "licence of the architecture: NC" in load_background_model(path).notice
