"""Make of a detected face what a restorer takes: an aligned crop and its mask, or say why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from degrade.errors import ImageError, UserError
from zoo.labels import keep_regions
from zoo.portrait.align.alignment import Alignment, align
from zoo.portrait.align.warping import extract
from zoo.portrait.face import Face
from zoo.portrait.parse.parsing import FaceMask
from zoo.portrait.parse.template_parser import TemplateParser
from zoo.portrait.restore.face_models import FaceModel
from zoo.portrait.restore.stopwatch import Stopwatch
from zoo.restorer import Card, Image
from zoo.templates import template_points

__all__ = ["Prepared", "core_points", "crop_side", "guide_of", "prepare"]

_SMALLEST, _LARGEST, _STEP = 64, 1024, 8
"""Sides of the crops for restorers that take any size: near the face's own size, so that it is
resampled as little as can be, and a multiple of what JPEG and networks like."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A face ready to be restored."""

    number: int  # its place in the detector's order
    face: Face  # as detected
    alignment: Alignment  # where the crop lies in the photo
    crop: Image  # uint8 (size, size, 3)
    mask: FaceMask  # the crop's parsing mask
    guide: NDArray[np.float32] | None  # what of it the restorer is given, see `guide_of`
    model: FaceModel  # what restores it


def prepare(
    face: Face,
    number: int,
    photo: Image,
    model: FaceModel,
    watch: Stopwatch,
) -> Prepared | str:
    """Return the face's crop and mask, or the reason why there is none.

    Parameters
    ----------
    photo
        uint8 (height, width, 3).
    model
        What restores it.
    watch
        Told of the stages ``align`` and ``parse``.
    """
    try:
        with watch.measure("align"):
            card = model.restorer.card
            side = crop_side(card, face, model.template)
            alignment = align(face.landmarks, face.scheme, side, model.template)
            crop = np.clip(np.rint(extract(photo, alignment)), 0, 255).astype(np.uint8)
        with watch.measure("parse"):
            mask = model.parser.parse(crop)
    except ImageError as error:
        return str(error)
    return Prepared(number, face, alignment, crop, mask, guide_of(mask, card.regions), model)


def guide_of(mask: FaceMask, regions: Sequence[str]) -> NDArray[np.float32] | None:
    """Return the mask as a restorer knows masks, ``(19, size, size)`` float32, or None.

    Parameters
    ----------
    mask
        As a parser made it.
    regions
        As `Card.regions`: the labels that are kept, the others become 0. With none, all are.

    Notes
    -----
    A network that was trained on masks of the face alone takes a pixel without a label for one of
    which nothing is known; told of hair or background there it would hear words for the first
    time. The template's mask says nothing of this face, and such a network knows what to do
    without one.
    """
    if not regions:
        return mask.probabilities
    if mask.parser == TemplateParser.name:
        return None
    return keep_regions(mask.probabilities, regions)


def crop_side(card: Card, face: Face, template: str) -> int:
    """Return the side of the crop in pixels: the restorer's, else near the face's own.

    Raises
    ------
    UserError
        The restorer takes crops that are not square.
    ImageError
        Landmarks from which no face can be aligned.
    """
    if card.input_size is not None:
        height, width = card.input_size
        if height != width:
            raise UserError(
                f"{card.name} takes crops of {height} × {width} pixels, aligned faces are square: "
                "choose another restorer"
            )
        return height
    natural = 1000 / align(face.landmarks, face.scheme, 1000, template).scale
    return min(max(_STEP * round(natural / _STEP), _SMALLEST), _LARGEST)


def core_points(template: str, size: int) -> NDArray[np.float64]:
    """Return the (6, 2) corners of the eyes and of the mouth in a crop of that template."""
    eyes = template_points(template, "dlib5", size)[:4]
    mouth = template_points(template, "eyes-nose-mouth", size)[3:]
    return np.concatenate((eyes, mouth))
