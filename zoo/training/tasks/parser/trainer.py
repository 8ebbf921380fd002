"""The state of a parser's training and one step of it; a run resumed equals one never stopped."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo.networks.parsing.parsing_unet import ParsingUNet
from zoo.training.base.schedule import average_weights, rate_at
from zoo.training.base.state import fill_network, read_state, taking_up, write_state
from zoo.training.data.batches import FaceBatch
from zoo.training.tasks.parser.config import ParserTraining, parser_training
from zoo.training.tasks.parser.losses import parsing_loss
from zoo.training.tasks.parser.views import degraded_views

__all__ = ["ParserTrainer"]

_CONFIG = "parser_config"
"""No other training takes a state of this one for its own."""
_CLIP = 1.0
"""Longest gradient."""


class ParserTrainer:
    """The network, its average, its optimiser and the number of steps done.

    Parameters
    ----------
    config
        See `ParserTraining`.
    device
        Where to train.
    """

    def __init__(self, config: ParserTraining, device: torch.device) -> None:
        self.config, self.device, self.done = config, device, 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = ParsingUNet(config.network)
        layout = torch.channels_last
        self.network = network.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), config.learning_rate, weight_decay=0.01, fused=True
        )

    def step(self, batch: FaceBatch) -> dict[str, Tensor]:
        """Learn from one batch; return its losses."""
        for group in self._optimiser.param_groups:
            group["lr"] = self.learning_rate
        faces, labels = degraded_views(batch, self.config, self.device)
        losses = parsing_loss(self.network(faces), labels, self.config.dice)
        self._optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), _CLIP)
        self._optimiser.step()
        self.done += 1
        average_weights(self.average, self.network, self.config, self.done)
        return {name: value.detach() for name, value in losses.items()}

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return rate_at(self.config, self.done)

    def save(self, path: Path) -> None:
        """Write everything that a later run needs to go on as if never stopped."""
        parts = {
            "done": self.done,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
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
            fill_network(self.average, record["average"], path)
            self._optimiser.load_state_dict(record["optimiser"])
            self.done = int(record["done"])


def _completed(record: dict[str, Any]) -> dict[str, Any]:
    return parser_training(record).as_record()
