"""A small U-Net that gives each pixel of an aligned face a region, degraded faces included.

The levels are those of `zoo.networks.unet.UNet`; the output is a score a region in place of levels.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from zoo.networks.plain import zeroed
from zoo.networks.unet import UNet, UNetConfig
from zoo.portrait.labels import LABELS

__all__ = ["ParsingUNet"]


class ParsingUNet(UNet):
    """Aligned faces → logits of the 19 regions of `zoo.portrait.labels.LABELS`.

    Parameters
    ----------
    config
        Sizes. A new network finds every region equally likely.
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__(config)
        width = list(config.channels.values())[-1]
        self.last = zeroed(nn.Conv2d(width, len(LABELS) * config.patch**2, 1))

    def forward(self, faces: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return ``(n, 19, size, size)`` logits of ``(n, 3, size, size)`` RGB in [0, 1].

        Parameters and errors are those of `UNet.forward`.
        """
        logits: Tensor = functional.pixel_shuffle(
            self.last(self.features(faces)), self.config.patch
        )
        return logits
