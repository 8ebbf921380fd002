"""Path length regularisation: equal steps in W are to change the face by equal lengths.

Karras et al. 2020 (arXiv 1912.04958, section 3.2, eq. 4).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["PATH_DECAY", "path_lengths", "path_penalty"]

PATH_DECAY = 0.01
"""Share of the running mean length that a step replaces (the official code's ``pl_decay``:
NVlabs/stylegan2-ada-pytorch, training/loss.py)."""


def path_lengths(faces: Tensor, codes: Tensor, generator: torch.Generator) -> Tensor:
    """Return ``(n,)`` lengths ``‖Jᵀ y‖`` for noise images ``y``, differentiable.

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
