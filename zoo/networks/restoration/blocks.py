"""Layers that several networks share."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

__all__ = ["PlainBlock", "doubled", "zeroed"]

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
