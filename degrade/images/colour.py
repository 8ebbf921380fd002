"""From what a file holds (ink, grey, 16 bits, transparency, a profile) to 8-bit sRGB."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from degrade.errors import ImageError
from degrade.images.decode_policy import DecodePolicy, Image

if TYPE_CHECKING:
    import PIL.Image

_DEEP_MODES = ("I;16", "I;16B", "I;16L", "I")
_GREY_MODES = ("1", "L", "LA", "La", *_DEEP_MODES)
_ALPHA_MODES = ("RGBA", "LA", "PA", "La", "RGBa")
_PAPER = {"white": (255, 255, 255, 255), "black": (0, 0, 0, 255)}


def check_kind(name: str, reading: DecodePolicy, *, mode: str, sixteen_bit: bool) -> None:
    """Raise ImageError for a kind of image that ``reading`` refuses; ``mode`` is Pillow's."""
    deep = sixteen_bit or mode in _DEEP_MODES
    for policy, applies, kind in (
        ("grey", mode in _GREY_MODES, "is grey"),
        ("sixteen_bit", deep, "has 16 bits a channel"),
        ("cmyk", mode == "CMYK", "is CMYK"),
    ):
        if applies and getattr(reading, policy) == "refuse":
            option = policy.replace("_", "-")
            raise ImageError(f"{name} {kind}, which was to be refused (--{option} refuse)")


def upright(image: PIL.Image.Image) -> PIL.Image.Image:
    """Return the image turned and mirrored as its EXIF orientation says."""
    import PIL.ImageOps

    PIL.ImageOps.exif_transpose(image, in_place=True)
    return image


def to_rgb(image: PIL.Image.Image, name: str, reading: DecodePolicy) -> Image:
    """Return an 8-bit image of any mode as RGB; raises ImageError where ``reading`` refuses."""
    if "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode == "P":
        image = image.convert("RGB")
    if reading.icc == "srgb":
        image = _to_srgb(image)
    if image.mode in _ALPHA_MODES:
        image = _without_alpha(image.convert("RGBA"), name, reading)
    # Pillow would copy an image that is RGB already.
    return np.array(image if image.mode == "RGB" else image.convert("RGB"), dtype=np.uint8)


def _without_alpha(layer: PIL.Image.Image, name: str, reading: DecodePolicy) -> PIL.Image.Image:
    import PIL.Image

    if reading.alpha == "refuse":
        if np.asarray(layer.getchannel("A")).min() < 255:
            raise ImageError(f"{name} is transparent, which was to be refused (--alpha refuse)")
        return layer
    if reading.alpha == "drop":
        return layer
    paper = PIL.Image.new("RGBA", layer.size, _PAPER[reading.alpha])
    return PIL.Image.alpha_composite(paper, layer)


def _to_srgb(image: PIL.Image.Image) -> PIL.Image.Image:
    """Convert by the embedded profile; a profile that cannot be used is passed over."""
    import PIL.ImageCms

    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA", "L", "CMYK"):
        return image
    try:
        source = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in PIL.ImageCms.getProfileDescription(source):
            return image
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        target = PIL.ImageCms.createProfile("sRGB")
        converted = PIL.ImageCms.profileToProfile(image, source, target, outputMode=mode)
    except (PIL.ImageCms.PyCMSError, OSError, ValueError):
        return image
    return converted if converted is not None else image


def round_to_eight_bits(deep: NDArray[np.uint16]) -> Image:
    """Return round(v · 255 / 65535), exactly, of 16-bit levels."""
    return ((deep.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
