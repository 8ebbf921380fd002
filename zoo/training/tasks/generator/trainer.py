"""Generator against discriminator: the state of a run and one step of it, exactly resumable."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.networks.stylegan.discriminator import Discriminator
from zoo.networks.stylegan.generator import StyleGenerator
from zoo.training.adversarial.discriminator import DiscriminatorTrainer, lazy_adam, optimiser_step
from zoo.training.adversarial.functional import generator_loss
from zoo.training.base.distributed import Processes
from zoo.training.base.random_state import step_generator
from zoo.training.base.state import fill_network, read_state, taking_up, write_state
from zoo.training.tasks.generator.config import GeneratorTraining
from zoo.training.tasks.generator.path_length import PATH_DECAY, path_lengths, path_penalty

__all__ = ["GeneratorTrainer"]

_CODE_DECAY = 0.998
"""Share of the average code that a step keeps (Karras et al. 2019, official code, w_avg_beta)."""
_PATH_SHARE = 2
"""The path length regularisation uses one face in so many (official code, pl_batch_shrink)."""
_NETWORKS = ("generator", "average")


class GeneratorTrainer:
    """Both networks, the averaged generator, their optimisers and the number of steps done.

    Parameters
    ----------
    config
        See `GeneratorTraining`.
    device
        Where to train.
    processes
        This one among those that train together; each learns from its part of the batch.
    """

    def __init__(
        self,
        config: GeneratorTraining,
        device: torch.device,
        processes: Processes | None = None,
    ) -> None:
        self.config, self.device, self.done = config, device, 0
        self.processes = processes or Processes()
        self._path_mean = torch.zeros(())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            generator = StyleGenerator(config.network)
            discriminator = Discriminator(config.network.channels)
        layout = torch.channels_last
        self.generator = generator.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.generator).requires_grad_(False).eval()
        self.discriminator = DiscriminatorTrainer(
            discriminator,
            device,
            learning_rate=config.learning_rate,
            r1=config.r1,
            r1_every=config.r1_every,
            augment_target=config.augment_target,
            augment_images=config.augment_images,
            processes=self.processes,
            precision=self._precision,
        )
        every = config.path_length_every if config.path_length else 0
        self.optimiser = lazy_adam(self.generator, config.learning_rate, 0.0, every)

    @property
    def learning_rate(self) -> float:
        """Of every step."""
        return self.config.learning_rate

    def step(self, real: Tensor) -> dict[str, Tensor]:
        """Learn from real faces ``(n, 3, size, size)`` in [0, 1]; return the losses, scalars."""
        config = self.config
        generator = step_generator(config.seed, self.done, self.processes.rank)
        real = real.to(self.device).contiguous(memory_format=torch.channels_last)
        metrics = self._train_generator(len(real), generator)
        if config.path_length and self.done % config.path_length_every == 0:
            metrics |= self._regularise_path(max(1, len(real) // _PATH_SHARE), generator)
        metrics |= self._train_discriminator(real, generator)
        self.done += 1
        self._average()
        values = torch.stack([value.detach().float() for value in metrics.values()])
        self.processes.average([values])
        strength = torch.tensor(self.discriminator.strength)
        return {**dict(zip(metrics, values, strict=True)), "augmentation": strength}

    @torch.no_grad()
    def draw(self, count: int, seed: int = 0, truncation: float = 0.7) -> Tensor:
        """Return faces of the averaged generator, ``(n, 3, size, size)`` in [0, 1]."""
        z = torch.randn(
            (count, self.config.network.latent), generator=torch.Generator().manual_seed(seed)
        )
        drawn: Tensor = self.average(z.to(self.device), truncation)
        return drawn.clamp(0, 1).cpu()

    def save(self, path: Path) -> None:
        """Write everything that a later run needs to go on as if never stopped."""
        parts: dict[str, Any] = {
            "done": self.done,
            "path_mean": self._path_mean,
            "optimiser": self.optimiser.state_dict(),
            "discriminator": self.discriminator.state_dict(),
        }
        for name in _NETWORKS:
            parts[name] = getattr(self, name).state_dict()
        write_state(path, self.config.as_record(), parts)

    def load(self, path: Path) -> None:
        """Take up what `save` wrote.

        Raises
        ------
        TrainingError
            Another configuration's, another version's, or a state that lacks a part.
        WeightsRefused
            It is no such file.
        """
        record = read_state(path, self.config.as_record())
        with taking_up(path):
            for name in _NETWORKS:
                fill_network(getattr(self, name), record[name], path)
            self.optimiser.load_state_dict(record["optimiser"])
            self.discriminator.load_state_dict(record["discriminator"], path)
            self._path_mean.copy_(record["path_mean"])
            self.done = int(record["done"])

    def _train_generator(self, count: int, generator: torch.Generator) -> dict[str, Tensor]:
        with self._precision():
            faces = self._faces(self._codes(count, generator, tell=True), generator)
        augmentation = self.discriminator.augmentation(count, generator)
        loss = generator_loss(self.discriminator.score_and_features(faces, None, augmentation)[0])
        norm = optimiser_step(self.generator, self.optimiser, loss, self.processes)
        return {"generator": loss, "generator_gradient": norm}

    def _regularise_path(self, count: int, generator: torch.Generator) -> dict[str, Tensor]:
        config = self.config
        with self._precision():
            codes = self._codes(count, generator)
            faces = self._faces(codes, generator) * 2 - 1
        lengths = path_lengths(faces, codes, generator)
        mean = lengths.detach().mean().cpu()
        self.processes.average([mean])
        self._path_mean.lerp_(mean, PATH_DECAY)
        penalty = path_penalty(lengths, self._path_mean.to(lengths.device))
        loss = penalty * config.path_length * config.path_length_every
        optimiser_step(self.generator, self.optimiser, loss, self.processes)
        return {"path": penalty}

    def _train_discriminator(self, real: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        with torch.no_grad(), self._precision():
            fake = self._faces(self._codes(len(real), generator), generator)
        return self.discriminator.step(real, fake.float(), None, self.done, generator)

    def _codes(self, count: int, generator: torch.Generator, tell: bool = False) -> Tensor:
        """Draw codes ``(n, layers, latent)``, some of them mixed of two."""
        network = self.config.network
        z = torch.randn((2, count, network.latent), generator=generator).to(self.device)
        one, other = (self.generator.map(each) for each in z)
        if tell:
            with torch.no_grad():
                self.generator.average_code.lerp_(one.mean(dim=0), 1 - _CODE_DECAY)
        mixed = torch.rand(count, generator=generator) < self.config.mixing
        change = torch.randint(1, network.layers, (count,), generator=generator)
        change = torch.where(mixed, change, network.layers).to(self.device)
        first = torch.arange(network.layers, device=self.device)[None] < change[:, None]
        return torch.where(first[..., None], one[:, None], other[:, None])

    def _faces(self, codes: Tensor, generator: torch.Generator) -> Tensor:
        faces: Tensor = self.generator.synthesise(codes, generator)
        return faces

    def _precision(self) -> torch.autocast:
        wanted = self.config.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=wanted)

    @torch.no_grad()
    def _average(self) -> None:
        config = self.config
        shown = self.done * config.batch_size
        half_life = min(config.average_images, config.average_ramp * shown)
        keep = 0.5 ** (config.batch_size / max(half_life, 1e-8))
        for average, now in zip(
            self.average.parameters(), self.generator.parameters(), strict=True
        ):
            average.lerp_(now, 1 - keep)
        for average, now in zip(self.average.buffers(), self.generator.buffers(), strict=True):
            average.copy_(now)
