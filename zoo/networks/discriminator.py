"""Tells real faces from restored ones, seeing the parsing mask as well.

A small residual network in the manner of StyleGAN2's (Karras et al. 2020, arXiv 1912.04958,
figure 7), one number an image, without a minibatch statistic: a batch here mixes degradations.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.networks.style import LABELS, complete_mask

__all__ = ["Discriminator"]

_SLOPE = 0.2


class Discriminator(nn.Module):
    """Faces and mask → one score each, higher for real.

    Parameters
    ----------
    size
        Side of the faces in pixels.
    widths
        Channels of the levels, the finest first; each level halves the side.
    patch
        Pixels folded into channels before the first level.
    """

    def __init__(
        self, size: int, widths: Sequence[int] = (32, 64, 96, 128), patch: int = 2
    ) -> None:
        super().__init__()
        self._size, self._patch = size, patch
        known = LABELS + 1
        self.first = nn.Conv2d(3 * patch**2 + known, widths[0], 3, padding=1)
        self.levels = nn.ModuleList(
            _Down(before, after)
            for before, after in zip(widths, [*widths[1:], widths[-1]], strict=True)
        )
        side = size // patch // 2 ** len(widths)
        self.last = nn.Conv2d(widths[-1], widths[-1], 3, padding=1)
        self.score = nn.Linear(widths[-1] * side**2, 1)

    def forward(self, faces: Tensor, mask: Tensor | None) -> Tensor:
        """Return ``(n,)`` scores of ``(n, 3, size, size)`` faces in [0, 1].

        ``mask`` is ``(n, 19, size, size)``, or None for no mask.
        """
        known = complete_mask(mask, faces)
        known = functional.adaptive_avg_pool2d(known, self._size // self._patch)
        folded = functional.pixel_unshuffle(faces * 2 - 1, self._patch)
        x = functional.leaky_relu(self.first(torch.cat([folded, known], dim=1)), _SLOPE)
        for level in self.levels:
            x = level(x)
        x = functional.leaky_relu(self.last(x), _SLOPE)
        scores: Tensor = self.score(x.flatten(1))
        return scores[:, 0]


class _Down(nn.Module):
    """Halve the side; the sum of a short way and a long one, scaled to keep its variance."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(before, before, 3, padding=1)
        self.two = nn.Conv2d(before, after, 3, padding=1)
        self.short = nn.Conv2d(before, after, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        long = functional.leaky_relu(self.one(x), _SLOPE)
        long = functional.leaky_relu(self.two(functional.avg_pool2d(long, 2)), _SLOPE)
        short: Tensor = self.short(functional.avg_pool2d(x, 2))
        together: Tensor = (long + short) * 0.5**0.5
        return together
