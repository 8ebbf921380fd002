"""Apply a function of one image to a batch; the checks that every restorer here shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from zoo.restorer import Image

__all__ = ["check_face", "restore_each"]


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
