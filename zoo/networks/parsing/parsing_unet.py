"""A small U-Net that gives each pixel of an aligned face a region, degraded faces included.

The levels are those of `zoo.networks.restoration.unet.UNet`, normed, and it sees where in the crop
it is: faces are aligned, so the place tells much. Both are there to learn fast.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.labels import LABELS
from zoo.networks.restoration.unet import PlainBlock, UNet, UNetConfig, zeroed

__all__ = ["ParsingUNet"]

_GROUPS = 4
_SLOPE = 0.2


class _NormedBlock(PlainBlock):
    """The same with group norms (Wu and He 2018, arXiv 1803.08494) before the activations."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.norms = nn.ModuleList(nn.GroupNorm(_GROUPS, width) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` changed, of the same shape ``(n, width, side, side)``."""
        inner = self.one(functional.leaky_relu(self.norms[0](x), _SLOPE))
        change: Tensor = self.two(functional.leaky_relu(self.norms[1](inner), _SLOPE))
        return x + change


class ParsingUNet(UNet):
    """Aligned faces → logits of the 19 regions of `zoo.labels.LABELS`.

    Parameters
    ----------
    config
        Sizes; channels are multiples of 4. A new network finds every region equally likely.
    """

    block = _NormedBlock

    def __init__(self, config: UNetConfig) -> None:
        super().__init__(config)
        width = list(config.channels.values())[-1]
        self.first = nn.Conv2d(3 * config.patch**2 + 2, width, 3, padding=1)
        self.last = zeroed(nn.Conv2d(width, len(LABELS) * config.patch**2, 1))

    def forward(self, faces: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return ``(n, 19, size, size)`` logits of ``(n, 3, size, size)`` RGB in [0, 1].

        Parameters and errors are those of `UNet.forward`.
        """
        logits: Tensor = functional.pixel_shuffle(
            self.last(self.features(faces)), self.config.patch
        )
        return logits

    def folded(self, faces: Tensor) -> Tensor:
        """Return what `UNet.folded` does, and two channels: how far right and down, in [-1, 1]."""
        x = super().folded(faces)
        positions = torch.linspace(-1, 1, x.shape[2], device=x.device)
        down, right = torch.meshgrid(positions, positions, indexing="ij")
        where = torch.stack((right, down)).expand(len(x), 2, -1, -1)
        return torch.cat((x, where), dim=1).contiguous(memory_format=torch.channels_last)
