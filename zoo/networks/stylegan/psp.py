"""pSp's encoder: a face → one style code for each layer of a generator.

Written from Richardson et al. 2021, "Encoding in Style" (arXiv 2008.00951, section 3 and figure
2): a feature pyramid of three levels, and for each code a small network of its own that reads the
level belonging to it. The backbone is a plain residual network, not their IR-SE50.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.networks.config import Channels, Depth, Size

__all__ = ["EncoderConfig", "PspEncoder"]

_LEVELS = 3
_GROUPS = 8
"""Groups of channels that are normed together; the batch size must not matter."""


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """The size of an encoder."""

    design: ClassVar = "psp"

    size: Size  # side of the faces in pixels; the largest key of ``channels``
    # Side of a level in pixels → channels of its features, each side half the one before, five
    # sides or more. The last three are the pyramid's levels, the last of 4 pixels. Multiples of 8.
    channels: Channels
    width: Size  # channels of the pyramid and of the networks that read it
    latent: Size  # of the generator: numbers of a code, and codes that make a face
    layers: Depth

    def __post_init__(self) -> None:
        # A header's JSON sorts the sides.
        object.__setattr__(self, "channels", dict(sorted(self.channels.items(), reverse=True)))
        sides = list(self.channels)
        if any(before != 2 * after for before, after in itertools.pairwise(sides)):
            raise ValueError(f"the sides {sides} do not halve from each to the next")
        if len(sides) < _LEVELS + 2 or sides[0] != self.size or sides[-1] != 4:
            raise ValueError(
                f"the sides {sides} do not go from the size {self.size}, 64 or more, to 4"
            )
        if any(width % _GROUPS for width in (self.width, *self.channels.values())):
            raise ValueError(f"channels and width are multiples of {_GROUPS}")
        if self.layers < _LEVELS:
            raise ValueError(f"layers {self.layers} is less than the pyramid's {_LEVELS} levels")

    @property
    def shares(self) -> tuple[int, int, int]:
        """How many codes read the coarse, the middle and the fine level, in their order.

        A third each, the fine level the rest (the paper's 18 codes: 3, 4 and 11).
        """
        third = self.layers // _LEVELS
        return third, third, self.layers - 2 * third


class PspEncoder(nn.Module):
    """Faces → where their codes lie, in standard deviations from the average code.

    Parameters
    ----------
    config
        Sizes.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        widths = list(config.channels.values())
        self.first = nn.Conv2d(3, widths[0], 3, padding=1)
        self.levels = nn.ModuleList(
            _PyramidLevel(before, after) for before, after in itertools.pairwise(widths)
        )
        self.lateral = nn.ModuleList(
            nn.Conv2d(width, config.width, 1) for width in widths[: -_LEVELS - 1 : -1]
        )
        halvings = (2 + level for level, share in enumerate(config.shares) for _ in range(share))
        self.heads = nn.ModuleList(_CodeHead(config.width, config.latent, n) for n in halvings)

    def forward(self, faces: Tensor) -> Tensor:
        """Return ``(n, layers, latent)`` coordinates of ``(n, 3, size, size)`` RGB in [0, 1].

        float32; see `zoo.restorers.inversion.code_space` for what they are coordinates of.
        """
        x = self.first(faces * 2 - 1)
        maps = []
        for level in self.levels:
            x = level(x)
            maps.append(x)
        read = []
        above: Tensor | None = None
        heads = iter(self.heads)
        for lateral, features, share in zip(
            self.lateral, reversed(maps), self.config.shares, strict=False
        ):
            level = lateral(features)
            if above is not None:
                level = level + functional.interpolate(above, scale_factor=2, mode="bilinear")
            above = level
            read += [next(heads)(level) for _ in range(share)]
        return torch.stack(read, dim=1).float()


class _PyramidLevel(nn.Module):
    """Half the side: a strided convolution, and one more added to what it leaves."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.halving = nn.Conv2d(before, after, 3, stride=2, padding=1)
        self.norm = nn.GroupNorm(_GROUPS, after)
        self.change = nn.Conv2d(after, after, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(n, after, h / 2, w / 2)`` of ``(n, before, h, w)``."""
        x = self.halving(functional.leaky_relu(x, 0.2))
        changed: Tensor = x + self.change(functional.leaky_relu(self.norm(x), 0.2))
        return changed


class _CodeHead(nn.Module):
    """The paper's map2style: strided convolutions down to one pixel, then a linear layer."""

    def __init__(self, width: int, latent: int, halvings: int) -> None:
        super().__init__()
        self.halvings = nn.ModuleList(
            nn.Conv2d(width, width, 3, stride=2, padding=1) for _ in range(halvings)
        )
        self.last = nn.Linear(width, latent)
        with torch.no_grad():
            # The first guesses lie near the average code.
            self.last.weight.mul_(0.1 / math.sqrt(1 / 3))
            self.last.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(n, latent)`` of ``(n, width, h, w)``."""
        for halving in self.halvings:
            x = functional.leaky_relu(halving(x), 0.2)
        code: Tensor = self.last(x.flatten(1))
        return code
