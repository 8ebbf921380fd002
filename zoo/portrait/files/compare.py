"""A picture of a photo and its faces before and after, with what was done to each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import cv2
import numpy as np

from degrade.images.contact_sheet import Cell, Row, contact_sheet
from zoo.notice import NOTICE
from zoo.portrait.composite.channels import Photo, as_rgb8
from zoo.portrait.face import FaceRecord
from zoo.restorer import Image

__all__ = ["compare"]

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
    cells = [Cell(_reduced(image), title) for image, title in zip(pair, titles, strict=True)]
    rows = [Row(tuple(cells), name, NOTICE)]
    for record in faces[:_MOST_FACES]:
        cuts = [_around(image, record.box) for image in pair]
        told = tuple(textwrap.wrap(record.reason, _LETTERS))
        cells = [Cell(cuts[0], titles[0], told), Cell(cuts[1], titles[1])]
        width = f"{record.size:.0f} pixels wide"
        rows.append(Row(tuple(cells), f"face {record.face}: {record.status}", width))
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
