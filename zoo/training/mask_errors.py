"""What goes wrong with a parsing mask: lost, moved, shrunken, mistaken, another face's, guessed.

The last step of the Kuaishou Y-Tech article is to fine-tune against such masks; no released
restorer was. Masks are ``(19, size, size)`` float32 in [0, 1], channels as in
`zoo.portrait.labels.LABELS`, and every function returns a new one.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from degrade.random import Stream

__all__ = [
    "DRAWN",
    "Mask",
    "drawn_error",
    "dropped_regions",
    "eroded",
    "shifted",
    "swapped",
]

Mask = NDArray[np.float32]

DRAWN = ("dropped", "regions-dropped", "shifted", "eroded", "dilated", "swapped")
"""Kinds that need nothing but the mask; `drawn_error` draws their strength."""

_FARTHEST = 0.125
"""Largest shift, as a share of the side: half an eye distance in the tight template."""
_WIDEST = 0.024
"""Largest erosion or dilation, as a share of the side: 3 pixels of 128."""


def drawn_error(kind: str, mask: Mask, stream: Stream) -> Mask:
    """Return the mask with an error of that kind, its strength drawn from the stream.

    Parameters
    ----------
    kind
        One of `DRAWN`.
    mask
        The right mask.
    stream
        Gives the same error for the same state.

    Raises
    ------
    ValueError
        An unknown kind.
    """
    side = mask.shape[1]
    if kind == "dropped":
        return np.zeros_like(mask)
    if kind == "regions-dropped":
        return dropped_regions(mask, [label for label in _present(mask) if stream.unit() < 0.5])
    if kind == "shifted":
        down, right = (round(stream.uniform(-_FARTHEST, _FARTHEST) * side) for _ in "yx")
        return shifted(mask, down, right)
    if kind in ("eroded", "dilated"):
        pixels = round(stream.uniform(1, max(1.0, _WIDEST * side)))
        return eroded(mask, pixels if kind == "eroded" else -pixels)
    if kind == "swapped":
        labels = _present(mask)
        if len(labels) < 2:
            return mask.copy()
        one, other = stream.shuffled(labels)[:2]
        return swapped(mask, one, other)
    raise ValueError(f"no error of a mask is called {kind!r}: choose from {', '.join(DRAWN)}")


def dropped_regions(mask: Mask, labels: list[int]) -> Mask:
    """Return the mask saying nothing where one of the labels was."""
    found = mask.copy()
    found[labels] = 0
    return found


def shifted(mask: Mask, down: int, right: int) -> Mask:
    """Return the mask moved by whole pixels; what comes in from outside says nothing."""
    found = np.zeros_like(mask)
    height, width = mask.shape[1:]
    found[:, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = mask[
        :, max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)
    ]
    return found


def eroded(mask: Mask, pixels: int) -> Mask:
    """Return every region smaller by so many pixels on all sides, or larger for a negative count.

    Regions that grow overlap; networks here scale the sum back to 1.
    """
    if pixels == 0:
        return mask.copy()
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(pixels) + 1,) * 2)
    change = cv2.erode if pixels > 0 else cv2.dilate
    return np.stack([np.asarray(change(channel, disc), np.float32) for channel in mask])


def swapped(mask: Mask, one: int, other: int) -> Mask:
    """Return the mask with two labels mistaken for each other."""
    found = mask.copy()
    found[[one, other]] = mask[[other, one]]
    return found


def _present(mask: Mask) -> list[int]:
    return [int(label) for label in np.flatnonzero(mask.any(axis=(1, 2)))]
