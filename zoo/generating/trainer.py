"""Generator against discriminator: the state of a run and one step of it, exactly resumable."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo.generating.augmenting import augmented
from zoo.generating.config import GeneratorTraining
from zoo.generating.regularising import PATH_DECAY, path_lengths, path_penalty
from zoo.generating.steps import step_generator
from zoo.networks.image_critic import ImageCritic
from zoo.networks.stylegan2 import StyleGenerator
from zoo.training.losses import fooling_loss, gradient_penalty, telling_loss
from zoo.training.processes import Processes
from zoo.training.state import fill_network, read_state, taking_up, write_state

__all__ = ["GeneratorTrainer"]

_AUGMENT_EVERY = 4
"""Steps between two changes of the strength of augmentation (Karras et al. 2020, arXiv
2006.06676, section 3)."""
_CODE_DECAY = 0.998
"""Share of the average code that a step keeps (Karras et al. 2019, official code, w_avg_beta)."""
_PATH_SHARE = 2
"""The path length regularisation uses one face in so many (official code, pl_batch_shrink)."""
_NETWORKS = ("generator", "average", "critic")
_OPTIMISERS = ("generator_optimiser", "critic_optimiser")


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
        self.strength = 0.0
        """Of the augmentation: the chance of each change."""
        self._signs, self._path_mean = torch.zeros(2), torch.zeros(())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            generator = StyleGenerator(config.network)
            critic = ImageCritic(config.network.channels)
        layout = torch.channels_last
        self.generator = generator.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.generator).requires_grad_(False).eval()
        self.critic = critic.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.generator_optimiser = self._adam(
            self.generator, config.path_length_every if config.path_length else 0
        )
        self.critic_optimiser = self._adam(self.critic, config.r1_every if config.r1 else 0)

    @property
    def learning_rate(self) -> float:
        """Of every step."""
        return self.config.learning_rate

    def step(self, real: Tensor) -> dict[str, float]:
        """Learn from real faces ``(n, 3, size, size)`` in [0, 1]; return the losses."""
        config = self.config
        generator = step_generator(config.seed, self.done, self.processes.rank)
        real = real.to(self.device).contiguous(memory_format=torch.channels_last)
        told = self._teach_generator(len(real), generator)
        if config.path_length and self.done % config.path_length_every == 0:
            told |= self._straighten(max(1, len(real) // _PATH_SHARE), generator)
        told |= self._teach_critic(real, generator)
        self.done += 1
        self._average()
        if self.done % _AUGMENT_EVERY == 0:
            self._set_strength()
        values = torch.stack([value.detach().float().cpu() for value in told.values()])
        self.processes.average([values])
        return {**dict(zip(told, values.tolist(), strict=True)), "augmented": self.strength}

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
            "strength": self.strength,
            "signs": self._signs,
            "path_mean": self._path_mean,
        }
        for name in (*_NETWORKS, *_OPTIMISERS):
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
            for name in _OPTIMISERS:
                getattr(self, name).load_state_dict(record[name])
            self._signs.copy_(record["signs"])
            self._path_mean.copy_(record["path_mean"])
            self.done, self.strength = int(record["done"]), float(record["strength"])

    def _teach_generator(self, count: int, generator: torch.Generator) -> dict[str, Tensor]:
        self.critic.requires_grad_(False)
        with self._precision():
            faces = self._faces(self._codes(count, generator, tell=True), generator)
            seen = augmented(faces, self.strength, generator)
            loss = fooling_loss(self.critic(seen).float())
        self._stepped(self.generator, self.generator_optimiser, loss)
        return {"fooling": loss}

    def _straighten(self, count: int, generator: torch.Generator) -> dict[str, Tensor]:
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
        self._stepped(self.generator, self.generator_optimiser, loss)
        return {"path": penalty}

    def _teach_critic(self, real: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        config = self.config
        self.critic.requires_grad_(True)
        with torch.no_grad(), self._precision():
            made = self._faces(self._codes(len(real), generator), generator)
            made = augmented(made, self.strength, generator)
        seen = augmented(real, self.strength, generator)
        with self._precision():
            scores = self.critic(seen).float()
            told = {"telling": telling_loss(scores, self.critic(made).float())}
        self._signs += torch.tensor([float(scores.detach().sign().sum()), float(len(scores))])
        self._stepped(self.critic, self.critic_optimiser, told["telling"])
        if config.r1 and self.done % config.r1_every == 0:
            seen = seen.detach().requires_grad_(True)
            with self._precision():
                scores = self.critic(seen).float()
            # Faces are in [0, 1] here: a gradient in [-1, 1] is half as long.
            told["r1"] = gradient_penalty(scores, seen) / 4
            self._stepped(
                self.critic, self.critic_optimiser, told["r1"] * config.r1 / 2 * config.r1_every
            )
        return told

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

    def _stepped(self, network: nn.Module, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        self.processes.average(gradients)
        for gradient in gradients:
            # The official code does so too: one overflow is not the end of a run.
            torch.nan_to_num(gradient, nan=0.0, posinf=1e5, neginf=-1e5, out=gradient)
        optimiser.step()

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

    def _set_strength(self) -> None:
        """Augment more where the discriminator is too sure of real faces, else less."""
        config = self.config
        signs = self._signs.clone()
        self.processes.average([signs])
        self._signs.zero_()
        if not config.augment_target:
            return
        sure = float(signs[0] / signs[1].clamp_min(1)) - config.augment_target
        change = _AUGMENT_EVERY * config.batch_size / config.augment_images
        self.strength = min(1.0, max(0.0, self.strength + (change if sure > 0 else -change)))

    def _adam(self, network: nn.Module, every: int) -> torch.optim.Adam:
        # With a regularisation every k steps there are k + 1 updates in the time of k
        # (Karras et al. 2020, appendix B, lazy regularisation).
        share = every / (every + 1) if every else 1.0
        return torch.optim.Adam(
            network.parameters(), self.config.learning_rate * share, (0.0, 0.99**share), eps=1e-8
        )
