"""StyleGAN2's discriminator: faces → one score each, higher for real.

A residual network (Karras et al. 2020, arXiv 1912.04958, figure 7) that sees at its end how much
the faces of a group differ (minibatch deviation: Karras et al. 2018, arXiv 1710.10196, section 3).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zoo.networks.equalised import EqualisedConvolution, EqualisedLinear, activated

__all__ = ["ImageCritic", "minibatch_deviation"]

_TINY = 1e-8


class ImageCritic(nn.Module):
    """Score faces.

    Parameters
    ----------
    channels
        Side of a level in pixels, from 4, each twice the one before → its channels, as
        `zoo.networks.stylegan2.GeneratorConfig.channels`; the largest is the size of the faces.
    group
        Faces that are compared with each other; batches are multiples of it, or smaller.
    """

    def __init__(self, channels: Mapping[int, int], group: int = 4) -> None:
        super().__init__()
        self._group = group
        widths = list(channels.values())
        self.from_rgb = EqualisedConvolution(3, widths[-1], 1)
        self.blocks = nn.ModuleList(
            _Halving(after, before) for before, after in reversed(list(itertools.pairwise(widths)))
        )
        self.last = EqualisedConvolution(widths[0] + 1, widths[0], 3)
        self.inner = EqualisedLinear(widths[0] * 16, widths[0])
        self.score = EqualisedLinear(widths[0], 1)

    def forward(self, faces: Tensor) -> Tensor:
        """Return ``(n,)`` scores of ``(n, 3, size, size)`` RGB in about [0, 1]."""
        x = activated(self.from_rgb(faces * 2 - 1))
        for block in self.blocks:
            x = block(x)
        x = activated(self.last(minibatch_deviation(x, self._group)))
        scores: Tensor = self.score(activated(self.inner(x.flatten(1))))
        return scores[:, 0]


class _Halving(nn.Module):
    """Half the side; the sum of a long and a short way over √2, which keeps the variance."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.one = EqualisedConvolution(inputs, inputs, 3)
        self.two = EqualisedConvolution(inputs, outputs, 3, "down")
        self.short = EqualisedConvolution(inputs, outputs, 1, "down", biased=False)

    def forward(self, x: Tensor) -> Tensor:
        long = activated(self.two(activated(self.one(x))))
        together: Tensor = (long + self.short(x)) / math.sqrt(2)
        return together


def minibatch_deviation(x: Tensor, group: int) -> Tensor:
    """Return ``(n, c + 1, h, w)``: ``x`` and a channel with its deviation over the group.

    The standard deviation over the faces of a group, averaged over channels and pixels, one
    number a group. Face i is in the group of the faces i + k n / group.
    """
    count, _, height, width = x.shape
    group = math.gcd(group, count)
    y = x.reshape(group, count // group, *x.shape[1:]).float()
    spread = (y.var(dim=0, unbiased=False) + _TINY).sqrt().mean(dim=(1, 2, 3))
    told = spread.repeat(group)[:, None, None, None].expand(-1, 1, height, width)
    return torch.cat([x, told.to(x.dtype)], dim=1)
