"""The only place that decodes and encodes images.

Public images are uint8, (height, width, 3), RGB, levels 0-255. What a file says besides its
pixels is settled here, once, by a `Reading`. By default EXIF orientation is applied, an ICC
profile is converted to sRGB, transparent pixels are laid on white, grey becomes three equal
channels, 16 bits (PNG, TIFF, PPM, JPEG XL) are rounded to 8, CMYK becomes RGB (through its profile
where it has one), and of an animation the first frame counts. Levels of 32 bits and fractions
have no agreed white: refused.
"""

from degrade.images.decoding import decode_image, read_image
from degrade.images.encoding import (
    atomic_file,
    encode_png,
    write_png,
)
from degrade.images.listing import EXTENSIONS, UNSUPPORTED, Listing, list_images, survey
from degrade.images.reading import (
    CHOICES,
    LONGEST_SIDE,
    PIXEL_LIMIT,
    Image,
    Reading,
)

__all__ = [
    "CHOICES",
    "EXTENSIONS",
    "LONGEST_SIDE",
    "PIXEL_LIMIT",
    "UNSUPPORTED",
    "Image",
    "Listing",
    "Reading",
    "atomic_file",
    "decode_image",
    "encode_png",
    "list_images",
    "read_image",
    "survey",
    "write_png",
]
