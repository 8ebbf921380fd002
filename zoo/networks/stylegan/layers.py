"""The layers that StyleGAN's networks are made of: equalised rates, filters, modulation.

Written from the papers: Karras et al. 2018 (arXiv 1710.10196, section 4.1: equalised learning
rate), 2019 (1812.04948: noise, AdaIN, filtered sampling), 2020 (1912.04958, section 2.2 and
figure 2: modulation and demodulation). Parameter shapes are those of the published checkpoints.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = [
    "EqualisedConvolution",
    "EqualisedLinear",
    "ModulatedConvolution",
    "activated",
    "blurred",
    "filter_taps",
    "halved",
    "smoothly_doubled",
]

_SLOPE = 0.2
_TINY = 1e-8


def activated(x: Tensor) -> Tensor:
    """Return a leaky ReLU of slope 0.2 times √2, which keeps the variance about where it was."""
    return functional.leaky_relu(x, _SLOPE) * math.sqrt(2)


def filter_taps() -> Tensor:
    """Return the binomial filter of 4 × 4 taps, ``(1, 1, 4, 4)`` with sum 1.

    The outer product of [1, 3, 3, 1] (Karras et al. 2020, appendix B; Zhang 2019).
    """
    line = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return (line[:, None] * line[None] / line.sum() ** 2)[None, None]


def blurred(x: Tensor, taps: Tensor, padding: int, stride: int = 1) -> Tensor:
    """Filter every channel of ``(n, c, h, w)`` with zeros around it."""
    channels = x.shape[1]
    kernel = taps.to(x.dtype).expand(channels, 1, 4, 4)
    return functional.conv2d(x, kernel, padding=padding, stride=stride, groups=channels)


def halved(x: Tensor, taps: Tensor) -> Tensor:
    """Return ``(n, c, h, w)`` filtered and of half the side."""
    return blurred(x, taps, padding=1, stride=2)


def smoothly_doubled(x: Tensor, taps: Tensor) -> Tensor:
    """Return ``(n, c, h, w)`` with zeros put between the pixels, filtered, times 4."""
    channels = x.shape[1]
    kernel = (taps.to(x.dtype) * 4).expand(channels, 1, 4, 4)
    return functional.conv_transpose2d(x, kernel, stride=2, padding=1, groups=channels)


class EqualisedLinear(nn.Module):
    """A linear layer whose weights are stored with variance 1 and scaled as they are used.

    Parameters
    ----------
    inputs, outputs
        Widths.
    bias
        What the biases start from.
    rate
        Learning rate of this layer as a share of the others'.
    """

    def __init__(self, inputs: int, outputs: int, bias: float = 0.0, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        self._scale, self._rate = rate / math.sqrt(inputs), rate

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(n, outputs)`` for ``(n, inputs)``."""
        return functional.linear(x, self.weight * self._scale, self.bias * self._rate)


class EqualisedConvolution(nn.Module):
    """A convolution with stored variance 1; see `EqualisedLinear`. Filters before it halves.

    Parameters
    ----------
    inputs, outputs
        Channels.
    side
        Of the kernel, 1 or 3.
    resample
        ``""``, ``down`` (half the side) or ``up`` (twice).
    biased
        Whether it adds one number a channel.
    """

    taps: Tensor

    def __init__(
        self, inputs: int, outputs: int, side: int, resample: str = "", biased: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, side, side))
        self.bias = nn.Parameter(torch.zeros(outputs)) if biased else None
        self._scale, self._side, self._resample = 1 / math.sqrt(inputs * side**2), side, resample
        self.register_buffer("taps", filter_taps(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(n, outputs, h, w)``, or half or twice that side."""
        weight = self.weight * self._scale
        x = _convolved(x, weight, self.taps, self._resample)
        return x if self.bias is None else x + self.bias.to(x.dtype)[:, None, None]


class ModulatedConvolution(nn.Module):
    """A convolution whose input channels a style scales, and whose outputs keep their length.

    The weights of one face would be ``s_i w_oik``, divided by ``√Σ(s_i w_oik)²`` (Karras et al.
    2020, eq. 1 to 3). Scaling the input by ``s`` and the output by that root is the same numbers
    with one convolution for the whole batch.

    Parameters
    ----------
    inputs, outputs
        Channels.
    side
        Of the kernel, 1 or 3.
    latent
        Width of a style code.
    resample
        ``""`` or ``up``.
    demodulated
        Whether the outputs are divided.
    """

    taps: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        side: int,
        latent: int,
        resample: str = "",
        demodulated: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, side, side))
        self.affine = EqualisedLinear(latent, inputs, bias=1.0)
        self._scale, self._resample = 1 / math.sqrt(inputs * side**2), resample
        self._demodulated = demodulated
        self.register_buffer("taps", filter_taps(), persistent=False)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Return ``(n, outputs, …)`` of ``(n, inputs, h, w)`` under codes ``(n, latent)``."""
        weight = self.weight * self._scale
        style = self.affine(code).float()
        x = _convolved(x * style[:, :, None, None].to(x.dtype), weight, self.taps, self._resample)
        if not self._demodulated:
            return x
        power = style.square() @ weight.float().square().sum(dim=(2, 3)).T
        normalised: Tensor = x * (power + _TINY).rsqrt()[:, :, None, None].to(x.dtype)
        return normalised


def _convolved(x: Tensor, weight: Tensor, taps: Tensor, resample: str) -> Tensor:
    side = weight.shape[-1]
    if resample == "up":
        # Zeros between the pixels, the convolution, then the filter; 2 n + 1 pixels in between.
        x = functional.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
        return blurred(x, taps * 4, padding=1)
    if resample == "down" and side == 1:
        return functional.conv2d(halved(x, taps), weight)
    if resample == "down":
        return functional.conv2d(blurred(x, taps, padding=2), weight, stride=2)
    return functional.conv2d(x, weight, padding=side // 2)
