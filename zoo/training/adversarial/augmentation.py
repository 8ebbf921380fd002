"""Augment what a discriminator sees, with changes that do not leak into the generator.

Adaptive discriminator augmentation (Karras et al. 2020, arXiv 2006.06676, section 2 and appendix
B: the groups pixel blitting, general geometry and colour, with its distributions). Every change
happens with probability p, so for p < 0.8 the generator cannot learn it (section 2.2). Here one
bilinear resampling with mirrored borders does all of the geometry, where the paper filters with
wavelets, and the gradient penalty is taken at the augmented faces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Augmentation", "colour_matrices", "geometry_matrices"]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """A random change of each face of a batch, the same for everything that it is applied to."""

    # See `geometry_matrices` and `colour_matrices`; None where nothing is changed
    geometry: Tensor | None
    colour: Tensor | None

    @classmethod
    def draw(cls, count: int, chance: float, generator: torch.Generator) -> Augmentation:
        """Draw a change of ``count`` faces.

        Parameters
        ----------
        count
            Of the batch.
        chance
            p of each change, 0 to 1; 0 draws nothing and changes nothing.
        generator
            On the CPU: draws the same for every device.
        """
        if chance <= 0:
            return cls(None, None)
        geometry = geometry_matrices(count, chance, generator)
        return cls(geometry, colour_matrices(count, chance, generator))

    def __call__(self, faces: Tensor) -> Tensor:
        """Return ``(n, 3, size, size)`` RGB in [0, 1], changed; may leave that range."""
        if self.colour is None:
            return faces
        colour = self.colour.to(faces.device, faces.dtype)
        pixels = (self._moved(faces) * 2 - 1).flatten(2)
        changed = colour[:, :3, :3] @ pixels + colour[:, :3, 3:]
        return (changed.reshape(faces.shape) + 1) / 2

    def mask(self, mask: Tensor) -> Tensor:
        """Return a parsing mask ``(n, 19, side, side)`` moved as the faces are."""
        return mask if self.geometry is None else self._moved(mask)

    def _moved(self, maps: Tensor) -> Tensor:
        assert self.geometry is not None
        geometry = self.geometry[:, :2].to(maps.device)
        grid = functional.affine_grid(geometry, list(maps.shape), align_corners=False)
        return functional.grid_sample(
            maps, grid.to(maps.dtype), padding_mode="reflection", align_corners=False
        )


def geometry_matrices(count: int, chance: float, generator: torch.Generator) -> Tensor:
    """Return ``(n, 3, 3)``: from places in the result to places in the face, both in [-1, 1]."""
    draw = _Draws(count, generator)
    flip = draw.happens(chance) * draw.whole(2)
    quarter = draw.happens(chance) * draw.whole(4) * (math.pi / 2)
    shift = draw.happens(chance)[:, None] * draw.uniform(2) * 0.25
    scale = torch.exp2(draw.happens(chance) * draw.normal() * 0.2)
    # Two rotations: together one of them happens with probability p.
    turned = 1 - math.sqrt(1 - chance)
    before, after = (draw.happens(turned) * draw.uniform(1)[:, 0] * math.pi for _ in "12")
    stretch = torch.exp2(draw.happens(chance) * draw.normal() * 0.2)
    fine = draw.happens(chance)[:, None] * torch.stack([draw.normal(), draw.normal()], 1) * 0.25
    steps = (
        _scaled(1 - 2 * flip, torch.ones(count)),
        _turned(quarter),
        _shifted(shift),
        _scaled(scale, scale),
        _turned(before),
        _scaled(stretch, 1 / stretch),
        _turned(after),
        _shifted(fine),
    )
    return torch.stack([torch.linalg.multi_dot(list(one)) for one in zip(*steps, strict=True)])


def colour_matrices(count: int, chance: float, generator: torch.Generator) -> Tensor:
    """Return ``(n, 4, 4)``: what is done to RGB in [-1, 1], 1 below it."""
    draw = _Draws(count, generator)
    eye = torch.eye(4).expand(count, 4, 4)
    brightness = eye.clone()
    brightness[:, :3, 3] = (draw.happens(chance) * draw.normal() * 0.2)[:, None]
    contrast = torch.exp2(draw.happens(chance) * draw.normal() * 0.5)
    contrasted = eye.clone()
    contrasted[:, :3, :3] *= contrast[:, None, None]
    grey = torch.zeros(4, 4)
    grey[:3, :3] = 1 / 3  # onto the grey axis
    luma_flip = eye - 2 * (draw.happens(chance) * draw.whole(2))[:, None, None] * grey
    hue = _about_grey(draw.happens(chance) * draw.uniform(1)[:, 0] * math.pi)
    saturation = torch.exp2(draw.happens(chance) * draw.normal())[:, None, None]
    last = torch.zeros(4, 4)
    last[3, 3] = 1
    saturated = grey + last + (torch.eye(4) - grey - last) * saturation
    return saturated @ hue @ luma_flip @ contrasted @ brightness


class _Draws:
    """Numbers for each of ``count`` faces."""

    def __init__(self, count: int, generator: torch.Generator) -> None:
        self._count, self._generator = count, generator

    def happens(self, chance: float) -> Tensor:
        return (torch.rand(self._count, generator=self._generator) < chance).float()

    def whole(self, below: int) -> Tensor:
        return torch.randint(below, (self._count,), generator=self._generator).float()

    def normal(self) -> Tensor:
        return torch.randn(self._count, generator=self._generator)

    def uniform(self, columns: int) -> Tensor:
        """Return ``(count, columns)`` in [-1, 1)."""
        return torch.rand(self._count, columns, generator=self._generator) * 2 - 1


def _scaled(x: Tensor, y: Tensor) -> Tensor:
    return torch.diag_embed(torch.stack([x, y, torch.ones_like(x)], dim=1))


def _turned(angle: Tensor) -> Tensor:
    matrices = torch.eye(3).repeat(len(angle), 1, 1)
    matrices[:, 0, 0] = matrices[:, 1, 1] = angle.cos()
    matrices[:, 1, 0] = angle.sin()
    matrices[:, 0, 1] = -angle.sin()
    return matrices


def _shifted(by: Tensor) -> Tensor:
    matrices = torch.eye(3).repeat(len(by), 1, 1)
    matrices[:, :2, 2] = by
    return matrices


def _about_grey(angle: Tensor) -> Tensor:
    """Return ``(n, 4, 4)`` rotations about the grey axis (Rodrigues' formula)."""
    axis = 1 / math.sqrt(3)
    cross = torch.tensor([[0, -axis, axis], [axis, 0, -axis], [-axis, axis, 0]])
    sine, cosine = angle.sin()[:, None, None], angle.cos()[:, None, None]
    matrices = torch.eye(4).repeat(len(angle), 1, 1)
    matrices[:, :3, :3] = cosine * torch.eye(3) + sine * cross + (1 - cosine) / 3
    return matrices
