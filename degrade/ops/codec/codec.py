"""WebP, JPEG 2000 and AVIF there and back, by imagecodecs; and rounding to 8 bits within a recipe.

The codecs' versions decide the bytes, so these operations are not portable; rounding is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np

from degrade.errors import ImageError
from degrade.ops.kernels.arrays import Planes
from degrade.ops.kernels.memory import PLANES
from degrade.ops.kernels.planes import from_planes, round_levels, to_planes, truncated

_WEBP_SIDE = 16383
"""WebP's largest side, RFC 9649, section 1: 14 bits."""


def webp(planes: Planes, stream: object, *, quality: int) -> Planes:
    """Return the planes after lossy WebP at ``quality`` 1-100; rounded to 8 bits first.

    Raises ImageError for a side above 16 383 px, which the format cannot hold.
    """
    if max(planes.shape[1:]) > _WEBP_SIDE:
        height, width = planes.shape[1:]
        raise ImageError(
            f"WebP holds sides of at most {_WEBP_SIDE} px, this image is {height} × {width}: "
            "take 'webp' out of the recipe or make the images smaller"
        )
    encode, decode = imagecodecs.webp_encode, imagecodecs.webp_decode
    return _there_and_back(planes, encode, decode, level=quality, lossless=False)


def jpeg2000(planes: Planes, stream: object, *, level: float) -> Planes:
    """Return the planes after JPEG 2000 at a quality of ``level`` dB PSNR; 8 bits first.

    OpenJPEG's fixed-quality mode with the irreversible transform, one tile.
    """
    encode, decode = imagecodecs.jpeg2k_encode, imagecodecs.jpeg2k_decode
    return _there_and_back(planes, encode, decode, level=float(level), reversible=False)


def avif(planes: Planes, stream: object, *, quality: int) -> Planes:
    """Return the planes after AVIF at ``quality`` 1-99; rounded to 8 bits first.

    Chroma 4:2:0 and speed 8, as photographs are saved in a hurry.
    """
    encode, decode = imagecodecs.avif_encode, imagecodecs.avif_decode
    return _there_and_back(planes, encode, decode, level=quality, speed=8, pixelformat="420")


def _there_and_back(
    planes: Planes, encode: Callable[..., Any], decode: Callable[..., Any], **settings: object
) -> Planes:
    image = from_planes(planes)
    data = encode(image, numthreads=1, **settings)
    back = np.ascontiguousarray(decode(data)[..., :3])
    return to_planes(back, PLANES.take(planes.shape))


def round_to_levels(planes: Planes, stream: object) -> Planes:
    """Return the planes rounded to whole levels 0-255, halves to even."""
    return round_levels(planes)


def truncate(planes: Planes, stream: object) -> Planes:
    """Return the planes cut to the whole level below, 0-255, as ``numpy.uint8(x)`` does.

    ImageNet-C saves its corruptions so (make_imagenet_c.py:119); half a level of light is lost.
    """
    return truncated(planes, PLANES.take(planes.shape))
