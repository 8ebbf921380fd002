"""The training loop's state and one step of it; a run resumed equals a run never stopped."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import torch
from torch import Tensor, nn

from degrade.images import atomic_file
from zoo.networks.discriminator import Discriminator
from zoo.networks.style import StyleRestorer
from zoo.training.batches import FaceBatch
from zoo.training.config import TrainingConfig, TrainingError
from zoo.training.losses import PerceptualLoss, fooling_loss, gradient_penalty, telling_loss

__all__ = ["Trainer"]

_PENALTY_EVERY = 16


class Trainer:
    """Weights, their average, optimisers and the number of steps done.

    Parameters
    ----------
    config
        See `TrainingConfig`.
    device
        Where to train.
    """

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        self.config, self.device, self.done = config, device, 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = StyleRestorer(config.network)
            critic = Discriminator(config.network.size)
        layout = torch.channels_last
        self.network = network.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        self.critic = critic.to(device, memory_format=layout)  # type: ignore[call-overload]
        self._perceptual = PerceptualLoss(config.stages).to(device)
        rate = config.learning_rate
        self._optimiser = torch.optim.Adam(self.network.parameters(), rate, (0.9, 0.99))
        self._critic_optimiser = torch.optim.Adam(self.critic.parameters(), rate, (0.0, 0.99))

    def step(self, batch: FaceBatch) -> dict[str, float]:
        """Learn from one batch; return the losses."""
        rate = self._rate()
        hq, lq, mask = (t.to(self.device) for t in (batch.hq, batch.lq, batch.mask))
        for group in (*self._optimiser.param_groups, *self._critic_optimiser.param_groups):
            group["lr"] = rate
        restored = self.network(lq, mask)
        told = {"l1": (restored - hq).abs().mean()}
        loss = self.config.l1 * told["l1"]
        if self.config.perceptual:
            told["perceptual"] = self._perceptual(restored.clamp(0, 1), hq)
            loss = loss + self.config.perceptual * told["perceptual"]
        if self._adversarial():
            self.critic.requires_grad_(False)
            told["fooling"] = fooling_loss(self.critic(restored, mask))
            loss = loss + self.config.adversarial * told["fooling"]
        _update(self.network, self._optimiser, loss)
        if self._adversarial():
            told |= self._teach_critic(hq, restored.detach(), mask)
        self.done += 1
        self._average()
        return {name: float(value.detach()) for name, value in told.items()}

    def save(self, path: Path) -> None:
        """Write everything that a later run needs to go on as if never stopped."""
        record = {
            "config": repr(self.config.as_record()),
            "done": self.done,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "critic": self.critic.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "critic_optimiser": self._critic_optimiser.state_dict(),
        }
        with atomic_file(path) as file:
            torch.save(record, file)

    def load(self, path: Path) -> None:
        """Take up what `save` wrote; raises TrainingError for another configuration's file."""
        record = torch.load(path, map_location=self.device, weights_only=True)
        if record["config"] != repr(self.config.as_record()):
            raise TrainingError(
                f"{path} was begun with another configuration: give another --out, or delete it"
            )
        self.done = record["done"]
        self.network.load_state_dict(record["network"])
        self.average.load_state_dict(record["average"])
        self.critic.load_state_dict(record["critic"])
        self._optimiser.load_state_dict(record["optimiser"])
        self._critic_optimiser.load_state_dict(record["critic_optimiser"])

    def _teach_critic(self, hq: Tensor, restored: Tensor, mask: Tensor) -> dict[str, Tensor]:
        self.critic.requires_grad_(True)
        penalised = self.done % _PENALTY_EVERY == 0
        real = hq.detach().requires_grad_(penalised)
        scores = self.critic(real, mask)
        told = {"telling": telling_loss(scores, self.critic(restored, mask))}
        loss = told["telling"]
        if penalised:
            told["r1"] = gradient_penalty(scores, real)
            loss = loss + told["r1"] * (self.config.r1 / 2 * _PENALTY_EVERY)
        _update(self.critic, self._critic_optimiser, loss)
        return told

    def _adversarial(self) -> bool:
        config = self.config
        return config.adversarial > 0 and self.done >= config.adversarial_from * config.steps

    def _rate(self) -> float:
        config, done = self.config, self.done
        warm = min(1.0, (done + 1) / max(1, config.warmup))
        falling = (done - (1 - config.decay) * config.steps) / max(1.0, config.decay * config.steps)
        return config.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * min(1, max(0, falling))))

    @torch.no_grad()
    def _average(self) -> None:
        # A short memory at first: the start is no part of the average.
        keep = min(self.config.ema, self.done / (self.done + 10))
        pairs = zip(self.average.parameters(), self.network.parameters(), strict=True)
        for average, now in pairs:
            average.lerp_(now, 1 - keep)


def _update(network: nn.Module, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimiser.step()
