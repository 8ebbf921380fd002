"""StyleGAN2's generator, and with ``modulation: adain`` that of the first StyleGAN.

A mapping network turns noise ``z`` into a style code ``w``; a synthesis network turns one code a
layer (a point of W+) into a face. Karras et al. 2020 (arXiv 1912.04958, figure 2 d and figure 7:
skip outputs) and Karras et al. 2019 (arXiv 1812.04948, figure 1 b; without progressive growing).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional

from zoo.networks.config import Channels, Depth, Size, check_doubling
from zoo.networks.stylegan.layers import (
    EqualisedConvolution,
    EqualisedLinear,
    ModulatedConvolution,
    activated,
    filter_taps,
    smoothly_doubled,
)

__all__ = ["GeneratorConfig", "StyleGenerator"]

_TINY = 1e-8


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
    """The size of a generator."""

    design: ClassVar = "stylegan2"

    size: Size  # side of the faces in pixels, 8 to 1024; the largest key of ``channels``
    # Side of a level in pixels, from 4, each twice the one before → channels of its features
    channels: Channels
    latent: Size = 512  # numbers of ``z`` and of a style code
    depth: Depth = 8  # layers of the mapping network
    # Learning rate of the mapping network as a share of the synthesis network's
    mapping_rate: Annotated[float, Meta(gt=0)] = 0.01
    # ``demodulated``: StyleGAN2; ``adain``: StyleGAN of 2019, whose convolutions are followed by an
    # instance normalisation that the code undoes, and whose last level alone makes RGB
    modulation: Literal["demodulated", "adain"] = "demodulated"

    def __post_init__(self) -> None:
        sides = list(self.channels)
        check_doubling(sides)
        if sides[0] != 4 or sides[-1] != self.size or not 8 <= self.size <= 1024:
            raise ValueError(f"the sides {sides} do not go from 4 to the size {self.size}")

    @property
    def layers(self) -> int:
        """How many codes make a face: the length of a point of W+."""
        return 2 * len(self.channels)


class StyleGenerator(nn.Module):
    """Noise → style codes → faces.

    Parameters
    ----------
    config
        Sizes.

    Notes
    -----
    StyleGAN2 has one layer less than codes: a level's RGB output shares the code of the next
    level's first layer, and the last output has the last code to itself, as in the published
    checkpoints.
    """

    # ``(latent,)``: the running mean of the codes, towards which `map` truncates
    average_code: Tensor
    taps: Tensor

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = nn.ModuleList(
            EqualisedLinear(config.latent, config.latent, rate=config.mapping_rate)
            for _ in range(config.depth)
        )
        first = config.channels[4]
        self.constant = nn.Parameter(torch.randn(1, first, 4, 4))
        adain = config.modulation == "adain"
        self.layers = nn.ModuleList(
            (_NormalisedLayer if adain else _ModulatedLayer)(*sizes, config.latent)
            for sizes in _layer_sizes(config)
        )
        last = list(config.channels.items())[-1:]
        self.to_rgb = nn.ModuleList(
            EqualisedConvolution(width, 3, 1) if adain else _ToRGB(width, config.latent)
            for _, width in (last if adain else config.channels.items())
        )
        self.register_buffer("average_code", torch.zeros(config.latent))
        self.register_buffer("taps", filter_taps(), persistent=False)

    def map(self, z: Tensor, truncation: float = 1.0) -> Tensor:
        """Return the codes ``(n, latent)`` of noise ``(n, latent)``, standard normal.

        Parameters
        ----------
        z
            Its length does not matter, only its direction.
        truncation
            1 keeps the code, 0 returns the average one, between lies typical but less varied
            (Karras et al. 2019, appendix B).
        """
        x = z * (z.square().mean(dim=1, keepdim=True) + _TINY).rsqrt()
        for layer in self.mapping:
            x = activated(layer(x))
        x = x.float()
        return x if truncation == 1 else self.average_code.lerp(x, truncation)

    def synthesise(self, codes: Tensor, noise: torch.Generator | str = "fixed") -> Tensor:
        """Return faces ``(n, 3, size, size)`` RGB, about [0, 1], not clipped.

        Parameters
        ----------
        codes
            ``(n, config.layers, latent)``, or ``(n, latent)`` for the same code in every layer.
        noise
            ``fixed``: the stored one, equal for all faces, so that equal codes give equal faces;
            ``none``; or a generator that draws it anew.

        Raises
        ------
        ValueError
            Codes of another shape.
        """
        config = self.config
        if codes.ndim == 2:
            codes = codes[:, None].expand(-1, config.layers, -1)
        if codes.shape[1:] != (config.layers, config.latent):
            raise ValueError(
                f"codes are {tuple(codes.shape)}, not (n, {config.layers}, {config.latent})"
            )
        x = self.constant.expand(len(codes), -1, -1, -1).contiguous(
            memory_format=torch.channels_last
        )
        rgb = self._normalised(x, codes, noise) if config.modulation == "adain" else None
        return ((self._skipped(x, codes, noise) if rgb is None else rgb).float() + 1) / 2

    def forward(
        self, z: Tensor, truncation: float = 1.0, noise: torch.Generator | str = "fixed"
    ) -> Tensor:
        """Return the faces of noise ``(n, latent)``; see `map` and `synthesise`."""
        return self.synthesise(self.map(z, truncation), noise)

    def _skipped(self, x: Tensor, codes: Tensor, noise: torch.Generator | str) -> Tensor:
        """StyleGAN2: every level adds to the image (figure 7, output skips)."""
        rgb: Tensor | None = None
        for index, layer in enumerate(self.layers):
            x = layer(x, codes[:, index], noise)
            if index % 2 == 0:
                level = index // 2
                more = self.to_rgb[level](x, codes[:, index + 1])
                rgb = more if rgb is None else smoothly_doubled(rgb, self.taps) + more
        assert rgb is not None
        return rgb

    def _normalised(self, x: Tensor, codes: Tensor, noise: torch.Generator | str) -> Tensor:
        for index, layer in enumerate(self.layers):
            x = layer(x, codes[:, index], noise)
        rgb: Tensor = self.to_rgb[0](x)
        return rgb


class _Noise(nn.Module):
    """One number a pixel, the same for every channel, with a learned strength."""

    pattern: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("pattern", torch.randn(1, 1, side, side))

    def forward(self, x: Tensor, noise: torch.Generator | str) -> Tensor:
        if noise == "none":
            return x
        pattern = self.pattern
        if isinstance(noise, torch.Generator):
            shape = (len(x), 1, *x.shape[2:])
            pattern = torch.randn(shape, generator=noise, device=noise.device).to(x.device)
        return x + (pattern * self.strength).to(x.dtype)


class _ModulatedLayer(nn.Module):
    """StyleGAN2's layer: modulated convolution, noise, bias, activation."""

    def __init__(self, inputs: int, outputs: int, side: int, resample: str, latent: int) -> None:
        super().__init__()
        self.convolution = ModulatedConvolution(inputs, outputs, 3, latent, resample)
        self.noise = _Noise(side)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, code: Tensor, noise: torch.Generator | str) -> Tensor:
        x = self.noise(self.convolution(x, code), noise)
        return activated(x + self.bias.to(x.dtype)[:, None, None])


class _NormalisedLayer(nn.Module):
    """The 2019 layer: convolution (none at first), noise, bias, activation, AdaIN."""

    def __init__(self, inputs: int, outputs: int, side: int, resample: str, latent: int) -> None:
        super().__init__()
        begins = resample == "constant"
        self.convolution = (
            None if begins else EqualisedConvolution(inputs, outputs, 3, resample, biased=False)
        )
        self.noise = _Noise(side)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.affine = EqualisedLinear(latent, 2 * outputs)

    def forward(self, x: Tensor, code: Tensor, noise: torch.Generator | str) -> Tensor:
        if self.convolution is not None:
            x = self.convolution(x)
        x = self.noise(x, noise)
        x = activated(x + self.bias.to(x.dtype)[:, None, None])
        scale, shift = self.affine(code).to(x.dtype)[:, :, None, None].chunk(2, dim=1)
        styled: Tensor = (1 + scale) * functional.instance_norm(x) + shift
        return styled


class _ToRGB(nn.Module):
    """A level's image: a modulated 1 × 1 convolution, not demodulated, and a bias."""

    def __init__(self, width: int, latent: int) -> None:
        super().__init__()
        self.convolution = ModulatedConvolution(width, 3, 1, latent, demodulated=False)
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        rgb: Tensor = self.convolution(x, code)
        return rgb + self.bias.to(rgb.dtype)[:, None, None]


def _layer_sizes(config: GeneratorConfig) -> list[tuple[int, int, int, str]]:
    """Return inputs, outputs, side and resampling of every layer."""
    first = config.channels[4]
    sizes = [(first, first, 4, "")]
    if config.modulation == "adain":
        sizes.insert(0, (first, first, 4, "constant"))
    before = first
    for side, width in list(config.channels.items())[1:]:
        sizes += [(before, width, side, "up"), (width, width, side, "")]
        before = width
    return sizes
