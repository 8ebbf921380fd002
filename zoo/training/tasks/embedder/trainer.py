"""The loop's state and one step of it; a run resumed equals a run never stopped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo.networks.faces.arcface import paired_margin_loss
from zoo.networks.faces.face_descriptor import FaceDescriptor
from zoo.training.base.state import fill_network, read_state, taking_up, write_state
from zoo.training.tasks.embedder.batches import IdentityBatch
from zoo.training.tasks.embedder.config import DescriptorTraining, descriptor_training

__all__ = ["DescriptorTrainer"]

_CONFIG = "task_config"
"""No other training takes a state of this one for its own."""


class DescriptorTrainer:
    """The descriptor, its optimiser and the number of steps done.

    Parameters
    ----------
    config
        See `DescriptorTraining`.
    device
        Where to train.
    """

    def __init__(self, config: DescriptorTraining, device: torch.device) -> None:
        self.config, self.device, self.done = config, device, 0
        self.begun_from = ""
        """sha256 of the weights file that the run began from, or an empty text."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = FaceDescriptor(config.network)
        layout = torch.channels_last
        self.network = network.to(device, memory_format=layout)  # type: ignore[call-overload]
        told = list(self.network.parameters())
        self._optimiser = torch.optim.AdamW(
            [
                {"params": [p for p in told if p.dim() > 1], "weight_decay": config.weight_decay},
                # Norms and slopes.
                {"params": [p for p in told if p.dim() <= 1], "weight_decay": 0.0},
            ],
            config.learning_rate,
        )

    def step(self, batch: IdentityBatch) -> dict[str, float]:
        """Learn from one batch; return its loss, and the share of faces told right.

        Right is where a degraded face is nearest to its own photograph's other view.
        """
        count = len(batch.labels)
        faces = torch.cat([batch.degraded, batch.clean])
        faces = faces.to(self.device, memory_format=torch.channels_last)
        labels = batch.labels.to(self.device)
        for group in self._optimiser.param_groups:
            group["lr"] = self.learning_rate
        self.network.train()
        wanted = self.config.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=wanted):
            one, other = self.network(faces).split(count)
        loss = paired_margin_loss(one, other, labels, self.margin, self.config.scale)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self._optimiser.step()
        self.done += 1
        with torch.no_grad():
            right = (labels[(one @ other.T).argmax(dim=1)] == labels).float().mean()
        return {"loss": float(loss.detach()), "right": float(right)}

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        config, done = self.config, self.done
        if done < config.warmup:
            return config.learning_rate * (done + 1) / config.warmup
        along = (done - config.warmup) / max(1, config.steps - config.warmup)
        return config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, along)))

    @property
    def margin(self) -> float:
        """The margin that the next step asks for, radians."""
        growing = self.config.margin_warmup * self.config.steps
        return self.config.margin * (min(1.0, self.done / growing) if growing else 1.0)

    def begin_from(self, tensors: Mapping[str, Tensor], digest: str) -> None:
        """Take up a descriptor's weights, those of a file with that sha256, before the first step.

        Raises TrainingError where they are of other sizes.
        """
        fill_network(self.network, tensors, "the weights to begin from")
        self.begun_from = digest

    def save(self, path: Path) -> None:
        """Write everything that a later run needs to go on as if never stopped."""
        parts = {
            "done": self.done,
            "begun_from": self.begun_from,
            "network": self.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }
        write_state(path, self.config.as_record(), parts, key=_CONFIG)

    def load(self, path: Path) -> None:
        """Take up what `save` wrote.

        Raises
        ------
        TrainingError
            Another configuration's (the message names the keys that differ), or another version's.
        WeightsRefused
            It is no such file.
        """
        record = read_state(path, self.config.as_record(), key=_CONFIG, complete=_completed)
        with taking_up(path):
            fill_network(self.network, record["network"], path)
            self._optimiser.load_state_dict(record["optimiser"])
            self.done, self.begun_from = int(record["done"]), str(record["begun_from"])


def _completed(told: dict[str, Any]) -> dict[str, Any]:
    return descriptor_training(told).as_record()
