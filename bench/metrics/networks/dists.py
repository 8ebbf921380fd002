"""The network behind DISTS: VGG-16 with smooth pooling, and the likeness of two sets of maps.

Written from the paper (Ding, Ma, Wang and Simoncelli 2020, arXiv 2004.07728); nothing here
downloads.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

_STAGES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
"""Places of the 13 convolutions in torchvision's VGG-16, by stage; a ReLU follows each."""

_CHANNELS = (3, 64, 128, 256, 512, 512)
"""Of the maps compared: the image itself and the last ReLU of each stage (section 3.1)."""

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's channels, which torchvision's networks are trained with."""

_STABILISER = 1e-6
"""c1 and c2 of eqs. 5 and 6; dingkeyan93/DISTS, DISTS_pytorch/DISTS_pt.py."""

_LEAST = 1e-12
"""Under the root of the pooling, from the same file."""


class DistsNetwork(nn.Module):
    """DISTS of two batches, frozen and in evaluation mode.

    From torchvision's VGG-16 state dict and ``alpha`` and ``beta``, each ``(1, 1475, 1, 1)``, the
    weights of texture and structure; KeyError for those of another network.
    """

    mean: Tensor
    deviation: Tensor
    window: Tensor
    texture: Tensor
    structure: Tensor

    def __init__(self, backbone: Mapping[str, Tensor], heads: Mapping[str, Tensor]) -> None:
        super().__init__()
        for layer in (layer for stage in _STAGES for layer in stage):
            for part in ("weight", "bias"):
                self.register_buffer(f"{part}{layer}", backbone[f"features.{layer}.{part}"])
        alpha, beta = (heads[name].reshape(-1).double() for name in ("alpha", "beta"))
        total = alpha.sum() + beta.sum()
        self.register_buffer("texture", alpha / total)
        self.register_buffer("structure", beta / total)
        window = torch.tensor([0.5, 1.0, 0.5]) / 2  # Hann's, of five taps without its zeros
        self.register_buffer("window", torch.outer(window, window))
        self.register_buffer("mean", torch.tensor(_MEAN).reshape(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(_DEVIATION).reshape(1, 3, 1, 1))
        self.eval().requires_grad_(False)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return six maps of ``(n, 3, height, width)`` RGB images in [0, 1], the first theirs."""
        maps_of_stages = [images]
        x = (images - self.mean) / self.deviation
        for stage, layers in enumerate(_STAGES):
            x = self._pooled(x) if stage else x
            for layer in layers:
                weight, bias = getattr(self, f"weight{layer}"), getattr(self, f"bias{layer}")
                x = functional.conv2d(x, weight, bias, padding=1).relu()
            maps_of_stages.append(x)
        return maps_of_stages

    def distance(self, first: list[Tensor], second: list[Tensor]) -> Tensor:
        """Return ``(n,)`` float64 distances of two sets of maps, eq. 7; 0 for equal ones."""
        likeness = torch.zeros(len(first[0]), dtype=torch.float64)
        start = 0
        for one, other in zip(first, second, strict=True):
            layer = slice(start, start + one.shape[1])
            texture, structure = _likeness(one, other)
            likeness += texture @ self.texture[layer] + structure @ self.structure[layer]
            start = layer.stop
        return 1 - likeness

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return ``(n,)`` distances of two batches of RGB images in [0, 1]."""
        return self.distance(self.maps(first), self.maps(second))

    def _pooled(self, x: Tensor) -> Tensor:
        """Return the root of the windowed mean of squares, every second place (eq. 3)."""
        channels = x.shape[1]
        kernel = self.window.expand(channels, 1, 3, 3)
        mean = functional.conv2d(x.square(), kernel, stride=2, padding=1, groups=channels)
        return (mean + _LEAST).sqrt()


def _likeness(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Return ``(n, channels)`` float64 likeness of means (eq. 5) and of variation (eq. 6)."""
    one, other = (maps.flatten(2).double() for maps in (one, other))
    means = one.mean(2), other.mean(2)
    away = one - means[0][..., None], other - means[1][..., None]
    variances = [each.square().mean(2) for each in away]
    shared = (away[0] * away[1]).mean(2)
    texture = _ratio(means[0] * means[1], means[0].square() + means[1].square())
    return texture, _ratio(shared, variances[0] + variances[1])


def _ratio(product: Tensor, squares: Tensor) -> Tensor:
    return (2 * product + _STABILISER) / (squares + _STABILISER)


def load_heads() -> dict[str, Tensor]:
    """Return the published ``alpha`` and ``beta``, which torchmetrics ships (MIT, Keyan Ding).

    Raises DependencyError or WeightsMissing without (a version of) torchmetrics that has them,
    WeightsRefused for a damaged file, or one that would run code.
    """
    from zoo.weights.files import load_state_dict, package_file

    return load_state_dict(package_file("torchmetrics", "functional/image/dists_models/weights.pt"))
