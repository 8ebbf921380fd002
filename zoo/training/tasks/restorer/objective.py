"""What the restored faces are measured by in training, all but the discriminator's opinion."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zoo.training.losses.features import load_features
from zoo.training.losses.identity import IdentityLoss
from zoo.training.losses.region_style import region_style_loss
from zoo.training.tasks.restorer.config import TrainingConfig

__all__ = ["Objective"]


class Objective:
    """The weighted sum of the losses that a configuration asks for.

    Parameters
    ----------
    config
        Weights of the losses and the networks behind them.
    device
        Where the faces will be.

    Raises
    ------
    WeightsMissing, TrainingError
        A network's weights are not on this machine.
    """

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        self._config = config
        self._features = None
        if config.perceptual or config.region_style:
            self._features = load_features(config.perceptual_network, config.stages, device)
        self._identity = None if config.identity is None else IdentityLoss(config.identity, device)

    def __call__(
        self, restored: Tensor, hq: Tensor, mask: Tensor, wanted: Tensor | None = None
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Return each loss by its name, and their weighted sum.

        Parameters
        ----------
        restored, hq
            ``(n, 3, size, size)`` RGB in [0, 1]; the restored faces are not clipped yet.
        mask
            ``(n, 19, size, size)``: the right masks.
        wanted
            What the faces restored with the right masks look like, for `consistency`.
        """
        config = self._config
        told = {"l1": (restored - hq).abs().mean()}
        loss = config.l1 * told["l1"]
        found, true = self._maps(restored, hq)
        if self._features is not None and config.perceptual:
            told["perceptual"] = self._features.distance(found, true)
            loss = loss + config.perceptual * told["perceptual"]
        if wanted is not None:
            told["consistency"] = (restored - wanted).abs().mean()
            loss = loss + config.consistency * told["consistency"]
        if self._features is not None and config.region_style:
            middle = self._features.middle
            told["region_style"] = region_style_loss(middle(found), middle(true), mask)
            loss = loss + config.region_style * told["region_style"]
        if self._identity is not None and config.identity is not None:
            told["identity"] = self._identity(restored.clamp(0, 1), hq)
            loss = loss + config.identity.weight * told["identity"]
        return told, loss

    def _maps(self, restored: Tensor, hq: Tensor) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        if self._features is None:
            return (), ()
        with torch.no_grad():
            true = self._features.maps(hq)
        return self._features.maps(restored.clamp(0, 1)), true
