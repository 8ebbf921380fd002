"""Train an encoder into a generator's codes (pSp)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.networks.config import network_record
from zoo.networks.features.perceptual import load_features
from zoo.networks.stylegan.psp import PspEncoder
from zoo.restorers.inversion.code_space import measured_space
from zoo.restorers.inversion.psp import GENERATOR_KEY, stored_encoder
from zoo.synthesis.generators import LoadedGenerator, load_generator
from zoo.training.base.config import TrainingError, differences
from zoo.training.base.distributed import Processes
from zoo.training.base.schedule import average_weights
from zoo.training.base.trainer import (
    OnFace,
    Trainer,
    average_of,
    on_device,
    sample_sheet,
    seeded,
)
from zoo.training.losses.identity import IdentityLoss
from zoo.training.tasks.encoder.batches import DrawnFaces, EncodingBatch, EncodingBatches
from zoo.training.tasks.encoder.config import EncoderTraining
from zoo.weights.header import read_trained_file

__all__ = ["EncoderTrainer"]

_SHEET_EVERY, _SHEET_FACES = 500, 8


class EncoderTrainer(Trainer):
    """The encoder, its average and the optimiser; the generator stays as it is.

    Raises
    ------
    TrainingError
        The encoder is not of the generator's sizes, or the identity loss has no network.
    UnknownGeneratorError, WeightsMissing, WeightsRefused
        The generator cannot be loaded.
    """

    config_type = EncoderTraining
    config: EncoderTraining
    batches: EncodingBatches

    def __init__(
        self, config: EncoderTraining, device: torch.device, processes: Processes | None = None
    ) -> None:
        super().__init__(config, device, processes)
        generator = load_generator(config.generator)
        _check_sizes(config, generator)
        self._generator_template, self.generator_sha256 = generator.template, generator.sha256
        self.space = measured_space(generator.network).to(device)
        self._generator = copy.deepcopy(generator.network).to(device)
        with seeded(config.seed):
            network = PspEncoder(config.network)
        self.network = on_device(network, device)
        self.average = average_of(self.network)
        self._optimiser = torch.optim.Adam(
            self.network.parameters(), config.learning_rate, (0.9, 0.99)
        )
        self.parts = {
            "network": self.network, "average": self.average, "optimiser": self._optimiser,
        }  # fmt: skip
        self._features = None
        if config.perceptual:
            self._features = load_features("efficientnet-lite0", config.stages, device)
        self._identity = None if config.identity is None else IdentityLoss(config.identity, device)
        self._drawn = DrawnFaces(config, self._generator, self.space, device)

    @classmethod
    def build(cls, config: EncoderTraining) -> nn.Module:
        """Return the network that comes out, untrained."""
        return PspEncoder(config.network)

    @classmethod
    def sources(cls, config: EncoderTraining) -> str:
        """Return whose codes a configuration learns."""
        return f"codes of {config.generator}"

    def open(self, faces: Path, out: Path, on_face: OnFace | None = None) -> None:
        """Open a folder of aligned faces, see `EncodingBatches`."""
        self.batches = EncodingBatches(self.config, faces)
        self.template, self.sheet_every = self.batches.template, _SHEET_EVERY
        if self._generator_template != self.template:
            raise TrainingError(
                f"{faces} holds faces of the template {self.template}, {self.config.generator} "
                f"makes those of {self._generator_template}: run `zoo align` with --template "
                f"{self._generator_template}"
            )

    def step(self, batch: EncodingBatch) -> dict[str, float]:
        """Learn from one batch and from faces drawn for it; return the losses."""
        for group in self._optimiser.param_groups:
            group["lr"] = self.learning_rate
        losses, loss = self._of_real(batch)
        if self.config.drawn:
            losses["code"] = self._of_drawn()
            loss = loss + self.config.code * losses["code"]
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        self.done += 1
        average_weights(self.average, self.network, self.config.ema, self.done)
        return {name: float(value.detach()) for name, value in losses.items()}

    def begin_from(self, weights: Path) -> list[str]:
        """Take up an encoder's weights of the same sizes, of whatever generator.

        Those of an encoder into another generator's codes will do: coordinates are standard
        deviations, and two states of one generator have nearly the same.
        """
        file = read_trained_file(weights)
        network = stored_encoder(file)
        if network.config != self.config.network:
            before, now = ({"network": network_record(each)} for each in
                           (network.config, self.config.network))  # fmt: skip
            raise TrainingError(
                f"{weights} holds another encoder than {self.config.name}: "
                f"{differences(before, now)}"
            )
        for each in (self.network, self.average):
            each.load_state_dict(network.state_dict())
        self.begun_from, self.inherited = file.sha256, file.loss_networks
        return []

    def header(self) -> dict[str, Any]:
        """Return the header of the exported weights; its configuration names the generator's."""
        config = {**self.config.as_record(), GENERATOR_KEY: self.generator_sha256}
        return {**super().header(), "config": config, "loss_networks": self.loss_networks}

    def notes(self) -> list[str]:
        """Return how many faces there are and how often each is shown."""
        shown, count = self.config.steps * self.config.batch_size, self.batches.faces
        return [f"{count} faces, each shown about {shown / count:.0f} times"]

    def sheet(self) -> NDArray[np.uint8]:
        """Return up to eight inputs, results and HQ faces in three rows."""
        batch = self.batches[0]
        rows = batch.lq, self.encoded(batch.lq), batch.hq
        return sample_sheet([images[:_SHEET_FACES] for images in rows])

    @torch.no_grad()
    def encoded(self, faces: Tensor) -> Tensor:
        """Return what the averaged encoder and the generator make of faces, clipped, on the CPU."""
        codes = self.space.codes(self.average(faces.to(self.device)))
        return self._generator.synthesise(codes).clamp(0, 1).cpu()

    def extra_state(self) -> dict[str, Any]:
        """Return which generator's codes the encoder gives."""
        return {"generator_sha256": self.generator_sha256}

    def load_extra_state(self, record: Mapping[str, Any]) -> None:
        """Refuse the state of an encoder for another generator."""
        if record.get("generator_sha256") != self.generator_sha256:
            raise TrainingError(
                f"the state was begun with other weights of {self.config.generator}: "
                "give another --out, or delete it"
            )

    def _of_real(self, batch: EncodingBatch) -> tuple[dict[str, Tensor], Tensor]:
        """Return the losses of real faces, and their weighted sum (Richardson et al., eq. 5)."""
        config = self.config
        hq, lq = (
            images.to(self.device, memory_format=torch.channels_last)
            for images in (batch.hq, batch.lq)
        )
        with self.autocast():
            coordinates = self.network(lq)
            image = self._generator.synthesise(self.space.codes(coordinates))
        losses = {"pixel": (image - hq).square().mean(), "leaving": coordinates.square().mean()}
        loss = config.pixel * losses["pixel"] + config.leaving * losses["leaving"]
        restored = image.clamp(0, 1)
        if self._features is not None:
            with torch.no_grad():
                hq_maps = self._features.maps(hq)
            losses["perceptual"] = self._features.distance(self._features.maps(restored), hq_maps)
            loss = loss + config.perceptual * losses["perceptual"]
        if self._identity is not None and config.identity is not None:
            losses["identity"] = self._identity(restored, hq)
            loss = loss + config.identity.weight * losses["identity"]
        return losses, loss

    def _of_drawn(self) -> Tensor:
        with self.autocast():
            drawn = self._drawn.of(self.done)
        lq = drawn.lq.contiguous(memory_format=torch.channels_last)
        with self.autocast():
            coordinates = self.network(lq)
        error: Tensor = (coordinates - drawn.coordinates.float()).square().mean()
        return error


def _check_sizes(config: EncoderTraining, generator: LoadedGenerator) -> None:
    for name in ("size", "latent", "layers"):
        own, other = getattr(config.network, name), getattr(generator.network.config, name)
        if own != other:
            raise TrainingError(
                f"{config.name} has {name} {own}, the generator {generator.name} {other}: set "
                f"network: {name} to that"
            )
