"""Aligned faces of one size to tensors and back."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from degrade.errors import ImageError
from zoo.restorer import Card, Image
from zoo.restorers.face_by_face import check_face

__all__ = ["face_of", "tensor_of"]


def tensor_of(face: Image, card: Card) -> Tensor:
    """Return ``(1, 3, height, width)`` float32 in [0, 1], channels last.

    Raises
    ------
    ImageError
        The face is of another size than the card's.
    ValueError
        It is no uint8 HWC RGB: a caller's bug.
    """
    if check_face(face).shape[:2] != card.input_size:
        height, width = card.input_size or (0, 0)
        raise ImageError(
            f"{card.name} takes aligned faces of {height} × {width} pixels, not "
            f"{face.shape[0]} × {face.shape[1]}: align and resize it first"
        )
    seen = torch.from_numpy(np.array(face.transpose(2, 0, 1), np.float32, order="C")) / 255
    return seen[None].contiguous(memory_format=torch.channels_last)


def face_of(made: Tensor) -> Image:
    """Return uint8 (height, width, 3) of ``(1, 3, height, width)`` about [0, 1], clipped."""
    levels = (made[0] * 255).round().clamp(0, 255).byte()
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())
