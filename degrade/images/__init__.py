"""The only place that decodes and encodes images.

Public images are uint8, (height, width, 3), RGB, levels 0-255. What a file says besides its
pixels is settled here, once, by a `DecodePolicy`. By default EXIF orientation is applied, an ICC
profile is converted to sRGB, transparent pixels are laid on white, grey becomes three equal
channels, 16 bits (PNG, TIFF, PPM, JPEG XL) are rounded to 8, CMYK becomes RGB (through its profile
where it has one), and of an animation the first frame counts. Levels of 32 bits and fractions
have no agreed white: refused.
"""

from degrade.images.decode_policy import (
    CHOICES,
    LONGEST_SIDE,
    PIXEL_LIMIT,
    DecodePolicy,
    Image,
)
from degrade.images.decoding import decode_image, read_image
from degrade.images.encoding import (
    atomic_file,
    encode_png,
    write_png,
)
from degrade.images.file_list import EXTENSIONS, UNSUPPORTED, FileList, list_images, survey

__all__ = [
    "CHOICES",
    "EXTENSIONS",
    "LONGEST_SIDE",
    "PIXEL_LIMIT",
    "UNSUPPORTED",
    "DecodePolicy",
    "FileList",
    "Image",
    "atomic_file",
    "decode_image",
    "encode_png",
    "list_images",
    "read_image",
    "survey",
    "write_png",
]
