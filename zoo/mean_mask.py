"""The mask that a face has on average: closed shapes at the places of the FFHQ template.

The shapes are ours, drawn by hand around the template's own landmarks and checked against faces;
no data set went into them, so they may go anywhere. No picture is looked at.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from degrade.errors import ImageError
from zoo.labels import LABELS, label_index
from zoo.templates import TEMPLATES, TIGHT_CENTRE, TIGHT_ZOOM

__all__ = [
    "draw_template",
    "template_mask",
    "template_matrix",
]

_DRAWN = 256
"""Largest side at which the shapes are drawn. Their borders are soft over more than a pixel
there, so larger masks are that one, enlarged."""

_FINER = 4
"""Polygons are drawn this many times larger and averaged."""
_SHARP = 0.2
"""Pixels under which a border's blur is not worth drawing."""


@dataclass(frozen=True, slots=True, eq=False)
class _Shape:
    """A polygon in unit coordinates of the FFHQ crop.

    ``blur`` is the standard deviation of its border over faces, a share of the crop's side;
    ``seen`` the share of faces on which the region is not hidden.
    """

    label: str
    outline: NDArray[np.float64]
    blur: float
    visible: float = 1.0


def _arc(
    centre: tuple[float, float],
    radii: tuple[float, float],
    start: float = 0.0,
    stop: float = 360.0,
    power: float = 2.0,
) -> NDArray[np.float64]:
    """Return points on a superellipse |x/a|^power + |y/b|^power = 1, clockwise as one sees it."""
    turn = np.radians(np.linspace(start, stop, 48))
    x, y = np.cos(turn), np.sin(turn)
    bend = 2.0 / power
    across = np.sign(x) * np.abs(x) ** bend * radii[0]
    down = np.sign(y) * np.abs(y) ** bend * radii[1]
    return np.column_stack((across, down)) + centre


def _mirrored(outline: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack((1.0 - outline[:, 0], outline[:, 1]))


def _across(*half: tuple[float, float]) -> NDArray[np.float64]:
    """Return the polygon whose left half, from top to bottom, is given."""
    left = np.array(half)
    return np.concatenate((left, _mirrored(left)[::-1]))


def _pair(name: str, left: NDArray[np.float64], blur: float, visible: float = 1.0) -> list[_Shape]:
    return [
        _Shape(f"l_{name}", left, blur, visible),
        _Shape(f"r_{name}", _mirrored(left), blur, visible),
    ]


_FACE = np.concatenate(
    (
        _arc((0.5, 0.485), (0.277, 0.29), 180, 360),
        _arc((0.5, 0.485), (0.277, 0.443), 0, 180, power=2.2),
    )
)
_BROW = np.array(
    [(0.27, 0.440), (0.303, 0.402), (0.355, 0.389), (0.408, 0.396), (0.455, 0.418),
     (0.452, 0.434), (0.405, 0.421), (0.357, 0.414), (0.313, 0.424)]
)  # fmt: skip
_UPPER_LIP = _across((0.5, 0.714), (0.472, 0.708), (0.43, 0.714), (0.384, 0.728), (0.465, 0.735))
_LOWER_LIP = _across((0.5, 0.749), (0.465, 0.747), (0.384, 0.729), (0.43, 0.768), (0.468, 0.785))
_MOUTH = _across((0.5, 0.735), (0.465, 0.732), (0.400, 0.729), (0.465, 0.749), (0.5, 0.752))
_NOSE = _across((0.478, 0.478), (0.465, 0.560), (0.428, 0.618), (0.435, 0.655), (0.480, 0.676))
_NECK = _across((0.31, 0.70), (0.30, 1.00), (0.24, 1.10), (0.20, 1.30))
_CLOTH = _across((0.33, 1.02), (0.20, 0.96), (-0.30, 0.99), (-0.30, 1.60))

# Farthest first. Hair stands behind the face: what it hides of a forehead, a landmark cannot say.
_SHAPES = (
    _Shape("cloth", _CLOTH, 0.04),
    _Shape("neck", _NECK, 0.025),
    _Shape("hair", _arc((0.5, 0.42), (0.36, 0.385), power=2.3), 0.035, 0.95),
    *_pair("ear", _arc((0.212, 0.55), (0.033, 0.095)), 0.012, 0.6),
    _Shape("skin", _FACE, 0.018),
    *_pair("brow", _BROW, 0.008),
    *_pair("eye", _arc((0.3795, 0.475), (0.048, 0.0165)), 0.006),
    _Shape("nose", _NOSE, 0.010),
    _Shape("mouth", _MOUTH, 0.007, 0.8),
    _Shape("u_lip", _UPPER_LIP, 0.007),
    _Shape("l_lip", _LOWER_LIP, 0.007),
)


def template_mask(template: str, size: int) -> NDArray[np.float32]:
    """Return the mean mask of aligned crops, ``(19, size, size)`` float32, summing to 1.

    Parameters
    ----------
    template
        ``ffhq`` or ``tight``.
    size
        Side of the crop in pixels, 1 or more.

    Raises
    ------
    ImageError
        A template of another name.

    Notes
    -----
    Glasses, hat, earring and necklace are 0 everywhere: most faces have none.
    """
    side = min(size, _DRAWN)
    mask_layers = draw_template(template_matrix(template, side), side)
    if side == size:
        return mask_layers
    layers = [
        cv2.resize(layer, (size, size), interpolation=cv2.INTER_LINEAR) for layer in mask_layers
    ]
    return np.stack(layers)


def template_matrix(template: str, size: int) -> NDArray[np.float64]:
    """Return the (2, 3) matrix from unit coordinates of the FFHQ crop to pixels of ``template``.

    Raises
    ------
    ImageError
        A template of another name.
    """
    if template not in TEMPLATES:
        raise ImageError(f"no template is called {template!r}: choose {' or '.join(TEMPLATES)}")
    zoom, centre = (TIGHT_ZOOM, np.array(TIGHT_CENTRE)) if template == "tight" else (1.0, 0.5)
    shift = (0.5 - zoom * np.broadcast_to(centre, 2)) * size - 0.5
    return np.column_stack((np.eye(2) * zoom * size, shift))


def draw_template(
    matrix: NDArray[np.float64], size: int, labels: Collection[str] = LABELS
) -> NDArray[np.float32]:
    """Return the mean mask of a face that lies in a crop in some way of its own.

    Parameters
    ----------
    matrix
        ``(2, 3)`` float64, takes unit coordinates of the FFHQ crop to pixels.
    size
        Side of the crop in pixels.
    labels
        The regions that are drawn; what the others would hide is seen.
    """
    mask = np.zeros((len(LABELS), size, size), np.float32)
    mask[label_index("background")] = 1.0
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    for shape in (shape for shape in _SHAPES if shape.label in labels):
        outline = shape.outline @ matrix[:, :2].T + matrix[:, 2]
        alpha = np.float32(shape.visible) * _cover(outline, size, shape.blur * scale)
        mask *= 1.0 - alpha
        mask[label_index(shape.label)] += alpha
    return mask


def _cover(outline: NDArray[np.float64], size: int, sigma: float) -> NDArray[np.float32]:
    """Return a polygon with a Gaussian border, float32 (size, size) in [0, 1].

    It is drawn finer and with room for the blur around, so that it is the same wherever the
    crop ends.
    """
    room = math.ceil(3.0 * sigma)
    side = size + 2 * room
    canvas = np.zeros((side * _FINER, side * _FINER), np.uint8)
    fixed = np.round(((outline + room + 0.5) * _FINER - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(canvas, [fixed], 255, shift=4)
    mask_layers = cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA) / np.float32(255)
    soft = mask_layers if sigma <= _SHARP else cv2.GaussianBlur(mask_layers, (0, 0), sigma)
    inside = slice(room, room + size)
    return np.asarray(np.clip(soft[inside, inside], 0.0, 1.0), np.float32)
