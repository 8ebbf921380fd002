"""Faces as restorers take them: checked, one by one, or as tensors (torch comes in only there)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from degrade.errors import ImageError
from degrade.planner.plan import Plan
from zoo.restorer import Card, Image

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "FaceByFace",
    "check_face",
    "face_of",
    "restore_each",
    "tensor_of",
]


@dataclass(frozen=True, slots=True)
class FaceByFace:
    """A restorer that applies one function to each face; reads neither masks nor plans."""

    card: Card  # what it is
    restore_one: Callable[[Image], Image]  # takes and returns a uint8 HWC RGB face of any size

    def restore(
        self,
        faces: Sequence[Image],
        masks: Sequence[NDArray[np.float32] | None] | None = None,
        plans: Sequence[Plan | None] | None = None,
    ) -> list[Image]:
        """Return the restored faces; see `zoo.restorer.Restorer.restore`."""
        return restore_each(faces, self.restore_one)


def restore_each(faces: Sequence[Image], restore_one: Callable[[Image], Image]) -> list[Image]:
    """Return ``restore_one`` of every face, in order; see `check_face` for what is refused."""
    return [restore_one(check_face(face)) for face in faces]


def check_face(face: Image) -> Image:
    """Return ``face`` when it is uint8 HWC RGB with at least one pixel.

    Raises
    ------
    ValueError
        It is not; a caller's bug, since `degrade.images` only ever returns such images.
    """
    if face.dtype != np.uint8 or face.ndim != 3 or face.shape[2] != 3 or face.size == 0:
        raise ValueError(f"a face is uint8 HWC RGB, got {face.dtype} of shape {face.shape}")
    return face


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
    import torch

    pixels = torch.from_numpy(np.array(face.transpose(2, 0, 1), np.float32, order="C")) / 255
    return pixels[None].contiguous(memory_format=torch.channels_last)


def face_of(restored: Tensor) -> Image:
    """Return uint8 (height, width, 3) of ``(1, 3, height, width)`` about [0, 1], clipped."""
    levels = (restored[0] * 255).round().clamp(0, 255).byte()
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())
