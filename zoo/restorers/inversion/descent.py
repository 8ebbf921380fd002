"""Gradient descent on codes: from a first guess to those whose face is the wanted one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.networks.stylegan.generator import StyleGenerator
from zoo.restorers.inversion.code_space import CodeSpace

__all__ = ["Descent", "DescentResult", "descend"]

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Descent:
    """How long and how fast."""

    steps: int  # how many
    # Of Adam (betas 0.9 and 0.999, as Abdal et al. 2019 use), standard deviations a step.
    learning_rate: float
    # Shares of the steps in which the rate rises along a line at first, and falls along half a
    # cosine at last (Karras et al. 2020, arXiv 1912.04958, appendix D).
    warmup: float = 0.05
    decay: float = 0.25

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, from 0."""
        along = (step + 0.5) / self.steps
        rising = min(1.0, along / self.warmup) if self.warmup else 1.0
        falling = min(1.0, (1 - along) / self.decay) if self.decay else 1.0
        return self.learning_rate * rising * 0.5 * (1 - math.cos(math.pi * falling))


@dataclass(frozen=True, slots=True, eq=False)
class DescentResult:
    """The best of all steps."""

    codes: Tensor  # ``(1, layers, latent)``
    face: Tensor  # ``(1, 3, size, size)`` RGB, about [0, 1], not clipped
    loss: float  # what the objective said of it


def descend(
    generator: StyleGenerator,
    space: CodeSpace,
    start: Tensor,
    objective: Loss,
    descent: Descent,
    on_step: Callable[[int], None] | None = None,
) -> DescentResult:
    """Return the codes of least loss that were met on the way, the first guess among them.

    Parameters
    ----------
    generator
        Frozen, on the CPU.
    space
        Of its codes.
    start
        ``(1, layers, latent)``: the first guess, codes.
    objective
        Takes the face and its coordinates, returns a scalar; see
        `zoo.restorers.inversion.objective`.
    descent
        How far to go.
    on_step
        Called after each step with the steps done.
    """
    with torch.inference_mode(mode=False), torch.enable_grad():
        coordinates = space.coordinates(start).clone().requires_grad_(True)
        optimiser = torch.optim.Adam([coordinates], betas=(0.9, 0.999))
        best: DescentResult | None = None
        for step in range(descent.steps + 1):
            codes = space.codes(coordinates)
            face = generator.synthesise(codes)
            loss = objective(face, coordinates)
            value = float(loss.detach())
            if best is None or value < best.loss:
                best = DescentResult(codes.detach(), face.detach(), value)
            if step == descent.steps:
                break
            (coordinates.grad,) = torch.autograd.grad(loss, [coordinates])
            optimiser.param_groups[0]["lr"] = descent.rate(step)
            optimiser.step()
            if on_step:
                on_step(step + 1)
    assert best is not None
    return best
