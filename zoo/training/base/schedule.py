"""How fast a run learns at each step, and the running average of its weights."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import nn

__all__ = ["Schedule", "average_weights", "rate_at"]


class Schedule(Protocol):
    """What a configuration says of them."""

    @property
    def learning_rate(self) -> float:
        """The highest."""

    @property
    def warmup(self) -> int:
        """Steps of its linear rise."""

    @property
    def decay(self) -> float:
        """Share of the steps, at the end, over which it falls to 0."""

    @property
    def steps(self) -> int:
        """Length of the run."""

    @property
    def ema(self) -> float:
        """Share of the averaged weights that a step keeps."""


def rate_at(schedule: Schedule, done: int) -> float:
    """Return the learning rate of the step after ``done`` steps: a rise, then half a cosine."""
    steps, decay = schedule.steps, schedule.decay
    warm = min(1.0, (done + 1) / max(1, schedule.warmup))
    falling = (done - (1 - decay) * steps) / max(1.0, decay * steps)
    return schedule.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * min(1, max(0, falling))))


@torch.no_grad()
def average_weights(average: nn.Module, network: nn.Module, schedule: Schedule, done: int) -> None:
    """Move the averaged weights towards the network's after ``done`` steps."""
    # A short memory at first: the start is no part of the average.
    keep = min(schedule.ema, done / (done + 10))
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - keep)
