"""A picture of a photo and its faces before and after, with what was done to each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from degrade.images.contact_sheet import SheetCell, SheetRow, contact_sheet
from zoo.labels import LABELS
from zoo.model_card import NOTICE
from zoo.portrait.composite.compositing import Photo, as_rgb8
from zoo.portrait.face import FaceRecord
from zoo.portrait.parse.parsing import FaceMask
from zoo.restorer import Image

__all__ = [
    "COLOURS",
    "compare",
    "overlay",
]

_SIDE = 480
_MOST_FACES = 6
"""Faces shown on their own; the first, which are those the detector is surest of."""
_AROUND = 1.7
"""Side of the cutting around a face, in box widths."""
_LETTERS = 88
"""What fits under a picture of that side."""


def compare(
    before: Photo, after: Photo, faces: Sequence[FaceRecord], name: str, model: str
) -> Image:
    """Return the picture, uint8 (height, width, 3).

    Parameters
    ----------
    before, after
        The photo and its restoration, of one size.
    faces
        The records of its faces.
    name, model
        Of the photo and of the restorer, for the titles.
    """
    pair = as_rgb8(before), as_rgb8(after)
    titles = "before", f"after: {model}"
    cells = [SheetCell(_reduced(image), title) for image, title in zip(pair, titles, strict=True)]
    rows = [SheetRow(tuple(cells), name, NOTICE)]
    for record in faces[:_MOST_FACES]:
        cuts = [_around(image, record.box) for image in pair]
        reason_lines = tuple(textwrap.wrap(record.reason, _LETTERS))
        cells = [SheetCell(cuts[0], titles[0], reason_lines), SheetCell(cuts[1], titles[1])]
        width = f"{record.size:.0f} pixels wide"
        rows.append(SheetRow(tuple(cells), f"face {record.face}: {record.status}", width))
    return contact_sheet(rows, _SIDE)


def _reduced(image: Image) -> Image:
    """Return the picture no larger than it is shown, so that no detail is set beside it."""
    share = _SIDE / max(image.shape[:2])
    if share >= 1.0:
        return image
    size = max(1, round(image.shape[1] * share)), max(1, round(image.shape[0] * share))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _around(image: Image, box: tuple[float, float, float, float]) -> Image:
    left, top, right, bottom = box
    half = _AROUND / 2 * max(right - left, bottom - top, 2.0)
    height, width = image.shape[:2]
    across, down = (left + right) / 2, (top + bottom) / 2
    rows = slice(max(0, round(down - half)), min(height, round(down + half)))
    columns = slice(max(0, round(across - half)), min(width, round(across + half)))
    cut = image[rows, columns]
    return _reduced(np.ascontiguousarray(cut) if cut.size else image[:1, :1])


COLOURS = (
    (70, 70, 70), (240, 180, 130), (255, 120, 0), (0, 255, 255), (0, 90, 255), (110, 200, 255),
    (120, 60, 0), (190, 130, 50), (255, 0, 255), (255, 150, 255), (255, 255, 255), (200, 0, 40),
    (255, 90, 110), (110, 40, 160), (0, 0, 120), (255, 255, 0), (180, 220, 0), (0, 190, 90),
    (0, 110, 110),
)  # fmt: skip
"""One RGB colour for each of `LABELS`."""

_LEAST = 384
"""Smaller crops are enlarged to this many pixels, so that the legend can be read."""
_PANEL = 150
_LINE = 18


def overlay(crop: Image, mask: FaceMask) -> Image:
    """Return the crop, the crop under its mask, and the legend, side by side, uint8 HWC RGB.

    Parameters
    ----------
    crop
        uint8 (height, width, 3).
    mask
        Of the same height and width; a soft pixel gets the mean of its regions' colours.

    Returns
    -------
    Image
        Large enough to be read: a crop under 384 pixels is enlarged, pixel by pixel. The legend
        names the regions that cover a pixel or more, their share of the crop, the parser, and the
        mask's confidence.
    """
    colours = np.array(COLOURS, np.float32)
    tinted = np.einsum("lhw,lc->hwc", mask.probabilities, colours)
    mixed = np.clip(0.5 * tinted + 0.5 * crop + 0.5, 0, 255).astype(np.uint8)
    times = -(-_LEAST // min(crop.shape[:2]))
    pair = np.concatenate((crop, mixed), axis=1).repeat(times, axis=0).repeat(times, axis=1)
    panel = _legend(mask, pair.shape[0])
    return np.ascontiguousarray(np.concatenate((pair, panel), axis=1))


def _legend(mask: FaceMask, height: int) -> NDArray[np.uint8]:
    panel = np.full((height, _PANEL, 3), 24, np.uint8)
    _write(panel, 0, mask.parser)
    _write(panel, 1, f"confidence {mask.confidence:.2f}")
    shares = mask.probabilities.mean(axis=(1, 2))
    least = 1.0 / mask.probabilities[0].size
    line = 2
    for name, colour, share in zip(LABELS, COLOURS, shares, strict=True):
        if share < least:
            continue
        top = line * _LINE + 4
        panel[top : top + 12, 6:18] = colour
        _write(panel, line, f"{name} {share:.1%}", left=24)
        line += 1
    return panel


def _write(panel: NDArray[np.uint8], line: int, text: str, left: int = 6) -> None:
    white = (255, 255, 255)
    low = (left, line * _LINE + 14)
    cv2.putText(panel, text, low, cv2.FONT_HERSHEY_SIMPLEX, 0.38, white, 1, cv2.LINE_AA)
