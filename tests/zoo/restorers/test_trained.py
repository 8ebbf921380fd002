"""Restorers that `zoo train` made, from files with random weights."""

import dataclasses
import json
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from trained_weights import STYLE, UNET, as_file, random_tensors, trained_file  # noqa: E402

import zoo  # noqa: E402
from degrade.errors import ImageError  # noqa: E402
from zoo.mean_mask import template_mask  # noqa: E402
from zoo.networks.restoration.designs import build_network, restorer_config  # noqa: E402
from zoo.restorer import Restorer  # noqa: E402
from zoo.restorers.trained import TrainedRestorer  # noqa: E402
from zoo.weights.files import WeightsMissing, WeightsRefused  # noqa: E402
from zoo.weights.header import read_trained_file  # noqa: E402


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return trained_file(tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture(scope="module")
def restorer(weights):
    return zoo.load(str(weights))


def faces(count, side=64):
    rng = np.random.default_rng(5)
    return [rng.integers(0, 256, (side, side, 3), np.uint8) for _ in range(count)]


def masks(count):
    """Masks of faces, each a little fainter in its own way."""
    rng = np.random.default_rng(6)
    mean = template_mask("tight", 64)
    return [mean * rng.uniform(0.7, 1, (19, 64, 64)).astype(np.float32) for _ in range(count)]


def by_hand(weights_path, face, mask):
    """The network's own answer, from the file's tensors, without the restorer."""
    from safetensors.torch import load_file

    file = read_trained_file(weights_path)
    network = build_network(restorer_config(file.config["network"])).eval()
    network.load_state_dict({k: v.float() for k, v in load_file(weights_path).items()})
    seen = torch.from_numpy(face).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        known = None if mask is None else torch.from_numpy(mask)[None]
        restored = network(seen, known)[0].clamp(0, 1)
    return restored.permute(1, 2, 0).numpy() * 255


@pytest.mark.parametrize("network", [STYLE, UNET, STYLE | {"start": "encoder", "masked": False}])
def test_it_is_the_network_of_the_file_rounded_to_levels(tmp_path, network):
    path = trained_file(tmp_path / "a.safetensors", network)
    face, mask = faces(1)[0], masks(1)[0]
    restorer = zoo.load(str(path))
    for given in (None, mask):
        (restored,) = restorer.restore([face], [given])
        assert isinstance(restorer, Restorer)
        assert restored.dtype == np.uint8 and restored.shape == face.shape
        assert np.abs(restored - by_hand(path, face, given)).max() <= 0.5 + 1e-3
        assert np.abs(restored.astype(int) - face).mean() > 1


def test_a_mask_counts_where_the_network_looks_at_masks(tmp_path, restorer):
    face, mask = faces(1)[0], masks(1)[0]
    assert not np.array_equal(*restorer.restore([face, face], [None, mask]))
    plain = zoo.load(str(trained_file(tmp_path / "u.safetensors", UNET)))
    np.testing.assert_array_equal(*plain.restore([face, face], [None, mask]))
    assert plain.card.regions == () and "skin" in restorer.card.regions


def test_a_faces_bytes_do_not_depend_on_its_neighbours(restorer):
    some, known = faces(5), [*masks(3), None, None]
    together = restorer.restore(some, known)
    for number in range(5):
        (alone,) = restorer.restore([some[number]], [known[number]])
        np.testing.assert_array_equal(alone, together[number])
    for restored, again in zip(
        together, restorer.restore(some[::-1], known[::-1])[::-1], strict=True
    ):
        np.testing.assert_array_equal(restored, again)


def test_no_faces_give_none_and_views_are_taken_and_left_as_they_are(restorer):
    assert restorer.restore([]) == []
    face = faces(1)[0]
    view = face[::-1, ::-1]
    np.testing.assert_array_equal(*restorer.restore([view, view.copy()]))
    np.testing.assert_array_equal(face, faces(1)[0])


def test_threads_at_once_give_the_same_bytes(restorer):
    some = faces(2)
    expected, found = restorer.restore(some), []
    threads = [threading.Thread(target=lambda: found.append(restorer.restore(some))) for _ in "123"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    for again in found:
        np.testing.assert_array_equal(again, expected)


def test_loading_and_restoring_leave_torch_as_it_was(weights):
    def settings():
        return (
            torch.get_num_threads(), torch.is_grad_enabled(), torch.is_inference_mode_enabled(),
            torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled(),
            torch.get_rng_state().tolist(),
        )  # fmt: skip

    before = settings()
    zoo.load(str(weights)).restore(faces(1))
    assert settings() == before


def test_its_own_card_says_what_the_file_tells(weights, restorer):
    card = zoo.card(str(weights))
    assert restorer.card == card
    assert (card.name, card.kind, card.input_size) == ("small", "network", (64, 64))
    assert card.template == "tight" and card.blind
    assert card.loss_networks == ("efficientnet-lite0",)
    assert "50 steps, 800 image passes" in card.trained_on


@pytest.mark.parametrize(
    ("losses", "networks"),
    [
        ({"perceptual": 0}, ()),
        ({"perceptual": 0, "region_style": 1, "perceptual_network": "vgg19"}, ("vgg19",)),
        (
            {"identity": {"network": "arcface", "weight": 0.1}},
            ("efficientnet-lite0", "arcface"),
        ),
        ({"identity": {"network": "arcface", "weight": 0}}, ("efficientnet-lite0",)),
    ],
)
def test_every_network_it_was_trained_against_is_on_its_card(tmp_path, losses, networks):
    path = trained_file(tmp_path / "a.safetensors", **losses)
    assert zoo.card(str(path)).loss_networks == networks


def test_an_identity_network_given_by_its_file_is_named_as_judges_are(tmp_path):
    identity = {"network": "/nets/arcface.safetensors", "weight": 0.1}
    path = trained_file(tmp_path / "a.safetensors", perceptual=0, identity=identity)
    assert zoo.card(str(path)).loss_networks == ("arcface",)


def test_the_header_names_the_template_and_what_earlier_runs_were_trained_against(tmp_path):
    told = {
        "config": {"network": STYLE, "perceptual": 0.1},
        "steps": 3,
        "template": "ffhq",
        "loss_networks": ["vgg19", "efficientnet-lite0"],
    }
    path = as_file(tmp_path / "a.safetensors", random_tensors(), told)
    card = zoo.card(str(path))
    assert card.template == "ffhq"
    assert card.loss_networks == ("vgg19", "efficientnet-lite0")
    as_file(path, random_tensors(), told | {"template": "round"})
    with pytest.raises(WeightsRefused, match="aligned as 'round'"):
        zoo.card(str(path))


def test_weights_that_began_from_others_say_so(tmp_path):
    told = {"config": {"network": STYLE, "batch_size": 2}, "steps": 3, "begun_from": "ab" * 32}
    path = as_file(tmp_path / "a.safetensors", random_tensors(), told)
    assert "3 steps, 6 image passes, after those of other weights" in zoo.card(str(path)).trained_on


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda face, mask: ([face[:32]], None), "takes aligned faces of 64 × 64 pixels, not 32"),
        (lambda face, mask: ([face.astype(np.float32)], None), "a face is uint8"),
        (lambda face, mask: ([face], [mask[:3]]), "a mask is"),
        (lambda face, mask: ([face, face], [mask]), "shorter"),
    ],
)
def test_wrong_faces_and_masks_are_refused(restorer, change, told):
    with pytest.raises((ImageError, ValueError), match=told):
        restorer.restore(*change(faces(1)[0], masks(1)[0]))


FIRST = "encoder.first.weight"
NOT_ONE = {
    "truncated": lambda whole: whole[:-100],
    "cut header": lambda whole: whole[:40],
    "pickle": lambda whole: pickle.dumps({"weights": whole}),
    "empty": lambda whole: b"",
}
OTHER_TENSORS = {
    "missing tensor": lambda found: {k: v for k, v in found.items() if k != FIRST},
    "tensor too many": lambda found: found | {"more": torch.zeros(3)},
    "wrong sizes": lambda found: found | {FIRST: found[FIRST][:1].clone()},
    "whole numbers": lambda found: found | {FIRST: found[FIRST].int()},
    "not finite": lambda found: found | {FIRST: torch.full_like(found[FIRST], torch.nan)},
    "another design": lambda found: random_tensors(UNET),
}
OTHER_NETWORKS = {
    "unknown design": STYLE | {"design": "diffusion"},
    "unknown key": STYLE | {"depth": 3},
    "no channels": {"size": 64},
    "channels empty": STYLE | {"channels": {}},
    "channels a text": STYLE | {"channels": "8"},
    "sides that do not double": STYLE | {"channels": {"8": 16, "32": 8}},
    "endless blocks": STYLE | {"blocks": 10**9},
    "gigabytes": STYLE | {"channels": {"8": 10**5, "16": 12, "32": 8}},
    "a large start": STYLE | {"size": 1024, "patch": 1, "channels": {"1024": 1900}},
    "a fraction": STYLE | {"style": 8.5},
    "a negative": STYLE | {"style": -8},
}


def damaged(kind, path):
    """Write a file that must not be loaded."""
    tensors, told = random_tensors(), {"config": {"name": "x", "network": STYLE}, "steps": 1}
    if kind in NOT_ONE:
        path.write_bytes(NOT_ONE[kind](trained_file(path).read_bytes()))
    elif kind in OTHER_TENSORS:
        as_file(path, OTHER_TENSORS[kind](tensors), told)
    elif kind in OTHER_NETWORKS:
        as_file(path, tensors, {"config": {"network": OTHER_NETWORKS[kind]}, "steps": 1})
    else:
        as_file(path, tensors, None)
    return path


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("truncated", "cut one"),
        ("cut header", "cut one"),
        ("pickle", "no safetensors file"),
        ("empty", "no safetensors file"),
        ("no entry", "only files that `zoo train` wrote"),
        ("missing tensor", "weights of another network"),
        ("tensor too many", "weights of another network"),
        ("wrong sizes", "weights of another network"),
        ("whole numbers", "weights of another network"),
        ("not finite", "not finite"),
        ("another design", "weights of another network"),
        ("unknown design", "unknown design 'diffusion'"),
        ("unknown key", "depth"),
        ("no channels", "channels"),
        ("channels empty", "this version of relume knows"),
        ("channels a text", "this version of relume knows"),
        ("sides that do not double", "do not double"),
        ("endless blocks", r"at most|max|<="),
        ("gigabytes", r"at most|max|<="),
        ("a large start", r"at most|max|<="),
        ("a fraction", "knows"),
        ("a negative", "knows"),
    ],
)
def test_a_file_that_must_not_be_loaded_is_one_line(tmp_path, kind, told):
    path = damaged(kind, tmp_path / "bad.safetensors")
    with pytest.raises(WeightsRefused, match=told) as caught:
        zoo.load(str(path))
    assert "\n" not in str(caught.value) and "bad.safetensors" in str(caught.value)


@pytest.mark.parametrize("error", [RuntimeError("bad\nsizes"), OverflowError("bad"), IndexError()])
def test_a_network_that_cannot_be_built_is_one_line(weights, monkeypatch, error):
    def build(config):
        raise error

    monkeypatch.setattr("zoo.restorers.trained.build_network", build)
    with pytest.raises(WeightsRefused, match=r"knows \((bad|IndexError)\): use"):
        zoo.load(str(weights))


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(WeightsMissing, match="cannot be read"):
            zoo.card(f"{path}.safetensors" if path == tmp_path else str(path))


def test_a_file_other_than_the_cards_is_refused(weights):
    card, file = zoo.card(str(weights)), read_trained_file(weights)
    TrainedRestorer(card, file)
    with pytest.raises(WeightsRefused, match="its card says 0000000000000000…"):
        TrainedRestorer(dataclasses.replace(card, sha256="0" * 64), file)
    with pytest.raises(WeightsRefused, match="for faces of 64 pixels"):
        TrainedRestorer(dataclasses.replace(card, input_size=(128, 128)), file)


def test_another_process_restores_to_the_same_bytes(weights, restorer):
    code = (
        "import sys, json, hashlib, numpy as np, zoo\n"
        "face = np.random.default_rng(5).integers(0, 256, (64, 64, 3), np.uint8)\n"
        "(restored,) = zoo.load(sys.argv[1]).restore([face])\n"
        "assert not {'sympy', 'timm', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "print(json.dumps(restored.ravel()[:600].tolist()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(weights)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == restorer.restore(faces(1))[0].ravel()[:600].tolist()


def test_weights_that_overflow_are_refused_and_no_face_becomes_black(weights):
    restorer = zoo.load(str(weights))
    with torch.no_grad():
        for parameter in restorer.network.parameters():
            parameter.mul_(1e30)
    with pytest.raises(WeightsRefused, match="not finite"):
        restorer.restore(faces(1))
