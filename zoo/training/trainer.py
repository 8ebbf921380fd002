"""The training loop's state and one step of it; a run resumed equals a run never stopped."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo.networks.designs import build_network
from zoo.networks.discriminator import Discriminator
from zoo.trained_card import loss_networks_of
from zoo.training.config import TrainingConfig, config_of
from zoo.training.device_batch import DeviceBatch
from zoo.training.losses import fooling_loss, gradient_penalty, telling_loss
from zoo.training.objective import Objective
from zoo.training.processes import Processes
from zoo.training.schedule import average_weights, rate_at
from zoo.training.state import fill_network, read_state, taking_up, write_state

__all__ = ["Trainer"]

_PENALTY_EVERY = 16
_SHORTEST = 1e-12


class Trainer:
    """Weights, their average, optimisers and the number of steps done.

    Parameters
    ----------
    config
        See `TrainingConfig`.
    device
        Where to train.
    processes
        This one among those that train together: batches are its parts of the whole ones.

    Notes
    -----
    No gradient is scaled in ``bfloat16``: it has float32's exponents, so nothing underflows
    (float16, which needs `torch.amp.GradScaler`, is not offered).
    """

    def __init__(
        self, config: TrainingConfig, device: torch.device, processes: Processes | None = None
    ) -> None:
        self.config, self.device, self.done = config, device, 0
        self.processes = processes or Processes()
        self.begun_from = ""
        """sha256 of the weights file that the run began from, or an empty text."""
        self._inherited: tuple[str, ...] = ()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = build_network(config.network)
            critic = Discriminator(config.network.size, config.critic_widths)
        layout = torch.channels_last
        self.network = network.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        self.critic = critic.to(device, memory_format=layout)  # type: ignore[call-overload]
        self._objective = Objective(config, device)
        rate = config.learning_rate
        self._optimiser = torch.optim.Adam(self.network.parameters(), rate, (0.9, 0.99))
        self._critic_optimiser = torch.optim.Adam(self.critic.parameters(), rate, (0.0, 0.99))

    def step(self, batch: DeviceBatch) -> dict[str, float]:
        """Learn from one batch, or from this process's part of it; return the whole's losses."""
        rate = self.learning_rate
        hq, lq, mask, right = (
            t.to(self.device) for t in (batch.hq, batch.lq, batch.mask, batch.right)
        )
        for group in (*self._optimiser.param_groups, *self._critic_optimiser.param_groups):
            group["lr"] = rate
        with self._precision():
            restored = self.network(lq, mask)
        restored = restored.float()
        self._optimiser.zero_grad(set_to_none=True)
        wanted = self._with_right_mask(lq, right)
        told, slope = self._slope(restored.detach(), hq, right, wanted)
        restored.backward(slope)
        self._stepped(self.network, self._optimiser)
        if self._adversarial():
            told |= self._teach_critic(hq, restored.detach(), right)
        self.done += 1
        average_weights(self.average, self.network, self.config, self.done)
        values = torch.stack([value.detach() for value in told.values()])
        self.processes.average([values])
        return dict(zip(told, values.tolist(), strict=True))

    def begin_from(
        self, tensors: Mapping[str, Tensor], digest: str, loss_networks: Sequence[str] = ()
    ) -> None:
        """Take up a network's weights, those of a file with that sha256, before the first step.

        Parameters
        ----------
        tensors
            By their names in the network.
        digest
            The sha256.
        loss_networks
            What the weights were trained against, see `loss_networks`.

        Raises
        ------
        TrainingError
            They are of another version of the network.
        """
        fill_network(self.network, tensors, "the weights to begin from")
        fill_network(self.average, tensors, "the weights to begin from")
        self.begun_from, self._inherited = digest, tuple(loss_networks)

    def save(self, path: Path) -> None:
        """Write everything that a later run needs to go on as if never stopped."""
        parts = {
            "done": self.done,
            "begun_from": self.begun_from,
            "inherited": list(self._inherited),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "critic": self.critic.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "critic_optimiser": self._critic_optimiser.state_dict(),
        }
        write_state(path, self.config.as_record(), parts)

    def load(self, path: Path) -> None:
        """Take up what `save` wrote.

        Raises
        ------
        TrainingError
            Another configuration's; the message names the keys that differ. Keys that a file of
            an earlier version has not, had their default values. Or another version's networks,
            or a state that lacks a part.
        WeightsRefused
            It is no such file.
        """
        record = read_state(path, self.config.as_record(), complete=_completed)
        with taking_up(path):
            fill_network(self.network, record["network"], path)
            fill_network(self.average, record["average"], path)
            fill_network(self.critic, record["critic"], path)
            self._optimiser.load_state_dict(record["optimiser"])
            self._critic_optimiser.load_state_dict(record["critic_optimiser"])
            self.begun_from = str(record.get("begun_from", ""))
            self._inherited = tuple(map(str, record.get("inherited", ())))
            self.done = int(record["done"])

    def _slope(
        self, restored: Tensor, hq: Tensor, mask: Tensor, wanted: Tensor | None
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Return the losses, and the gradient of their weighted sum at the restored faces."""
        restored.requires_grad_(True)
        told, loss = self._objective(restored, hq, mask, wanted)
        (slope,) = torch.autograd.grad(loss, restored)
        if self._adversarial():
            self.critic.requires_grad_(False)
            with self._precision():
                told["fooling"] = fooling_loss(self.critic(restored, mask).float())
            (fooling,) = torch.autograd.grad(told["fooling"], restored)
            length = self.processes.length
            ratio = length(slope) / length(fooling).clamp_min(_SHORTEST)
            slope = slope + self.config.adversarial * ratio * fooling
        return told, slope

    @torch.no_grad()
    def _with_right_mask(self, lq: Tensor, right: Tensor) -> Tensor | None:
        """Return the faces as the network restores them with the right masks, to be held to."""
        if not self.config.consistency:
            return None
        with self._precision():
            wanted: Tensor = self.network(lq, right)
        return wanted.float()

    def _precision(self) -> torch.autocast:
        wanted = self.config.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=wanted)

    def _teach_critic(self, hq: Tensor, restored: Tensor, mask: Tensor) -> dict[str, Tensor]:
        self.critic.requires_grad_(True)
        penalised = self.done % _PENALTY_EVERY == 0
        real = hq.detach().requires_grad_(penalised)
        with self._precision():
            scores = self.critic(real, mask).float()
            told = {"telling": telling_loss(scores, self.critic(restored, mask).float())}
        loss = told["telling"]
        if penalised:
            told["r1"] = gradient_penalty(scores, real)
            loss = loss + told["r1"] * (self.config.r1 / 2 * _PENALTY_EVERY)
        self._critic_optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._stepped(self.critic, self._critic_optimiser)
        return told

    def _adversarial(self) -> bool:
        config = self.config
        return config.adversarial > 0 and self.done >= config.adversarial_from * config.steps

    @property
    def loss_networks(self) -> tuple[str, ...]:
        """The networks that its weights were trained against, here and before `begin_from`."""
        own = loss_networks_of(self.config.as_record())
        return tuple(dict.fromkeys([*self._inherited, *own]))

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return rate_at(self.config, self.done)

    def _stepped(self, network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
        self.processes.average([p.grad for p in network.parameters() if p.grad is not None])
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()


def _completed(told: dict[str, Any]) -> dict[str, Any]:
    return config_of(told).as_record()
