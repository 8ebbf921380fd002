"""The type of an image, and how a file's pixels become one where files leave a choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degrade.errors import DatasetError

Image = NDArray[np.uint8]
"""uint8, (height, width, 3), RGB."""


PIXEL_LIMIT = 178_956_970
"""Images with more pixels are refused before they are decoded; also Pillow's own limit."""

LONGEST_SIDE = 65535
"""Pixels; longer sides are refused before decoding. A plan holds no more."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "exif": ("apply", "ignore"),
    "icc": ("srgb", "ignore"),
    "alpha": ("white", "black", "drop", "refuse"),
    "grey": ("repeat", "refuse"),
    "sixteen_bit": ("round", "refuse"),
    "cmyk": ("convert", "refuse"),
}
"""What each policy of `DecodePolicy` may be; the first is the default."""


@dataclass(frozen=True, slots=True)
class DecodePolicy:
    """The policies under which files are read; the defaults do what a viewer does.

    Raises
    ------
    DatasetError
        A value that is not among those.
    """

    # ``apply`` turns the image upright by its EXIF orientation, ``ignore`` leaves it as stored
    exif: str = "apply"
    # ``srgb`` converts by the embedded profile to sRGB, ``ignore`` takes levels for sRGB
    icc: str = "srgb"
    # Transparent pixels are laid on ``white`` or ``black``, keep their colour (``drop``), or a
    # image that has any is refused (``refuse``). A wholly opaque image is always read.
    alpha: str = "white"
    # ``repeat`` makes three equal channels of one, ``refuse`` takes colour files only
    grey: str = "repeat"
    # ``round`` makes 8 bits of 16 by round(v · 255 / 65535), ``refuse`` takes 8 bits only
    sixteen_bit: str = "round"
    # ``convert`` makes RGB of ink, through the profile where there is one; or ``refuse``
    cmyk: str = "convert"
    # Images of more pixels are refused before they are decoded, 1 to `PIXEL_LIMIT`
    pixel_limit: int = PIXEL_LIMIT

    def __post_init__(self) -> None:
        for name, values in CHOICES.items():
            if getattr(self, name) not in values:
                raise DatasetError(
                    f"{name} {getattr(self, name)!r} is not a way to read: one of "
                    f"{', '.join(values)}"
                )
        if type(self.pixel_limit) is not int or not 1 <= self.pixel_limit <= PIXEL_LIMIT:
            raise DatasetError(f"pixel limit {self.pixel_limit!r} is not 1 to {PIXEL_LIMIT:,}")

    def as_record(self) -> dict[str, str | int]:
        """Return the policies by name, as a dataset's lock keeps them."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> DecodePolicy:
        """Return the policies of a lock; those it does not name are the defaults.

        Raises DatasetError for a name or a value that is unknown.
        """
        unknown = set(record) - {entry.name for entry in fields(cls)}
        if unknown:
            raise DatasetError(f"{min(unknown)!r} is not a reading policy that is known here")
        return cls(**record)
