"""What every step takes: its learning rate, its random numbers, the running average of weights."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from degrade.random import step_seed

__all__ = ["average_weights", "rate_at", "step_generator"]


def rate_at(config: Any, done: int) -> float:
    """Return the learning rate of the step after ``done`` steps: a rise, then half a cosine.

    Parameters
    ----------
    config
        Has ``learning_rate``, the highest; ``warmup``, the steps of its linear rise; ``decay``, the
        share of the ``steps``, at the end, over which it falls to 0.
    """
    steps, decay = config.steps, config.decay
    warm = min(1.0, (done + 1) / max(1, config.warmup))
    falling = (done - (1 - decay) * steps) / max(1.0, decay * steps)
    rate: float = config.learning_rate * warm
    return rate * 0.5 * (1 + math.cos(math.pi * min(1, max(0, falling))))


@torch.no_grad()
def average_weights(average: nn.Module, network: nn.Module, ema: float, done: int) -> None:
    """Move the averaged weights, of which a step keeps ``ema``, after ``done`` steps."""
    # A short memory at first: the start is no part of the average.
    keep = min(ema, done / (done + 10))
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - keep)


def step_generator(seed: int, step: int, part: int = 0) -> torch.Generator:
    """Return a generator on the CPU that depends on these alone, see `degrade.random.step_seed`."""
    return torch.Generator().manual_seed(step_seed(seed, step, part))
