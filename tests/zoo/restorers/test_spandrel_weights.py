"""Files of weights by anybody: identified, or refused in one line; nothing in them is run."""

import pickle
import random

import pytest

from degrade.errors import DependencyError, UserError
from zoo.restorers.spandrel.weights import NetworkFileError, read_network
from zoo.weights.files import WeightsRefused

torch = pytest.importorskip("torch")
pytest.importorskip("spandrel")
layouts = pytest.importorskip("published_layouts")


@pytest.fixture
def save(tmp_path):
    return lambda content, name="model.pth": layouts.save(content, tmp_path / name)


@pytest.mark.parametrize("wrapped", [None, "params_ema", "params", "state_dict"])
def test_weights_are_found_in_what_trainers_wrap_them_in(save, wrapped):
    state = layouts.compact(2)
    network = read_network(save({wrapped: state} if wrapped else state))
    assert network.architecture.id == "Compact"
    assert network.scale == 2
    assert not network.model.training


def test_restoreformers_own_checkpoint_is_taken_out_of_its_trainer(save):
    state = {f"vqvae.{name}": value for name, value in layouts.restoreformer().state_dict().items()}
    state["loss.perceptual_loss.lin0.weight"] = torch.zeros(3)
    network = read_network(save({"state_dict": state}, "RestoreFormer.ckpt"))
    assert network.architecture.id == "RestoreFormer"


def test_safetensors_are_read(save):
    assert read_network(save(layouts.compact(1), "model.safetensors")).architecture.id == "Compact"


def test_another_architecture_than_the_one_asked_for_is_refused(save):
    path = save(layouts.compact(4))
    assert read_network(path, "Compact").scale == 4
    with pytest.raises(NetworkFileError, match="holds a Compact network, not GFPGAN") as refused:
        read_network(path, "GFPGAN")
    assert "\n" not in str(refused.value)


def test_an_architecture_that_does_not_exist_is_answered_with_the_nearest(save):
    with pytest.raises(NetworkFileError, match=r"did you mean GFPGAN\?"):
        read_network(save(layouts.compact(4)), "GFPGANN")


class _Hostile:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (open, (str(self.trace), "w"))


@pytest.mark.parametrize("wrap", ["torch", "pickle"])
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path, save, wrap):
    trace = tmp_path / "ran"
    path = tmp_path / "model.pth"
    if wrap == "torch":
        save({"params_ema": {**layouts.compact(1), "extra": _Hostile(trace)}})
    else:
        path.write_bytes(pickle.dumps(_Hostile(trace)))
    with pytest.raises(WeightsRefused, match=r"could run code|damaged") as refused:
        read_network(path)
    assert "\n" not in str(refused.value)
    assert not trace.exists()


@pytest.mark.parametrize("name", ["model.pth", "model.safetensors"])
@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_a_file_cut_short_anywhere_is_refused_in_one_line(save, name, kept):
    path = save(layouts.compact(1), name)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(WeightsRefused, match=r"damaged|cut") as refused:
        read_network(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["model.pth", "model.safetensors"])
def test_a_file_with_changed_bytes_loads_or_is_refused_in_one_line(save, name):
    state = layouts.compact(1)
    path = save({"params": state} if name.endswith("pth") else state, name)
    whole = path.read_bytes()
    rng = random.Random(0)
    refused = 0
    for trial in range(150):
        spoiled = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            spoiled[rng.randrange(len(spoiled) if trial % 2 else 600)] = rng.randrange(256)
        path.write_bytes(spoiled)
        try:
            read_network(path)
        except UserError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 50


def test_tensors_that_claim_what_the_file_does_not_hold_build_no_network(save):
    state = layouts.compact(1)
    state["body.2.weight"] = torch.zeros(1).expand(100_000, 100_000, 3, 3)
    path = save(state)
    assert path.stat().st_size < 100_000
    with pytest.raises(WeightsRefused, match=r"claims 360000 MB of weights in 0\.0 MB"):
        read_network(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"weight": torch.zeros(3)}, "no architecture"),
        ({}, "no architecture"),
        ({"params": {"body.0.weight": [1.0]}}, "no architecture"),
        (["no", "weights"], "no state dict"),
        ({1: torch.zeros(3)}, "no state dict"),
        (dict(list(layouts.compact(1).items())[1:]), "no architecture"),
        (
            {name: value for name, value in layouts.compact(1).items() if name != "body.0.bias"},
            "does not fit its architecture",
        ),
        (layouts.compact(1) | {"body.0.weight": torch.zeros(8)}, "does not fit its architecture"),
        (layouts.compact(1) | {"body.0.weight": 3}, "does not fit its architecture"),
    ],
)
def test_what_holds_no_network_is_refused_in_one_line(save, content, told):
    with pytest.raises(NetworkFileError, match=told) as refused:
        read_network(save(content))
    assert "\n" not in str(refused.value)


def test_a_codeformer_without_its_package_says_which_to_install(save, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "spandrel_extra_arches", None)
    names = ("position_emb", "idx_pred_layer.1.weight", "quantize.embedding.weight")
    with pytest.raises(DependencyError, match=r"non-commercial.*relume\[spandrel-extra\]"):
        read_network(save({"params_ema": {name: torch.zeros(3) for name in names}}))


def test_no_file_and_another_kind_of_file_are_told(tmp_path):
    with pytest.raises(NetworkFileError, match="there is no file"):
        read_network(tmp_path / "nothing.pth")
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(NetworkFileError, match=r"\.safetensors, \.pth, \.ckpt"):
        read_network(tmp_path / "notes.txt")


def test_reading_leaves_spandrels_own_table_as_it_was(save):
    import spandrel

    before = len(spandrel.MAIN_REGISTRY)
    read_network(save(layouts.compact(1)))
    assert len(spandrel.MAIN_REGISTRY) == before


def test_every_refusal_is_a_persons_mistake():
    assert issubclass(NetworkFileError, UserError)
