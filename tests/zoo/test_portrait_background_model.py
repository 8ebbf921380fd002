"""A network by path for the background: read safely, run in tiles, brought back to size."""

import pickle

import numpy as np
import pytest

from zoo.portrait.background_model import BackgroundModelError, load_background_model
from zoo.portrait.pipeline import restore_photo
from zoo.weights import WeightsRefused

torch = pytest.importorskip("torch")
spandrel = pytest.importorskip("spandrel")


def _compact(scale, shade=0.0, channels=3):
    """A RealESRGAN Compact network's weights that add ``shade``: its input enlarged, else zero.

    Keys and shapes: xinntao/Real-ESRGAN, realesrgan/archs/srvgg_arch.py.
    """
    out = channels * scale**2
    state = {"body.0.weight": torch.zeros(8, channels, 3, 3), "body.0.bias": torch.zeros(8)}
    state |= {"body.1.weight": torch.zeros(8)}
    state |= {"body.2.weight": torch.zeros(8, 8, 3, 3), "body.2.bias": torch.zeros(8)}
    state |= {"body.3.weight": torch.zeros(8)}
    state |= {
        "body.4.weight": torch.zeros(out, 8, 3, 3),
        "body.4.bias": torch.full((out,), shade),
    }
    return state


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 200, (70, 300, 3), dtype=np.uint8)


@pytest.fixture
def save(tmp_path):
    def write(state, name="model.pth"):
        path = tmp_path / name
        if path.suffix == ".safetensors":
            from safetensors.torch import save_file

            save_file(state, path)
        else:
            torch.save(state, path)
        return path

    return write


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_that_enlarges_comes_back_at_the_size_of_the_photo(photo, save, scale, channels):
    model = load_background_model(save(_compact(scale, channels=channels)))
    assert model.scale == scale
    assert np.array_equal(model(photo, 1.0), photo)


@pytest.mark.parametrize("name", ["model.safetensors", "model.pth", "model.ckpt"])
def test_what_the_network_adds_is_added_by_strength(photo, save, name):
    model = load_background_model(save(_compact(2, shade=20 / 255), name))
    assert np.array_equal(model(photo, 1.0), photo + 20)
    assert np.array_equal(model(photo, 0.5), photo + 10)
    assert np.array_equal(model(photo, 0.0), photo)


def test_weights_are_found_in_what_trainers_wrap_them_in(photo, save):
    model = load_background_model(save({"params_ema": _compact(1)}))
    assert np.array_equal(model(photo), photo)


def test_the_notice_names_the_architecture_and_its_licence(save):
    notice = load_background_model(save(_compact(4))).notice
    assert "RealESRGAN Compact" in notice
    assert "permissive" in notice
    assert "licence of the weights" in notice


def test_progress_counts_tiles(photo, save):
    told = []
    model = load_background_model(save(_compact(1)))
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
    model = load_background_model(save(_compact(1, shade=float("nan"))))
    with pytest.raises(BackgroundModelError, match="not finite"):
        model(photo)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"weight": [1.0]}, "no architecture"),
        ({name: value for name, value in _compact(1).items() if name != "body.0.bias"}, "fit"),
        (["no", "weights"], "no state dict"),
    ],
)
def test_files_that_hold_no_network_are_refused_in_one_line(save, state, said):
    if isinstance(state, dict):
        state = {name: torch.as_tensor(value) for name, value in state.items()}
    with pytest.raises(BackgroundModelError, match=said) as refused:
        load_background_model(save(state))
    assert "\n" not in str(refused.value)


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(b"\x40\0\0\0\0\0\0\0{")
    with pytest.raises(WeightsRefused):
        load_background_model(path)


def test_a_name_that_is_neither_known_nor_a_file_says_what_there_is(tmp_path, photo):
    with pytest.raises(BackgroundModelError, match="none, clean, or the path"):
        load_background_model(tmp_path / "nothing.pth")
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(BackgroundModelError, match=r"\.safetensors, \.pth, \.ckpt"):
        load_background_model(tmp_path / "notes.txt")


class _NoFaces:
    name = "none"

    def detect(self, image):
        return ()


def test_the_pipeline_takes_a_path_as_background(photo, save):
    path = save(_compact(2, shade=20 / 255))
    restored, faces = restore_photo(
        photo, "input", 1.0, detector=_NoFaces(), background=str(path), identity_threshold=None
    )
    assert faces == ()
    assert np.array_equal(restored, photo + 20)
