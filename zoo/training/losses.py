"""The adversarial losses: of the discriminator, of the restorer, and the gradient penalty."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["fooling_loss", "gradient_penalty", "telling_loss"]


def telling_loss(real: Tensor, restored: Tensor) -> Tensor:
    """Return the discriminator's loss from its scores of real and of restored faces.

    Non-saturating logistic loss: Goodfellow et al. 2014 (arXiv 1406.2661, section 3).
    """
    return functional.softplus(-real).mean() + functional.softplus(restored).mean()


def fooling_loss(restored: Tensor) -> Tensor:
    """Return the restorer's loss from the discriminator's scores; see `telling_loss`."""
    return functional.softplus(-restored).mean()


def gradient_penalty(scores: Tensor, real: Tensor) -> Tensor:
    """Return R1: the mean squared length of the scores' gradient at real faces.

    Mescheder et al. 2018 (arXiv 1801.04406, eq. 9); times gamma / 2 it is the penalty. ``real``
    asked for gradients before ``scores`` was computed from it.
    """
    (gradient,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()
