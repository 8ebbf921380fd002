"""The plain U-Net that the style restorer must beat: no mask, no modulation, no style maps.

A baseline in the manner of Ronneberger et al. 2015 (arXiv 1505.04597), with the same folding of
pixels and the same residual to the input as the style restorer, so that what differs is the idea.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from zoo.networks.config import Channels, Size, check_doubling

__all__ = [
    "PlainBlock",
    "UNet",
    "UNetConfig",
    "doubled",
    "zeroed",
]

_SLOPE = 0.2


class PlainBlock(nn.Module):
    """A residual block of two 3 × 3 convolutions, activations first (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(width, width, 3, padding=1)
        self.two = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` changed, of the same shape ``(n, width, side, side)``."""
        inner = self.one(functional.leaky_relu(x, _SLOPE))
        change: Tensor = self.two(functional.leaky_relu(inner, _SLOPE))
        return x + change


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """Set the layer's weights to zero, so that what it adds to begins unchanged."""
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def doubled(x: Tensor) -> Tensor:
    """Return ``(n, c, h, w)`` as ``(n, c, 2h, 2w)``, every pixel four times."""
    return functional.interpolate(x, scale_factor=2, mode="nearest")


@dataclass(frozen=True, slots=True)
class UNetConfig:
    """The size of the network."""

    design: ClassVar = "unet"

    size: Size  # side of the face in pixels
    # Side of a level in pixels → channels of its features; each side twice the one before
    channels: Channels
    patch: Size = 2  # pixels are folded ``patch × patch`` into channels before the finest level

    def __post_init__(self) -> None:
        sides = list(self.channels)
        check_doubling(sides)
        if self.size != self.patch * sides[-1]:
            raise ValueError(f"size {self.size} is not {self.patch} × {sides[-1]}")

    @property
    def masked(self) -> bool:
        """Whether the network looks at masks: never."""
        return False


class UNet(nn.Module):
    """Restore aligned faces without a mask.

    Parameters
    ----------
    config
        Sizes. A new network returns its input unchanged.
    """

    block: type[PlainBlock] = PlainBlock
    """What its levels are made of."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        widths = list(config.channels.values())[::-1]
        folded = 3 * config.patch**2
        self.first = nn.Conv2d(folded, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(self.block(width) for width in widths)
        self.downs = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride=2, padding=1)
            for before, after in itertools.pairwise(widths)
        )
        self.ups = nn.ModuleList(
            nn.Conv2d(before, after, 1) for after, before in itertools.pairwise(widths)
        )
        self.decoder = nn.ModuleList(self.block(width) for width in widths[:-1])
        self.last = zeroed(nn.Conv2d(widths[0], folded, 3, padding=1))

    @property
    def last_layer(self) -> Tensor:
        """The weights of the output, see `AdversarialConfig.balance`."""
        weight: Tensor = self.last.weight
        return weight

    def forward(self, faces: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the restored faces, not clipped.

        Parameters
        ----------
        faces
            ``(n, 3, size, size)`` RGB in [0, 1].
        mask
            Not looked at.

        Raises
        ------
        ValueError
            Faces of another size.
        """
        change = self.last(self.features(faces))
        restored: Tensor = faces + functional.pixel_shuffle(change, self.config.patch)
        return restored

    def features(self, faces: Tensor) -> Tensor:
        """Return the finest features, activated: ``(n, channels, size / patch, size / patch)``.

        Arguments and errors are those of `forward`.
        """
        side = self.config.size
        if faces.shape[1:] != (3, side, side):
            raise ValueError(f"faces are {tuple(faces.shape)}, not (n, 3, {side}, {side})")
        x = self.first(self.folded(faces))
        skips = []
        for level, block in enumerate(self.encoder):
            if level:
                x = self.downs[level - 1](functional.leaky_relu(x, _SLOPE))
            x = block(x)
            skips.append(x)
        for level in range(len(skips) - 2, -1, -1):
            x = self.decoder[level](skips[level] + doubled(self.ups[level](x)))
        return functional.leaky_relu(x, _SLOPE)

    def folded(self, faces: Tensor) -> Tensor:
        """Return the faces in [-1, 1], pixels folded into channels: what the first layer sees."""
        return functional.pixel_unshuffle(faces * 2 - 1, self.config.patch)
