"""pSp: a network turns the face into codes, the generator turns the codes into a face."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from degrade.planner.plan import Plan
from zoo.networks.stored import stored_network
from zoo.networks.stylegan.psp import EncoderConfig, PspEncoder
from zoo.restorer import Card, Image
from zoo.restorers.face_by_face import face_of, tensor_of
from zoo.restorers.inversion.code_space import measured_space
from zoo.restorers.placement import HERE, Placement, exactly, filled_batches, filled_up
from zoo.synthesis.generators import LoadedGenerator
from zoo.weights.files import WeightsRefused
from zoo.weights.header import TrainedFile

__all__ = [
    "GENERATOR_KEY",
    "KIND",
    "PspRestorer",
    "load_encoder",
    "stored_encoder",
]


class PspRestorer:
    """Richardson et al. 2021 (arXiv 2008.00951), on the CPU, a face at a time until `placed`.

    Deterministic, whoever the neighbours of a face are.

    Parameters
    ----------
    card
        What it is.
    generator, encoder
        Frozen, float32; the encoder was trained on this generator.

    Attributes
    ----------
    placement
        Where it computes, and how many faces at once.
    """

    def __init__(self, card: Card, generator: LoadedGenerator, encoder: PspEncoder) -> None:
        self.card, self._generator, self._encoder = card, generator.network, encoder
        self._space = measured_space(generator.network)
        self.placement = HERE

    def placed(self, placement: Placement) -> PspRestorer:
        """Return the same restorer on another device; see `DeviceRestorer`."""
        other = copy.copy(self)
        if placement.device != self.placement.device:
            device = torch.device(placement.device)
            other._generator = copy.deepcopy(self._generator).to(device)
            other._encoder = copy.deepcopy(self._encoder).to(device)
            other._space = self._space.to(device)
        other.placement = placement
        return other

    def computed_for(self, faces: Sequence[Image]) -> int:
        """Return their number, filled up to whole batches."""
        return filled_up(len(faces), self.placement.batch)

    @torch.inference_mode()
    def restore(
        self,
        faces: Sequence[Image],
        masks: Sequence[NDArray[np.float32] | None] | None = None,
        plans: Sequence[Plan | None] | None = None,
    ) -> list[Image]:
        """Return the restored faces; see `zoo.restorer.Restorer.restore`.

        Raises ImageError for a face of another size than the card's.
        """
        pixels = [tensor_of(face, self.card) for face in faces]
        batches = filled_batches(pixels, self.placement.batch)
        return [face for batch, count in batches for face in self._restored(batch)[:count]]

    def _restored(self, pixels: Sequence[Tensor]) -> list[Image]:
        with exactly(self.placement.device):
            faces = torch.cat(list(pixels)).to(self.placement.device)
            coordinates = self._encoder(faces.contiguous(memory_format=torch.channels_last))
            images = self._generator.synthesise(self._space.codes(coordinates))
        return [face_of(each[None]) for each in images]


KIND = "encoder"
"""Of a shipped card, see `zoo.weights.builtin`."""
GENERATOR_KEY = "generator_sha256"
"""Of the configuration in the header of the weights: into whose codes they encode."""
_MOST_PARAMETERS = 300_000_000
"""The published pSp encoder has 267 million."""


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
    """Return the encoder of a file, whosever codes it gives; see `load_encoder`."""
    designs = {EncoderConfig.design: EncoderConfig}
    return stored_network(file, designs, PspEncoder, "encoder", _MOST_PARAMETERS)[1]
