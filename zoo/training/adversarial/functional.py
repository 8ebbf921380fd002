"""The adversarial losses: of the discriminator, of the generator, R1 and feature matching."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["discriminator_loss", "feature_matching_loss", "generator_loss", "gradient_penalty"]


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return the discriminator's loss from its scores of real and of made faces.

    Non-saturating logistic loss: Goodfellow et al. 2014 (arXiv 1406.2661, section 3).
    """
    return functional.softplus(-real).mean() + functional.softplus(fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """Return the generator's loss from the discriminator's scores; see `discriminator_loss`."""
    return functional.softplus(-fake).mean()


def gradient_penalty(scores: Tensor, real: Tensor) -> Tensor:
    """Return R1: the mean squared length of the scores' gradient at real faces.

    Mescheder et al. 2018 (arXiv 1801.04406, eq. 9); times gamma / 2 it is the penalty. ``real``
    asked for gradients before ``scores`` was computed from it. Faces in [0, 1] give four times
    the value that the same faces in [-1, 1] give, for which gammas are published.
    """
    (gradient,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def feature_matching_loss(fake: Sequence[Tensor], real: Sequence[Tensor]) -> Tensor:
    """Return the mean absolute difference of the discriminator's maps, the mean over levels.

    pix2pixHD: Wang et al. 2018 (arXiv 1711.11585, eq. 4). No gradient goes to ``real``.
    """
    differences = [(a - b.detach()).abs().mean() for a, b in zip(fake, real, strict=True)]
    return torch.stack(differences).mean()
