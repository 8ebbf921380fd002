"""What training makes small: pixel, perceptual and adversarial losses.

All take ``(n, 3, height, width)`` RGB in [0, 1] and return a scalar.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.networks.efficientnet import load_efficientnet, stage_maps

__all__ = ["PerceptualLoss", "fooling_loss", "gradient_penalty", "telling_loss"]

_EPSILON = 1e-10


class PerceptualLoss:
    """Distance of unit-length features of EfficientNet-Lite0, averaged over its first stages.

    The manner of LPIPS (Zhang et al. 2018, arXiv 1801.03924, eq. 1) with every channel weighted
    alike. Lite0 is for losses: restorers are judged by another network, Lite2.

    Parameters
    ----------
    stages
        How many stages from 1/2 on, 1 to 5.
    """

    def __init__(self, stages: int = 5) -> None:
        self._network: nn.Module = load_efficientnet("efficientnet-lite0")
        self._stages = stages

    def __call__(self, restored: Tensor, hq: Tensor) -> Tensor:
        """Return the mean over images, places and stages; 0 for equal images, at most 4."""
        with torch.no_grad():
            wanted = self._features(hq)
        found = self._features(restored)
        apart = [(a - b).square().sum(dim=1).mean() for a, b in zip(found, wanted, strict=True)]
        return torch.stack(apart).mean()

    def to(self, device: torch.device) -> PerceptualLoss:
        """Move the network; returns itself."""
        self._network.to(device)
        return self

    def _features(self, images: Tensor) -> Sequence[Tensor]:
        maps, _ = stage_maps(self._network, images)
        return [_unit(stage.float()) for stage in maps[: self._stages]]


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


def _unit(maps: Tensor) -> Tensor:
    # The root is taken of a sum that is never 0: its slope there has no end.
    return maps / (maps.square().sum(dim=1, keepdim=True) + _EPSILON).sqrt()
