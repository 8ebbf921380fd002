"""Weights that come with Relume: how they get there, and those that are there."""

import hashlib
import json

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner
from skimage import data

torch = pytest.importorskip("torch")

import ship_weights  # noqa: E402
from trained_weights import UNET, as_file, random_tensors, trained_file  # noqa: E402

import zoo  # noqa: E402
from degrade.images import read_image, write_png  # noqa: E402
from zoo.cli import main  # noqa: E402
from zoo.model_card import card_as_yaml, read_model_card  # noqa: E402
from zoo.registry.registry import UnknownRestorerError, model_card  # noqa: E402
from zoo.weights import builtin as shipped  # noqa: E402
from zoo.weights.files import WeightsRefused  # noqa: E402

SHIPPED = shipped.shipped_names()
FOLDER = shipped.FOLDER


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder in the place of ``zoo/weights``."""
    place = tmp_path / "weights"
    place.mkdir()
    monkeypatch.setattr(shipped, "FOLDER", place)
    return place


@pytest.fixture
def small(tmp_path, folder):
    """A restorer ``small``, shipped into the folder."""
    run = tmp_path / "run"
    run.mkdir()
    weights = trained_file(run / "weights-of-the-run.safetensors", name="small")
    ship_weights.ship(weights, hardware="an abacus", date="2026-11-22", folder=folder)
    return weights


def run(*words):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result
    return result


def face(side=64):
    return np.random.default_rng(2).integers(0, 256, (side, side, 3), np.uint8)


def test_a_shipped_restorer_is_in_the_zoo_by_name(folder, small):
    assert zoo.names()[-1] == "small"
    card = zoo.card("small")
    assert card.sha256 == hashlib.sha256(small.read_bytes()).hexdigest()
    assert (card.input_size, card.kind, card.template) == ((64, 64), "network", "tight")
    np.testing.assert_array_equal(
        zoo.load("small").restore([face()])[0], zoo.load(str(small)).restore([face()])[0]
    )


def test_its_card_tells_how_it_was_trained(folder, small):
    training = model_card("small").more["training"]
    assert training["image passes"] == 800 and training["steps"] == 50
    assert training["recipes"] == "kuaishou-128 × 3, gfpgan-128 × 1"
    assert training["hardware"] == "an abacus" and training["date"] == "2026-11-22"
    assert "non-commercial" in zoo.card("small").licence_weights


def test_zoo_card_prints_all_of_it(folder, small):
    path = folder / "small.yaml"
    card = read_model_card(path)
    more = card.more | {
        "figures": [{"recipe": "a", "n": 240, "PSNR": 27.5}, {"recipe": "bc", "n": 9}],
        "notes": ["one", "two " * 60],
        "long": "word " * 60 + "\n\nsecond paragraph",
    }
    path.write_text(card_as_yaml(type(card)(card.card, more)), encoding="utf-8")
    shown = run("card", "small").stdout
    lines = shown.splitlines()
    assert max(map(len, lines)) <= 100
    assert [line.split(None, 1)[1] for line in lines if line.startswith("hardware")] == [
        "an abacus"
    ]
    at = lines.index("FIGURES")
    assert lines[at + 1 : at + 4] == ["recipe  n    PSNR", "a       240  27.5", "bc      9    –"]
    assert "- one" in lines and "second paragraph" in lines
    assert shown.rstrip().endswith("no evidence of who someone is.")
    record = json.loads(run("card", "small", "--json").stdout)
    assert record["sha256"] == card.card.sha256 and record["more"] == more
    assert any(line.startswith("small") for line in run("list").stdout.splitlines())


def test_shipping_again_keeps_what_a_person_wrote(tmp_path, folder, small):
    path = folder / "small.yaml"
    text = path.read_text(encoding="utf-8").replace("Not measured yet.", "It is measured.")
    path.write_text(text, encoding="utf-8")
    ship_weights.ship(small, hardware="an abacus", date="2026-11-22", folder=folder)
    same = model_card("small")
    assert same.more["figures"] == same.card.limits == "It is measured."
    newer = trained_file(tmp_path / "newer.safetensors", name="small", batch_size=32)
    told = {"hardware": "two cores", "date": "2026-11-23", "folder": folder}
    ship_weights.ship(newer, **told, keep_figures=True)
    again = model_card("small")
    assert again.more["figures"] == again.card.limits == "It is measured."
    assert again.more["training"]["hardware"] == "two cores"
    assert "1600 image passes" in again.card.trained_on
    zoo.load("small")


def test_what_was_measured_of_other_weights_is_open_again(tmp_path, folder, small):
    path = folder / "small.yaml"
    text = path.read_text(encoding="utf-8").replace("Not measured yet.", "It is measured.")
    path.write_text(text.replace("licence_code: MIT", "licence_code: BSD"), encoding="utf-8")
    config = {"name": "small", "network": UNET, "perceptual": 0}
    newer = tmp_path / "newer.safetensors"
    as_file(newer, random_tensors(UNET), {"config": config, "steps": 1, "template": "ffhq"})
    ship_weights.ship(newer, hardware="x", date="y", folder=folder)
    again = model_card("small")
    for heading in ("figures", "what the figures do not show", "known failures"):
        assert again.more[heading] == "Not measured yet."
    assert again.card.limits == "Not measured yet."
    # Regions and template are the file's; what no file tells stays.
    assert (again.card.regions, again.card.template) == ((), "ffhq")
    assert again.card.licence_code == "BSD"


def test_weights_that_are_not_the_cards_are_refused(tmp_path, folder, small):
    other = trained_file(tmp_path / "other.safetensors", name="small", seed=9)
    (folder / "small.safetensors").write_bytes(other.read_bytes())
    with pytest.raises(WeightsRefused, match="install relume again"):
        zoo.load("small")


def test_a_card_without_weights_or_weights_without_a_card_is_no_restorer(folder, small):
    (folder / "small.safetensors").rename(folder / "alone.safetensors")
    assert not {"small", "alone"} & set(zoo.names())
    with pytest.raises(UnknownRestorerError):
        zoo.load("small")


def test_what_cannot_be_loaded_is_not_shipped(tmp_path, folder):
    bad = trained_file(tmp_path / "bad.safetensors")
    bad.write_bytes(bad.read_bytes()[:-10])
    with pytest.raises(WeightsRefused):
        ship_weights.ship(bad, hardware="x", date="y", folder=folder)
    outside = trained_file(tmp_path / "outside.safetensors", name="../outside")
    with pytest.raises(WeightsRefused, match="names no file"):
        ship_weights.ship(outside, hardware="x", date="y", folder=folder)
    assert list(folder.iterdir()) == []


def test_the_command_that_ships_says_where_it_wrote(tmp_path, folder, monkeypatch):
    weights = trained_file(tmp_path / "mine.safetensors")
    monkeypatch.setattr(ship_weights.ship, "__kwdefaults__",
                        ship_weights.ship.__kwdefaults__ | {"folder": folder})  # fmt: skip
    words = [str(weights), "--hardware", "an abacus", "--date", "2026-11-22"]
    told = CliRunner().invoke(ship_weights.main, words)
    assert told.exit_code == 0 and str(folder / "mine.yaml") in told.stdout
    told = CliRunner().invoke(ship_weights.main, [str(tmp_path / "none"), *words[1:]])
    assert told.exit_code == 1 and "cannot be read" in told.stderr


def test_it_is_the_model_of_zoo_restore_where_none_is_named(tmp_path, folder):
    pytest.importorskip("dlib")
    pytest.importorskip("face_recognition_models")
    weights = trained_file(tmp_path / "w.safetensors", name="style-128")
    ship_weights.ship(weights, hardware="x", date="y", folder=folder)
    photo, out = tmp_path / "in.png", tmp_path / "out.png"
    write_png(photo, data.astronaut()[40:220, 130:310])
    told = run("restore", photo, out)
    assert told.exit_code == 0, told.stderr
    (record,) = map(json.loads, (tmp_path / "out.png.faces.jsonl").read_text().splitlines())
    assert record["model"] == "style-128"
    assert record["reason"].startswith("restored with style-128 in a crop of 64")
    assert not np.array_equal(read_image(photo), read_image(out))
    with PIL.Image.open(out) as picture:
        assert "style-128" in str(picture.info)


def test_the_licence_of_the_weights_is_beside_them():
    text = (FOLDER / "LICENSE").read_text(encoding="utf-8")
    for word in ("not commercial", "UTKFace", "Congress", "public domain", "no evidence"):
        assert word in text


def test_all_weights_together_are_small():
    assert sum(path.stat().st_size for path in FOLDER.glob("*.safetensors")) <= 24e6
    assert {path.stem for path in FOLDER.glob("*.safetensors")} == set(shipped.shipped_names(None))


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_loads_and_leaves_no_heading_open(name):
    card = model_card(name)
    assert card.card.name == name
    assert "research, non-commercial" in card.card.licence_weights
    assert {"training", "figures", "known failures"} <= set(card.more)
    restorer = zoo.load(name)
    height, width = card.card.input_size
    (restored,) = restorer.restore([face(width)])
    assert restored.shape == (height, width, 3) and not np.array_equal(restored, face(width))
    with open(FOLDER / f"{name}.safetensors", "rb") as stream:
        assert b'"F16"' in stream.read(4000)
