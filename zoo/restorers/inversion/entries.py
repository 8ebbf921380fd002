"""Restorers by inversion as entries of the zoo: cards, and what loads them. Imports nothing heavy.

They have no weights of their own but a generator's, and some an encoder's: an entry is there where
these are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from zoo.model_card import ModelCard, RestorerEntry, read_model_card
from zoo.restorer import Card, Restorer
from zoo.weights.builtin import read_shipped, shipped_card, shipped_names

__all__ = ["ENCODER", "GENERATOR", "find_inversion", "inversion_names"]

GENERATOR, ENCODER = "stylegan2-64", "psp-64"
_CARDS = Path(__file__).parent / "cards"


def inversion_names() -> tuple[str, ...]:
    """Return the names of those whose weights came with Relume."""
    present = {*shipped_names("generator"), *shipped_names("encoder")}
    return tuple(name for name, (needs, _) in _TABLE.items() if set(needs) <= present)


def find_inversion(name: str) -> RestorerEntry | None:
    """Return the restorer of a name of `inversion_names`, or None; CardError for a broken card.

    Digest, training data and loss networks are those of its last weights: an encoder's where it
    has one, else the generator's.
    """
    if name not in inversion_names():
        return None
    needs, load = _TABLE[name]
    own, weights = read_model_card(_CARDS / f"{name}.yaml"), shipped_card(needs[-1])
    card = replace(
        own.card,
        licence_weights=weights.card.licence_weights,
        trained_on=weights.card.trained_on,
        loss_networks=tuple(dict.fromkeys([*own.card.loss_networks, *weights.card.loss_networks])),
        sha256=weights.card.sha256,
    )
    headings = {f"{needs[-1]}: {heading}": value for heading, value in weights.more.items()}
    return RestorerEntry(ModelCard(card, {**own.more, **headings}), lambda: load(card))


def _image2stylegan(card: Card) -> Restorer:
    import torch

    from zoo.networks.features.perceptual import UnitFeatures
    from zoo.restorers.inversion.restorer import image2stylegan
    from zoo.synthesis.generators import load_generator

    return image2stylegan(
        card,
        load_generator(GENERATOR),
        UnitFeatures("efficientnet-lite0", 5, torch.device("cpu")),
    )


def _stylegan_encoder(card: Card) -> Restorer:
    import torch

    from zoo.networks.features.perceptual import UnitFeatures
    from zoo.restorers.inversion.psp import load_encoder
    from zoo.restorers.inversion.restorer import stylegan_encoder
    from zoo.synthesis.generators import load_generator

    generator = load_generator(GENERATOR)
    encoder = load_encoder(read_shipped(ENCODER), generator)
    return stylegan_encoder(
        card, generator, encoder, UnitFeatures("efficientnet-lite0", 5, torch.device("cpu"))
    )


def _psp(card: Card) -> Restorer:
    from zoo.restorers.inversion.psp import PspRestorer, load_encoder
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
