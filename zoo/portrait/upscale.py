"""Enlarge a photo around its faces: by Lanczos' window, or by a network tile by tile.

The faces themselves are never a super-resolver's: they are cut from the photo enlarged by Lanczos
and restored by a face model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from degrade.errors import UserError
from degrade.images import PIXEL_LIMIT
from zoo.portrait.background.network import BackgroundModel, load_background_model
from zoo.portrait.composite.compositing import Photo
from zoo.restorer import Image
from zoo.restorers.spandrel.network import levels_through, resized
from zoo.restorers.tiles import Progress, Tiling, in_tiles

__all__ = ["UPSCALES", "Enlargement", "Upscaler", "lanczos", "load_upscaler", "target_size"]

UPSCALES = (1, 2, 4)


class Upscaler(Protocol):
    """What enlarges a photo around its faces."""

    def __call__(
        self, photo: Image, size: tuple[int, int], *, on_progress: Progress | None = None
    ) -> Image:
        """Return uint8 (height, width, 3) at a larger ``size``, (height, width)."""


_TILING = Tiling(side=192, margin=16, feather=16)
"""ESRGAN keeps some 2 kB a pixel of a tile and sees little beyond 16 pixels."""


@dataclass(frozen=True, slots=True)
class Enlargement:
    """How much photos are enlarged, and by what around the faces."""

    upscale: int = 1  # one of `UPSCALES`
    longest_side: int | None = None  # of the result, in place of a factor
    upscaler: Upscaler | None = None  # None for Lanczos' window

    def size(self, photo: Photo) -> tuple[int, int]:
        """Return the ``(height, width)`` that a photo gets; see `target_size`."""
        return target_size(photo.shape[:2], self.upscale, self.longest_side)


def target_size(
    size: tuple[int, int], upscale: int = 1, longest_side: int | None = None
) -> tuple[int, int]:
    """Return the ``(height, width)`` that a photo of ``size`` is enlarged to.

    Parameters
    ----------
    size
        ``(height, width)``, pixels.
    upscale
        1, 2 or 4.
    longest_side
        The larger side of the result in place of a factor; None for none.

    Raises
    ------
    UserError
        The result would be smaller, more than four times as large, or beyond the pixel limit.
    """
    factor = float(upscale) if longest_side is None else longest_side / max(size)
    if factor < 1.0:
        raise UserError(
            f"the photo's longest side has {max(size)} pixels already, more than {longest_side}: "
            "photos are not made smaller, leave --longest-side out"
        )
    if factor > max(UPSCALES):
        raise UserError(
            f"a longest side of {longest_side} is more than {max(UPSCALES)} times the photo's "
            f"{max(size)}: ask for {max(UPSCALES) * max(size)} at most"
        )
    height, width = (max(1, round(side * factor)) for side in size)
    if height * width > PIXEL_LIMIT:
        raise UserError(
            f"{height} × {width} is more than the limit of {PIXEL_LIMIT:,} pixels: upscale less"
        )
    return height, width


def lanczos(photo: Photo, size: tuple[int, int]) -> Photo:
    """Return a photo of any dtype and channels at ``(height, width)``, by OpenCV's Lanczos-4."""
    if photo.shape[:2] == size:
        return photo
    resized_photo = cv2.resize(photo, size[::-1], interpolation=cv2.INTER_LANCZOS4)
    # OpenCV drops the axis of a single channel.
    return resized_photo.reshape(*size, *photo.shape[2:])  # type: ignore[return-value]


def load_upscaler(name: str) -> Upscaler | None:
    """Return what enlarges the rest of the photo; all reading from disk happens here.

    Parameters
    ----------
    name
        ``lanczos``, which is None; ``realesrgan-x4plus`` (`zoo fetch realesrgan-x4plus`); or the
        path, or the name by `zoo add`, of a super-resolver that spandrel knows.

    Raises
    ------
    UserError
        As `load_background_model`; or a network that does not enlarge.
    """
    if name == "lanczos":
        return None
    model = load_background_model(Path(name))
    if model.scale == 1:
        raise UserError(
            f"{name} is a {model.architecture} network that does not enlarge: take it as "
            "--background, or a super-resolver for --upscaler"
        )
    return partial(_through_network, model)


def _through_network(
    model: BackgroundModel,
    photo: Image,
    size: tuple[int, int],
    *,
    on_progress: Progress | None = None,
) -> Image:
    """Return the photo through the network at its own scale, then at ``size``."""

    def work(tile: Image) -> NDArray[np.float32]:
        return levels_through(model.network, tile.astype(np.float32), str(model.path))

    large = in_tiles(photo, work, _TILING, on_progress, scale=model.scale)
    if large.shape[:2] == size:
        return large
    levels = resized(large.astype(np.float32), size)
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
