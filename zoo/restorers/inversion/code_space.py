"""Where a generator's codes lie: coordinates in which they are about standard normal.

The codes of the mapping network fill a small, stretched part of their space. Steps and penalties
are measured in its standard deviations (Zhu et al. 2020, arXiv 2012.09036, section 3.2, equation
2; without its inverse activation, and turned back from the principal axes, whose signs and order
mean nothing, so that two trainings of one generator have nearly the same coordinates).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.networks.stylegan.generator import StyleGenerator

__all__ = ["CodeSpace", "measured_space"]

_SAMPLES = 10_000
"""Codes that the axes are measured from, as many as NVIDIA's projector takes for their mean and
spread (Karras et al. 2020, arXiv 1912.04958, appendix D)."""
_THINNEST = 1e-2
"""The smallest deviation along any axis, as a share of the largest: thinner ones are noise."""


@dataclass(frozen=True, slots=True, eq=False)
class CodeSpace:
    """Codes ``(…, latent)`` to and from coordinates ``(…, latent)``, 0 for the average code."""

    average: Tensor  # ``(latent,)``: the average code
    spread: Tensor  # ``(latent, latent)``: the symmetric root of the codes' covariance
    inverse: Tensor  # its inverse

    def codes(self, coordinates: Tensor) -> Tensor:
        """Return the codes at coordinates in standard deviations."""
        return self.average + coordinates @ self.spread

    def coordinates(self, codes: Tensor) -> Tensor:
        """Return the coordinates of codes, in standard deviations."""
        return (codes - self.average) @ self.inverse

    def to(self, device: torch.device) -> CodeSpace:
        """Return the same space on a device."""
        return CodeSpace(*(t.to(device) for t in (self.average, self.spread, self.inverse)))


def measured_space(generator: StyleGenerator) -> CodeSpace:
    """Return the space of a generator's codes, measured from the same 10 000 of them each time.

    Parameters
    ----------
    generator
        On the CPU.
    """
    random = torch.Generator().manual_seed(0)
    z = torch.randn((_SAMPLES, generator.config.latent), generator=random)
    with torch.no_grad():
        codes = generator.map(z).double()
    average = codes.mean(dim=0)
    powers, axes = torch.linalg.eigh((codes - average).T @ (codes - average) / _SAMPLES)
    lengths = powers.clamp_min(0).sqrt()
    lengths = lengths.clamp_min(float(lengths[-1]) * _THINNEST)
    spread, inverse = (axes * each @ axes.T for each in (lengths, 1 / lengths))
    return CodeSpace(average.float(), spread.float(), inverse.float())
