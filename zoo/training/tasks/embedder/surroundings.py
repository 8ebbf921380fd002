"""A face in another photograph's surroundings: who it is must be told by the face itself.

Each photograph has its own background, hair and clothes, and a descriptor taught by photographs
alone learns those; so some faces are set into others' before they are seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from degrade.random import Stream
from zoo.portrait.align.templates import TIGHT_CENTRE, TIGHT_ZOOM

__all__ = ["Inner", "draw_inner", "set_into"]

_CENTRE, _RADII, _EDGE = (0.5, 0.5), (0.34, 0.40), 0.15
"""Shares of a ``tight`` crop's side, x before y: the ellipse from brows to chin, without cheeks'
outline and hair, seen to be so on validation faces; the edge is a share of the radius."""
_SPREAD = 0.15
"""How much a radius may be longer or shorter, so that no outline is learned."""


@dataclass(frozen=True, slots=True)
class Inner:
    """Whether a face keeps its surroundings, and else the radii of what it keeps.

    Attributes
    ----------
    swapped
        Whether its surroundings become another's.
    radii
        ``(x, y)``, shares of a ``tight`` crop's side.
    """

    swapped: bool
    radii: tuple[float, float]


def draw_inner(chance: float, stream: Stream) -> Inner:
    """Draw: always three numbers from the stream."""
    swapped = stream.unit() < chance
    wide, tall = (1 + _SPREAD * (2 * stream.unit() - 1) for _ in range(2))
    return Inner(swapped, (_RADII[0] * wide, _RADII[1] * tall))


def set_into(faces: Tensor, others: Tensor, inners: list[Inner], template: str = "tight") -> Tensor:
    """Return the others with the inner faces set into them, or the faces where none is swapped.

    Parameters
    ----------
    faces, others
        ``(n, 3, size, size)`` float32 RGB in [0, 1], aligned alike.
    inners
        One for each.
    template
        How they are aligned.

    Returns
    -------
    Tensor
        Of the same shape and range. The mean and deviation of each channel within the ellipse
        are those that the other had there, so skin goes on across its soft edge.
    """
    size = faces.shape[2]
    zoom, centre = (1.0, _CENTRE) if template == "tight" else (TIGHT_ZOOM, _in_ffhq(_CENTRE))
    places = (torch.arange(size) + 0.5) / size
    radii = torch.tensor([inner.radii for inner in inners]) / zoom
    x = (places[None, None, :] - centre[0]) / radii[:, 0, None, None]
    y = (places[None, :, None] - centre[1]) / radii[:, 1, None, None]
    far = torch.sqrt(x.square() + y.square())[:, None]
    within = (far < 1).float()
    (mean, deviation), (other_mean, other_deviation) = (
        _moments(images, within) for images in (faces, others)
    )
    fitted = (faces - mean) * (other_deviation / deviation.clamp_min(1 / 255)) + other_mean
    weight = ((1 - far) / _EDGE).clamp(0, 1)
    put = (fitted * weight + others * (1 - weight)).clamp(0, 1)
    swapped = torch.tensor([inner.swapped for inner in inners])
    return torch.where(swapped[:, None, None, None], put, faces)


def _in_ffhq(place: tuple[float, float]) -> tuple[float, float]:
    """Return where in an ``ffhq`` crop a place of the ``tight`` one lies."""
    x, y = ((at - 0.5) / TIGHT_ZOOM + to for at, to in zip(place, TIGHT_CENTRE, strict=True))
    return x, y


def _moments(images: Tensor, within: Tensor) -> tuple[Tensor, Tensor]:
    """Return each channel's mean and deviation there, ``(n, 3, 1, 1)``."""
    count = within.sum(dim=(2, 3), keepdim=True)
    mean = (images * within).sum(dim=(2, 3), keepdim=True) / count
    square = ((images - mean).square() * within).sum(dim=(2, 3), keepdim=True) / count
    return mean, square.sqrt()
