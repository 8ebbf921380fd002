"""The loop's state and one step of it; a run resumed equals a run never stopped."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch import Tensor, nn

from zoo.networks.stylegan.psp import PspEncoder, encoder_record
from zoo.registry.trained_card import loss_networks_of
from zoo.restorers.inversion.code_space import measured_space
from zoo.restorers.inversion.stored_encoder import stored_encoder
from zoo.synthesis.generators import LoadedGenerator
from zoo.training.base.schedule import average_weights, rate_at
from zoo.training.base.state import fill_network, read_state, taking_up, write_state
from zoo.training.losses.features import load_features
from zoo.training.losses.identity import IdentityLoss
from zoo.training.tasks.encoder.batches import EncodingBatch
from zoo.training.tasks.encoder.config import EncoderTraining
from zoo.training.tasks.encoder.drawn_faces import DrawnFaces
from zoo.training.tasks.restorer.config import TrainingError, told_differences
from zoo.weights.header import TrainedFile

__all__ = ["EncoderTrainer"]


class EncoderTrainer:
    """The encoder, its average, the optimiser and the number of steps done.

    Parameters
    ----------
    config
        See `EncoderTraining`.
    generator
        Into whose codes it encodes; it stays as it is.
    device
        Where to train.

    Raises
    ------
    TrainingError
        The encoder is not of the generator's sizes, or the identity loss has no network.
    """

    def __init__(
        self, config: EncoderTraining, generator: LoadedGenerator, device: torch.device
    ) -> None:
        self.config, self.device, self.done = config, device, 0
        self.generator_sha256 = generator.sha256
        self.begun_from = ""
        """sha256 of the weights file that the run began from, or an empty text."""
        self._inherited: tuple[str, ...] = ()
        _check_sizes(config, generator)
        self.space = measured_space(generator.network).to(device)
        self._generator = copy.deepcopy(generator.network).to(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = PspEncoder(config.network)
        layout = torch.channels_last
        self.network = network.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        self._optimiser = torch.optim.Adam(
            self.network.parameters(), config.learning_rate, (0.9, 0.99)
        )
        self._features = None
        if config.perceptual:
            self._features = load_features("efficientnet-lite0", config.stages, device)
        self._identity = None if config.identity is None else IdentityLoss(config.identity, device)
        self._drawn = DrawnFaces(config, self._generator, self.space, device)

    def step(self, batch: EncodingBatch) -> dict[str, float]:
        """Learn from one batch and from faces drawn for it; return the losses."""
        for group in self._optimiser.param_groups:
            group["lr"] = self.learning_rate
        told, loss = self._of_real(batch)
        if self.config.drawn:
            told["code"] = self._of_drawn()
            loss = loss + self.config.code * told["code"]
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        self.done += 1
        average_weights(self.average, self.network, self.config, self.done)
        return {name: float(value.detach()) for name, value in told.items()}

    def begin_from(self, file: TrainedFile) -> None:
        """Take up an encoder's weights before the first step.

        Those of an encoder into another generator's codes will do: coordinates are standard
        deviations, and two states of one generator have nearly the same.

        Raises
        ------
        TrainingError
            The file's encoder has other sizes.
        WeightsRefused
            It is damaged, or holds no encoder.
        """
        network = stored_encoder(file)
        if network.config != self.config.network:
            before, now = ({"network": encoder_record(each)} for each in
                           (network.config, self.config.network))  # fmt: skip
            raise TrainingError(
                f"{file.path} holds another encoder than {self.config.name}: "
                f"{told_differences(before, now)}"
            )
        for each in (self.network, self.average):
            each.load_state_dict(network.state_dict())
        self.begun_from, self._inherited = file.sha256, file.loss_networks

    @property
    def loss_networks(self) -> tuple[str, ...]:
        """The networks that its weights were trained against, here and before `begin_from`."""
        own = loss_networks_of(self.config.as_record())
        return tuple(dict.fromkeys([*self._inherited, *own]))

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return rate_at(self.config, self.done)

    @torch.no_grad()
    def encoded(self, faces: Tensor) -> Tensor:
        """Return what the averaged encoder and the generator make of faces, clipped, on the CPU."""
        codes = self.space.codes(self.average(faces.to(self.device)))
        return self._generator.synthesise(codes).clamp(0, 1).cpu()

    def save(self, path: Path) -> None:
        """Write everything that a later run needs to go on as if never stopped."""
        parts = {
            "generator_sha256": self.generator_sha256,
            "begun_from": self.begun_from,
            "inherited": list(self._inherited),
            "done": self.done,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }
        write_state(path, self.config.as_record(), parts)

    def load(self, path: Path) -> None:
        """Take up what `save` wrote.

        Raises
        ------
        TrainingError
            Another configuration's (the message names the keys that differ), another generator's,
            another version's, or a state that lacks a part.
        WeightsRefused
            It is no such file.
        """
        record = read_state(path, self.config.as_record())
        if record.get("generator_sha256") != self.generator_sha256:
            raise TrainingError(
                f"{path} was begun with other weights of {self.config.generator}: "
                "give another --out, or delete it"
            )
        with taking_up(path):
            fill_network(self.network, record["network"], path)
            fill_network(self.average, record["average"], path)
            self._optimiser.load_state_dict(record["optimiser"])
            self.begun_from = str(record["begun_from"])
            self._inherited = tuple(map(str, record["inherited"]))
            self.done = int(record["done"])

    def _of_real(self, batch: EncodingBatch) -> tuple[dict[str, Tensor], Tensor]:
        """Return the losses of real faces, and their weighted sum (Richardson et al., eq. 5)."""
        config = self.config
        hq, lq = (
            images.to(self.device, memory_format=torch.channels_last)
            for images in (batch.hq, batch.lq)
        )
        with self._precision():
            coordinates = self.network(lq)
            made = self._generator.synthesise(self.space.codes(coordinates))
        told = {"pixel": (made - hq).square().mean(), "leaving": coordinates.square().mean()}
        loss = config.pixel * told["pixel"] + config.leaving * told["leaving"]
        seen = made.clamp(0, 1)
        if self._features is not None:
            with torch.no_grad():
                wanted = self._features.maps(hq)
            told["perceptual"] = self._features.distance(self._features.maps(seen), wanted)
            loss = loss + config.perceptual * told["perceptual"]
        if self._identity is not None and config.identity is not None:
            told["identity"] = self._identity(seen, hq)
            loss = loss + config.identity.weight * told["identity"]
        return told, loss

    def _of_drawn(self) -> Tensor:
        with self._precision():
            drawn = self._drawn.of(self.done)
        lq = drawn.lq.contiguous(memory_format=torch.channels_last)
        with self._precision():
            coordinates = self.network(lq)
        error: Tensor = (coordinates - drawn.coordinates.float()).square().mean()
        return error

    def _precision(self) -> torch.autocast:
        wanted = self.config.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=wanted)


def _check_sizes(config: EncoderTraining, generator: LoadedGenerator) -> None:
    wanted, found = generator.network.config, config.network
    for name in ("size", "latent", "layers"):
        if getattr(wanted, name) != getattr(found, name):
            raise TrainingError(
                f"{config.name} has {name} {getattr(found, name)}, the generator {generator.name} "
                f"{getattr(wanted, name)}: set network: {name} to that"
            )
