"""StyleGAN2's discriminator: faces, and their parsing mask where it takes one → one score each.

A residual network (Karras et al. 2020, arXiv 1912.04958, figure 7) that sees at its end how much
the faces of a group differ (minibatch deviation: Karras et al. 2018, arXiv 1710.10196, section
3). The mask is concatenated with the pixels, as pix2pix does (Isola et al. 2017, 1611.07004).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.networks.restoration.style import LABELS, complete_mask
from zoo.networks.stylegan.layers import EqualisedConvolution, EqualisedLinear, activated

__all__ = ["Discriminator", "minibatch_deviation"]

_TINY = 1e-8


class Discriminator(nn.Module):
    """Score faces, higher for real ones.

    Parameters
    ----------
    channels
        Side of a level in pixels, from 4, each twice the one before → its channels.
    patch
        Pixels folded ``patch × patch`` into channels before the finest level: the faces have
        ``patch`` times the largest side.
    masked
        Whether it sees a parsing mask.
    group
        Faces that are compared with each other; batches are multiples of it, or smaller.
    """

    def __init__(
        self, channels: Mapping[int, int], *, patch: int = 1, masked: bool = False, group: int = 4
    ) -> None:
        super().__init__()
        self._side, self._patch, self._masked = max(channels), patch, masked
        self._group = group
        widths = list(channels.values())
        inputs = 3 * patch**2 + (LABELS + 1 if masked else 0)
        self.from_rgb = EqualisedConvolution(inputs, widths[-1], 1 if patch == 1 else 3)
        self.blocks = nn.ModuleList(
            _Downsampling(after, before)
            for before, after in reversed(list(itertools.pairwise(widths)))
        )
        self.last = EqualisedConvolution(widths[0] + 1, widths[0], 3)
        self.inner = EqualisedLinear(widths[0] * 16, widths[0])
        self.score = EqualisedLinear(widths[0], 1)

    def forward(self, faces: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return ``(n,)`` scores; see `score_and_features`."""
        return self.score_and_features(faces, mask)[0]

    def score_and_features(
        self, faces: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the scores ``(n,)`` and the maps of the levels, fine to coarse.

        Parameters
        ----------
        faces
            ``(n, 3, size, size)`` RGB in about [0, 1].
        mask
            ``(n, 19, side, side)`` in [0, 1], any side from the finest level's on; None for no
            mask. Not looked at where the network takes none.
        """
        x = functional.pixel_unshuffle(faces * 2 - 1, self._patch)
        if self._masked:
            known = complete_mask(mask, faces)
            known = functional.adaptive_avg_pool2d(known, self._side)
            x = torch.cat([x, known.to(x.dtype)], dim=1)
        x = activated(self.from_rgb(x))
        features = []
        for block in self.blocks:
            x = block(x)
            features.append(x)
        x = activated(self.last(minibatch_deviation(x, self._group)))
        scores: Tensor = self.score(activated(self.inner(x.flatten(1))))
        return scores[:, 0], features


class _Downsampling(nn.Module):
    """Half the side; the sum of a residual and a shortcut over √2, which keeps the variance."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.one = EqualisedConvolution(inputs, inputs, 3)
        self.two = EqualisedConvolution(inputs, outputs, 3, "down")
        self.short = EqualisedConvolution(inputs, outputs, 1, "down", biased=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(n, outputs, side / 2, side / 2)``."""
        residual = activated(self.two(activated(self.one(x))))
        together: Tensor = (residual + self.short(x)) / math.sqrt(2)
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
    channel = spread.repeat(group)[:, None, None, None].expand(-1, 1, height, width)
    return torch.cat([x, channel.to(x.dtype)], dim=1)
