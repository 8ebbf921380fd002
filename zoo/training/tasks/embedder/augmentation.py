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
from zoo.training.tasks.embedder.config import Augmentation

__all__ = ["View", "draw_view", "view_of"]


@dataclass(frozen=True, slots=True)
class View:
    """How one face is seen.

    Attributes
    ----------
    flipped
        Mirrored, before anything else.
    turn
        Radians, anticlockwise as one sees it.
    zoom
        Above 1 the face is larger.
    shift
        Right and down, shares of the side.
    contrast, brightness
        ``level -> (level - 0.5) * contrast + 0.5 + brightness``.
    gains
        Of red, green and blue, applied first.
    grey
        Whether the colours are taken away.
    hidden
        ``(top, left, height, width)``, shares of the side, of the covered rectangle, or None.
    cover
        Its red, green and blue, 0 to 1.
    """

    flipped: bool
    turn: float
    zoom: float
    shift: tuple[float, float]
    contrast: float
    brightness: float
    gains: tuple[float, float, float]
    grey: bool
    hidden: tuple[float, float, float, float] | None
    cover: tuple[float, float, float]


def draw_view(augmentation: Augmentation, stream: Stream) -> View:
    """Draw a view: always the same count of numbers from the stream, whatever comes out."""
    flipped, grey, hidden = (stream.unit() for _ in range(3))
    turn, zoom, right, down, contrast, brightness, red, green, blue = (
        2 * stream.unit() - 1 for _ in range(9)
    )
    height, width = (0.15 + 0.35 * stream.unit() for _ in range(2))
    place = (stream.unit() * (1 - height), stream.unit() * (1 - width), height, width)
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
        hidden=place if hidden < a.hidden else None,
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
    seen = _recoloured(moved, views)
    for face, view in zip(seen, views, strict=True):
        if view.hidden is not None:
            top, left, height, width = (round(part * size) for part in view.hidden)
            cover = torch.tensor(view.cover)[:, None, None]
            face[:, top : top + height, left : left + width] = cover
    return seen


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
