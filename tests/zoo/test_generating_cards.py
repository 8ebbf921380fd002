import pytest
import torch
import yaml

from zoo.networks.stylegan.generator import GeneratorConfig
from zoo.registry.model_card import read_model_card
from zoo.training.tasks.generator.cards import ship_generator
from zoo.training.tasks.generator.config import GeneratorTraining
from zoo.training.tasks.generator.run import export_generator
from zoo.training.tasks.generator.trainer import GeneratorTrainer
from zoo.weights.files import WeightsRefused

SMALL = GeneratorConfig(16, {4: 8, 8: 8, 16: 6}, latent=8, depth=2)


@pytest.fixture
def weights(tmp_path):
    trainer = GeneratorTrainer(GeneratorTraining("small", SMALL), torch.device("cpu"))
    return export_generator(trainer, tmp_path / "run" / "small.safetensors", "tight", 10)


def ship(weights, folder):
    return ship_generator(weights, hardware="two cores", date="2026-11-22", folder=folder)


def test_a_generator_is_copied_beside_a_card_of_its_kind(weights, tmp_path):
    place = ship(weights, tmp_path / "weights")
    card = read_model_card(place)
    assert (card.card.kind, card.card.name, card.card.input_size) == (
        "generator",
        "small",
        (16, 16),
    )
    assert card.more["training"]["hardware"] == "two cores"
    assert (tmp_path / "weights" / "small.safetensors").read_bytes() == weights.read_bytes()


def test_what_was_measured_stays_with_the_same_weights_only(weights, tmp_path):
    place = ship(weights, tmp_path / "weights")
    told = yaml.safe_load(place.read_text("utf-8"))
    told["more"]["figures"] = "fd 3"
    place.write_text(yaml.safe_dump(told, allow_unicode=True), "utf-8")
    ship(weights, tmp_path / "weights")
    assert read_model_card(place).more["figures"] == "fd 3"
    trainer = GeneratorTrainer(GeneratorTraining("small", SMALL, seed=9), torch.device("cpu"))
    export_generator(trainer, weights, "tight", 10)
    ship(weights, tmp_path / "weights")
    assert read_model_card(place).more["figures"] == "Not measured yet."


def test_a_restorer_s_weights_are_refused(tmp_path):
    from zoo.weights.builtin import weights_path

    with pytest.raises(WeightsRefused, match="no generator"):
        ship(weights_path("style-128"), tmp_path)
