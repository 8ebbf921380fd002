"""How far a face that a generator makes is from the one that is wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from zoo.networks.features.perceptual import FeatureNetwork

__all__ = ["Objective", "Weights"]

Degradation = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts how much."""

    # Of the mean difference of the pixels, in [0, 1]: squared, or with `log_cosh` its logarithmic
    # hyperbolic cosine
    pixel: float = 1.0
    perceptual: float = 1.0  # of the distance of the maps of EfficientNet-Lite0
    # Of the mean absolute distance from the average code, in standard deviations
    leaving: float = 0.0
    log_cosh: bool = False  # whether large differences of pixels count less than their squares


class Objective:
    """The loss of made faces against one wanted face.

    Parameters
    ----------
    wanted
        ``(1, 3, height, width)`` RGB in [0, 1].
    weights
        See `Weights`.
    features
        The network of the perceptual distance; None where its weight is 0.
    degraded
        What the made faces go through before they are compared, when it is known how the wanted
        one was degraded; None for nothing.
    """

    def __init__(
        self,
        lq: Tensor,
        weights: Weights,
        features: FeatureNetwork | None,
        degraded: Degradation | None = None,
    ) -> None:
        self._lq, self._weights = lq, weights
        self._features, self._degraded = features, degraded
        with torch.no_grad():
            self._maps = [] if features is None else features.maps(lq)

    def __call__(self, face: Tensor, coordinates: Tensor) -> Tensor:
        """Return the loss, a scalar.

        Parameters
        ----------
        made
            ``(1, 3, height, width)`` RGB, about [0, 1].
        coordinates
            ``(1, layers, latent)``, see `zoo.restorers.inversion.code_space`.
        """
        weights = self._weights
        degraded = face if self._degraded is None else self._degraded(face)
        apart = degraded - self._lq
        loss = weights.pixel * (_log_cosh(apart) if weights.log_cosh else apart.square()).mean()
        if self._features is not None and weights.perceptual:
            maps = self._features.maps(degraded.clamp(0, 1))
            loss = loss + weights.perceptual * self._features.distance(maps, self._maps)
        if weights.leaving:
            loss = loss + weights.leaving * coordinates.abs().mean()
        return loss


def _log_cosh(x: Tensor) -> Tensor:
    """Return log cosh x = |x| + log(1 + e^(-2|x|)) - log 2, exact for large x too."""
    size = x.abs()
    return size + functional.softplus(-2 * size) - 0.6931471805599453
