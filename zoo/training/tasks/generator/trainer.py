"""Generator against discriminator: the state of a run and one step of it, exactly resumable."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.networks.stylegan.discriminator import Discriminator
from zoo.networks.stylegan.generator import StyleGenerator
from zoo.training.adversarial.discriminator import (
    DiscriminatorTrainer,
    generator_loss,
    lazy_adam,
    optimiser_step,
)
from zoo.training.base.distributed import Processes
from zoo.training.base.schedule import step_generator
from zoo.training.base.trainer import OnFace, Trainer, average_of, on_device, sample_sheet, seeded
from zoo.training.tasks.generator.config import GeneratorTraining
from zoo.training.tasks.generator.faces import RealFaces

__all__ = ["PATH_DECAY", "GeneratorTrainer", "path_lengths", "path_penalty"]

_CODE_DECAY = 0.998
"""Share of the average code that a step keeps (Karras et al. 2019, official code, w_avg_beta)."""
_PATH_SHARE = 2
"""The path length regularisation uses one face in so many (official code, pl_batch_shrink)."""
PATH_DECAY = 0.01
"""Share of the running mean length that a step replaces (the official code's ``pl_decay``:
NVlabs/stylegan2-ada-pytorch, training/loss.py)."""
_SHEET_EVERY, _COLUMNS, _ROWS = 250, 8, 4


class GeneratorTrainer(Trainer):
    """Both networks, the averaged generator and their optimisers."""

    config_type = GeneratorTraining
    shared = True
    uses_workers = False  # the faces are in memory
    config: GeneratorTraining
    batches: RealFaces

    def __init__(
        self, config: GeneratorTraining, device: torch.device, processes: Processes | None = None
    ) -> None:
        super().__init__(config, device, processes)
        self._path_mean = torch.zeros(())
        with seeded(config.seed):
            generator = StyleGenerator(config.network)
            discriminator = Discriminator(config.network.channels)
        self.generator = on_device(generator, device)
        self.average = average_of(self.generator)
        self.discriminator = DiscriminatorTrainer(
            discriminator,
            device,
            learning_rate=config.learning_rate,
            r1=config.r1,
            r1_every=config.r1_every,
            augment_target=config.augment_target,
            augment_images=config.augment_images,
            processes=self.processes,
            precision=self.autocast,
        )
        every = config.path_length_every if config.path_length else 0
        self.optimiser = lazy_adam(self.generator, config.learning_rate, 0.0, every)
        self.parts = {
            "generator": self.generator,
            "average": self.average,
            "optimiser": self.optimiser,
            "discriminator": self.discriminator,
        }

    @classmethod
    def build(cls, config: GeneratorTraining) -> nn.Module:
        """Return the network that comes out, untrained."""
        return StyleGenerator(config.network)

    def open(self, faces: Path, out: Path, on_face: OnFace | None = None) -> None:
        """Read the faces, see `RealFaces`."""
        config, part = self.config, self.processes.part(self.config.batch_size)
        size = config.network.size
        self.batches = RealFaces(faces, size, config.batch_size, config.seed, part)
        self.template, self.sheet_every = self.batches.template, _SHEET_EVERY

    def header(self) -> dict[str, Any]:
        """Return the header of the exported weights."""
        return {**super().header(), "faces": len(self.batches), "loss_networks": []}

    def notes(self) -> list[str]:
        """Return how many faces there are and how often each is shown."""
        shown, count = self.config.steps * self.config.batch_size, len(self.batches)
        return [f"{count} faces, each shown about {shown / count:.0f} times"]

    def sheet(self) -> NDArray[np.uint8]:
        """Return the same 32 drawn faces each time."""
        return sample_sheet(torch.split(self.draw(_COLUMNS * _ROWS), _COLUMNS))

    def extra_state(self) -> dict[str, Any]:
        """Return the running mean of the path lengths."""
        return {"path_mean": self._path_mean}

    def load_extra_state(self, record: Mapping[str, Any]) -> None:
        """Take up the running mean of the path lengths."""
        self._path_mean.copy_(record["path_mean"])

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
        self._update_average()
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

    def _train_generator(self, count: int, generator: torch.Generator) -> dict[str, Tensor]:
        with self.autocast():
            faces = self._faces(self._codes(count, generator, update_average=True), generator)
        augmentation = self.discriminator.augmentation(count, generator)
        loss = generator_loss(self.discriminator.score_and_features(faces, None, augmentation)[0])
        norm = optimiser_step(self.generator, self.optimiser, loss, self.processes)
        return {"generator": loss, "generator_gradient": norm}

    def _regularise_path(self, count: int, generator: torch.Generator) -> dict[str, Tensor]:
        config = self.config
        with self.autocast():
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
        with torch.no_grad(), self.autocast():
            fake = self._faces(self._codes(len(real), generator), generator)
        return self.discriminator.step(real, fake.float(), None, self.done, generator)

    def _codes(
        self, count: int, generator: torch.Generator, update_average: bool = False
    ) -> Tensor:
        """Draw codes ``(n, layers, latent)``, some of them mixed of two."""
        network = self.config.network
        z = torch.randn((2, count, network.latent), generator=generator).to(self.device)
        one, other = (self.generator.map(each) for each in z)
        if update_average:
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

    @torch.no_grad()
    def _update_average(self) -> None:
        config = self.config
        shown = self.done * config.batch_size
        half_life = min(config.average_images, config.average_ramp * shown)
        keep = 0.5 ** (config.batch_size / max(half_life, 1e-8))
        for average, now in zip(
            self.average.parameters(), self.generator.parameters(), strict=True
        ):
            average.lerp_(now, 1 - keep)
        for copied, buffer in zip(self.average.buffers(), self.generator.buffers(), strict=True):
            copied.copy_(buffer)


def path_lengths(faces: Tensor, codes: Tensor, generator: torch.Generator) -> Tensor:
    """Return ``(n,)`` lengths ``‖Jᵀ y‖`` for noise images ``y``, differentiable.

    Equal steps in W are to change the face by equal lengths: path length regularisation, Karras
    et al. 2020 (arXiv 1912.04958, section 3.2, eq. 4).

    Parameters
    ----------
    faces
        ``(n, 3, size, size)`` RGB in [-1, 1], computed from ``codes``.
    codes
        ``(n, layers, latent)`` that asked for gradients; the mean is over the layers.
    generator
        Draws ``y``, normal, divided by the side so that the length does not grow with it.
    """
    noise = torch.randn(faces.shape, generator=generator).to(faces.device)
    noise = noise / math.sqrt(faces.shape[2] * faces.shape[3])
    (gradient,) = torch.autograd.grad((faces * noise).sum(), codes, create_graph=True)
    return gradient.square().sum(dim=2).mean(dim=1).sqrt()


def path_penalty(lengths: Tensor, mean: Tensor) -> Tensor:
    """Return the mean squared distance of the lengths from their running mean."""
    return (lengths - mean).square().mean()
