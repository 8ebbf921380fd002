"""The training loop's state and one step of it; a run resumed equals a run never stopped."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo.networks.restoration.designs import build_network
from zoo.registry.trained_card import loss_networks_of
from zoo.training.adversarial.loss import AdversarialLoss
from zoo.training.base.distributed import Processes
from zoo.training.base.random_state import step_generator
from zoo.training.base.schedule import average_weights, rate_at
from zoo.training.base.state import fill_network, read_state, taking_up, write_state
from zoo.training.data.device_batch import DeviceBatch
from zoo.training.tasks.restorer.config import TrainingConfig, config_of
from zoo.training.tasks.restorer.objective import Objective

__all__ = ["Trainer"]

_CLIP = 1.0
"""Longest gradient of the restorer."""
_MOST_BALANCE = 1e4
"""Bound of the adaptive weight (Esser et al. 2021, official code: taming-transformers,
``calculate_adaptive_weight``)."""
_SHORTEST = 1e-4
"""Added to the length that is divided by, as there."""


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
            self.network: nn.Module = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
            self.adversarial = None
            if config.adversarial is not None:
                self.adversarial = AdversarialLoss(config, device, self.processes, self._precision)
        self._objective = Objective(config, device)
        self._optimiser = torch.optim.Adam(
            self.network.parameters(), config.learning_rate, (config.beta1, 0.99), fused=True
        )

    def step(self, batch: DeviceBatch) -> dict[str, Tensor]:
        """Learn from one batch, or this process's part of it; return the whole's metrics."""
        # 0 is the stream of masks, see `zoo.training.data.device_batch`.
        generator = step_generator(self.config.seed, self.done, 1 + self.processes.rank)
        for group in self._optimiser.param_groups:
            group["lr"] = self.learning_rate
        with self._precision():
            restored = self.network(batch.lq, batch.mask)
        restored = restored.float()
        metrics, slope = self._slope(restored, batch, generator)
        self._optimiser.zero_grad(set_to_none=True)
        restored.backward(slope)
        metrics["gradient"] = self._update()
        if self.adversarial is not None and self.adversarial.is_learning(self.done):
            metrics |= self.adversarial.step(
                restored.detach(), batch.hq, batch.right, batch.parts, self.done, generator
            )
        self.done += 1
        average_weights(self.average, self.network, self.config, self.done)
        values = torch.stack([value.detach().float() for value in metrics.values()])
        self.processes.average([values])
        return dict(zip(metrics, values, strict=True))

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
            "optimiser": self._optimiser.state_dict(),
        }
        if self.adversarial is not None:
            parts["adversarial"] = self.adversarial.state_dict()
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
            self._optimiser.load_state_dict(record["optimiser"])
            if self.adversarial is not None:
                self.adversarial.load_state_dict(record["adversarial"], path)
            self.begun_from = str(record.get("begun_from", ""))
            self._inherited = tuple(map(str, record.get("inherited", ())))
            self.done = int(record["done"])

    def _slope(
        self, restored: Tensor, batch: DeviceBatch, generator: torch.Generator
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Return the losses, and the gradient of their weighted sum at the restored faces."""
        faces = restored.detach().requires_grad_(True)
        right = self._with_right_mask(batch)
        losses, loss = self._objective(faces, batch.hq, batch.right, right)
        (slope,) = torch.autograd.grad(loss, faces)
        weight = 0.0 if self.adversarial is None else self.adversarial.weight(self.done)
        if self.adversarial is None or not weight:
            return losses, slope
        opposed, total = self.adversarial.loss(faces, batch.hq, batch.right, batch.parts, generator)
        (adversarial,) = torch.autograd.grad(total, faces)
        balance = self._balance(restored, slope, adversarial)
        opposed["adversarial_share"] = weight * balance * adversarial.norm() / slope.norm()
        return losses | opposed, slope + weight * balance * adversarial

    def _balance(self, restored: Tensor, slope: Tensor, adversarial: Tensor) -> Tensor:
        """Return what the adversarial weight is multiplied by, see `AdversarialConfig.balance`."""
        assert self.config.adversarial is not None
        if self.config.adversarial.balance == "none":
            return slope.new_ones(())
        layer = self.network.last_layer
        assert isinstance(layer, Tensor)
        lengths = []
        for each in (slope, adversarial):
            (gradient,) = torch.autograd.grad(restored, layer, each, retain_graph=True)
            self.processes.average([gradient])
            lengths.append(gradient.norm())
        ratio: Tensor = lengths[0] / (lengths[1] + _SHORTEST)
        return ratio.clamp(0, _MOST_BALANCE)

    @torch.no_grad()
    def _with_right_mask(self, batch: DeviceBatch) -> Tensor | None:
        """Return the faces as the network restores them with the right masks, for consistency."""
        if not self.config.consistency:
            return None
        with self._precision():
            restored: Tensor = self.network(batch.lq, batch.right)
        return restored.float()

    def _precision(self) -> torch.autocast:
        enabled = self.config.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)

    @property
    def loss_networks(self) -> tuple[str, ...]:
        """The networks that its weights were trained against, here and before `begin_from`."""
        own = loss_networks_of(self.config.as_record())
        return tuple(dict.fromkeys([*self._inherited, *own]))

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return rate_at(self.config, self.done)

    def _update(self) -> Tensor:
        """Step down the restorer's gradient, clipped; return its length before that."""
        parameters = list(self.network.parameters())
        self.processes.average([p.grad for p in parameters if p.grad is not None])
        norm: Tensor = torch.nn.utils.clip_grad_norm_(parameters, _CLIP)
        self._optimiser.step()
        return norm


def _completed(record: dict[str, Any]) -> dict[str, Any]:
    return config_of(record).as_record()
