"""Encoders from their files, checked against the generator that they were trained on."""

from __future__ import annotations

import torch

from zoo.networks.stylegan.psp import EncoderConfig, PspEncoder, encoder_config
from zoo.synthesis.generators import LoadedGenerator
from zoo.weights.files import WeightsRefused
from zoo.weights.header import TrainedFile
from zoo.weights.stored_network import filled, first_line

__all__ = ["GENERATOR_KEY", "KIND", "load_encoder", "stored_encoder"]

KIND = "encoder"
"""Of a shipped card, see `zoo.weights.builtin`."""
GENERATOR_KEY = "generator_sha256"
"""Of the configuration in the header of the weights: into whose codes they encode."""
_LARGEST = 300_000_000
"""Parameters: the published pSp encoder has 267 million."""


def load_encoder(file: TrainedFile, generator: LoadedGenerator) -> PspEncoder:
    """Return the encoder of a file, frozen, float32, on the CPU.

    Raises
    ------
    WeightsRefused
        The file is damaged, holds another kind of network, or its codes are another generator's.
    """
    network = stored_encoder(file)
    if file.config.get(GENERATOR_KEY) != generator.sha256:
        raise WeightsRefused(
            f"{file.path} encodes for other weights than those of {generator.name} here: get both "
            "from one version, or train it again with `zoo train`"
        )
    return network.to(memory_format=torch.channels_last)


def stored_encoder(file: TrainedFile) -> PspEncoder:
    """Return the encoder of a file, whoever's codes it gives; see `load_encoder`."""
    try:
        config = encoder_config(file.config["network"])
        _check_size(config)
        with torch.random.fork_rng(devices=[]):
            network = PspEncoder(config)
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise WeightsRefused(
            f"{file.path} holds no encoder that this version of relume knows ({first_line(error)})"
        ) from error
    return filled(network, file)


def _check_size(config: EncoderConfig) -> None:
    """Refuse what would take the machine's memory; ValueError."""
    widest = max(config.channels.values())
    size = 18 * len(config.channels) * widest**2 + 72 * config.layers * config.width**2
    if size + config.layers * config.width * config.latent > _LARGEST or config.size > 1024:
        raise ValueError("it is larger than any that is published")
