"""Other views of the same photographs: moved, turned, recoloured, partly hidden.

Numbers come from a stream given by the caller; the same stream gives the same views.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from degrade.random import Stream
from zoo.templates import TIGHT_CENTRE, TIGHT_ZOOM
from zoo.training.tasks.embedder.config import ViewConfig

__all__ = [
    "Inner",
    "View",
    "draw_inner",
    "draw_view",
    "set_into",
    "view_of",
]


@dataclass(frozen=True, slots=True)
class View:
    """How one face is seen."""

    flipped: bool  # mirrored, before anything else
    turn: float  # radians, anticlockwise as one sees it
    zoom: float  # above 1 the face is larger
    shift: tuple[float, float]  # right and down, shares of the side
    contrast: float  # ``level -> (level - 0.5) * contrast + 0.5 + brightness``
    brightness: float
    gains: tuple[float, float, float]  # of red, green and blue, applied first
    grey: bool  # whether the colours are taken away
    # ``(top, left, height, width)``, shares of the side, of the covered rectangle, or None
    hidden: tuple[float, float, float, float] | None
    cover: tuple[float, float, float]  # its red, green and blue, 0 to 1


def draw_view(augmentation: ViewConfig, stream: Stream) -> View:
    """Draw a view: always the same count of numbers from the stream, whatever comes out."""
    flipped, grey, hidden = (stream.unit() for _ in range(3))
    turn, zoom, right, down, contrast, brightness, red, green, blue = (
        2 * stream.unit() - 1 for _ in range(9)
    )
    height, width = (0.15 + 0.35 * stream.unit() for _ in range(2))
    rectangle = (stream.unit() * (1 - height), stream.unit() * (1 - width), height, width)
    cover = (stream.unit(), stream.unit(), stream.unit())
    a = augmentation
    return View(
        flipped=flipped < a.flip,
        turn=math.radians(a.turn) * turn,
        zoom=a.zoom**zoom,
        shift=(a.shift * right, a.shift * down),
        contrast=1 + a.contrast * contrast,
        brightness=a.brightness * brightness,
        gains=(1 + a.tint * red, 1 + a.tint * green, 1 + a.tint * blue),
        grey=grey < a.grey,
        hidden=rectangle if hidden < a.hidden else None,
        cover=cover,
    )


def view_of(faces: Tensor, views: list[View], size: int) -> Tensor:
    """Return the faces as the views say, brought to a side of ``size`` pixels.

    Parameters
    ----------
    faces
        ``(n, 3, side, side)`` float32 RGB in [0, 1].
    views
        One for each.
    size
        Side of the result.

    Returns
    -------
    Tensor
        ``(n, 3, size, size)`` float32 in [0, 1]. What lies outside a face has its border's
        colour.
    """
    if faces.shape[2] != size:
        faces = functional.interpolate(faces, (size, size), mode="bilinear", antialias=True)
    grid = functional.affine_grid(
        torch.tensor([_matrix(view) for view in views]), list(faces.shape), align_corners=False
    )
    moved = functional.grid_sample(faces, grid, padding_mode="border", align_corners=False)
    views_of_faces = _recoloured(moved, views)
    for face, view in zip(views_of_faces, views, strict=True):
        if view.hidden is not None:
            top, left, height, width = (round(part * size) for part in view.hidden)
            cover = torch.tensor(view.cover)[:, None, None]
            face[:, top : top + height, left : left + width] = cover
    return views_of_faces


def _matrix(view: View) -> list[list[float]]:
    """Return where each place of the result comes from; the side reaches from -1 to 1."""
    cosine, sine = math.cos(view.turn) / view.zoom, math.sin(view.turn) / view.zoom
    mirror = -1.0 if view.flipped else 1.0
    right, down = 2 * view.shift[0], 2 * view.shift[1]
    return [
        [mirror * cosine, -mirror * sine, -mirror * (cosine * right - sine * down)],
        [sine, cosine, -(sine * right + cosine * down)],
    ]


def _recoloured(faces: Tensor, views: list[View]) -> Tensor:
    def each(values: list[float]) -> Tensor:
        return torch.tensor(values)[:, None, None, None]

    faces = faces * torch.tensor([view.gains for view in views])[:, :, None, None]
    # Luma of ITU-R BT.601.
    luma = (faces * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    faces = torch.where(each([view.grey for view in views]), luma, faces)
    contrast = each([view.contrast for view in views])
    return ((faces - 0.5) * contrast + 0.5 + each([view.brightness for view in views])).clamp(0, 1)


_CENTRE, _RADII, _EDGE = (0.5, 0.5), (0.34, 0.40), 0.15
"""Shares of a ``tight`` crop's side, x before y: the ellipse from brows to chin, without cheeks'
outline and hair, seen to be so on validation faces; the edge is a share of the radius."""
_SPREAD = 0.15
"""How much a radius may be longer or shorter, so that no outline is learned."""


@dataclass(frozen=True, slots=True)
class Inner:
    """Whether a face keeps its surroundings, and else the radii of what it keeps."""

    swapped: bool  # whether its surroundings become another's
    radii: tuple[float, float]  # ``(x, y)``, shares of a ``tight`` crop's side


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
    positions = (torch.arange(size) + 0.5) / size
    radii = torch.tensor([inner.radii for inner in inners]) / zoom
    x = (positions[None, None, :] - centre[0]) / radii[:, 0, None, None]
    y = (positions[None, :, None] - centre[1]) / radii[:, 1, None, None]
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


def _in_ffhq(rectangle: tuple[float, float]) -> tuple[float, float]:
    """Return where in an ``ffhq`` crop a place of the ``tight`` one lies."""
    x, y = ((at - 0.5) / TIGHT_ZOOM + to for at, to in zip(rectangle, TIGHT_CENTRE, strict=True))
    return x, y


def _moments(images: Tensor, within: Tensor) -> tuple[Tensor, Tensor]:
    """Return each channel's mean and deviation there, ``(n, 3, 1, 1)``."""
    count = within.sum(dim=(2, 3), keepdim=True)
    mean = (images * within).sum(dim=(2, 3), keepdim=True) / count
    square = ((images - mean).square() * within).sum(dim=(2, 3), keepdim=True) / count
    return mean, square.sqrt()
