"""Restorers by inversion as entries of the zoo: cards, and what loads them. Imports nothing heavy.

They have no weights of their own but a generator's, and some an encoder's: an entry is there where
these are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from zoo.registry.model_card import ModelCard, read_model_card
from zoo.restorer import Card, Restorer
from zoo.weights.builtin import read_shipped, shipped_card, shipped_names

__all__ = ["ENCODER", "GENERATOR", "inversion_card", "inversion_names", "load_inversion"]

GENERATOR, ENCODER = "stylegan2-64", "psp-64"
_CARDS = Path(__file__).parent / "cards"


def inversion_names() -> tuple[str, ...]:
    """Return the names of those whose weights came with Relume."""
    here = {*shipped_names("generator"), *shipped_names("encoder")}
    return tuple(name for name, (needs, _) in _TABLE.items() if set(needs) <= here)


def inversion_card(name: str) -> ModelCard:
    """Return the long card of a name of `inversion_names`; CardError for one that is broken.

    Digest, training data and loss networks are those of its last weights: an encoder's where it
    has one, else the generator's.
    """
    needs, _ = _TABLE[name]
    told = read_model_card(_CARDS / f"{name}.yaml")
    weights = shipped_card(needs[-1])
    networks = dict.fromkeys([*told.card.loss_networks, *weights.card.loss_networks])
    card = replace(
        told.card,
        licence_weights=weights.card.licence_weights,
        trained_on=weights.card.trained_on,
        loss_networks=tuple(networks),
        sha256=weights.card.sha256,
    )
    theirs = {f"{needs[-1]}: {heading}": value for heading, value in weights.more.items()}
    return ModelCard(card, {**told.more, **theirs})


def load_inversion(card: Card) -> Restorer:
    """Load the restorer of a card.

    Raises
    ------
    WeightsMissing, WeightsRefused
        Weights are not there, damaged, or do not belong together.
    DependencyError
        A package that it needs is not installed.
    """
    return _TABLE[card.name][1](card)


def _image2stylegan(card: Card) -> Restorer:
    import torch

    from zoo.restorers.inversion.image2stylegan import image2stylegan
    from zoo.synthesis.generators import load_generator
    from zoo.training.losses.features import UnitFeatures

    return image2stylegan(
        card,
        load_generator(GENERATOR),
        UnitFeatures("efficientnet-lite0", 5, torch.device("cpu")),
    )


def _stylegan_encoder(card: Card) -> Restorer:
    import torch

    from zoo.restorers.inversion.stored_encoder import load_encoder
    from zoo.restorers.inversion.stylegan_encoder import stylegan_encoder
    from zoo.synthesis.generators import load_generator
    from zoo.training.losses.features import UnitFeatures

    generator = load_generator(GENERATOR)
    encoder = load_encoder(read_shipped(ENCODER), generator)
    return stylegan_encoder(
        card, generator, encoder, UnitFeatures("efficientnet-lite0", 5, torch.device("cpu"))
    )


def _psp(card: Card) -> Restorer:
    from zoo.restorers.inversion.psp import PspRestorer
    from zoo.restorers.inversion.stored_encoder import load_encoder
    from zoo.synthesis.generators import load_generator

    generator = load_generator(GENERATOR)
    encoder = load_encoder(read_shipped(ENCODER), generator)
    return PspRestorer(card, generator, encoder)


_TABLE: Mapping[str, tuple[tuple[str, ...], Callable[[Card], Restorer]]] = MappingProxyType(
    {
        "image2stylegan": ((GENERATOR,), _image2stylegan),
        "image2stylegan-plan": ((GENERATOR,), _image2stylegan),
        "stylegan-encoder": ((GENERATOR, ENCODER), _stylegan_encoder),
        "psp": ((GENERATOR, ENCODER), _psp),
    }
)
