import io
import struct

import imagecodecs
import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from degrade.errors import DatasetError, ImageError
from degrade.images import PIXEL_LIMIT, DecodePolicy, decode_image
from degrade.images.decode_policy import CHOICES


def noise(*shape, dtype=np.uint8):
    high = np.iinfo(dtype).max
    return np.random.default_rng(8).integers(0, high, shape, dtype, endpoint=True)


def encoded(image, kind="PNG", mode=None, **options):
    file = io.BytesIO()
    PIL.Image.fromarray(image, mode).save(file, kind, **options)
    return file.getvalue()


def read(data, **policies):
    return decode_image(data, "a.png", DecodePolicy(**policies))


def exchanged_profile():
    """Pillow's sRGB profile with red and blue exchanged, under another name."""
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    return profile.replace("sRGB".encode("utf-16-be"), "mine".encode("utf-16-be"))


def test_the_defaults_are_the_first_choices():
    assert DecodePolicy() == DecodePolicy(**{name: values[0] for name, values in CHOICES.items()})


def test_the_orientation_can_be_left_as_stored():
    image, exif = noise(5, 7, 3), PIL.Image.Exif()
    exif[274] = 6
    data = encoded(image, exif=exif)
    assert np.array_equal(read(data, exif="ignore"), image)
    assert np.array_equal(read(data), np.rot90(image, -1))


def test_a_profile_can_be_left_out_of_account():
    image = noise(6, 5, 3)
    data = encoded(image, icc_profile=exchanged_profile())
    assert np.array_equal(read(data, icc="ignore"), image)
    assert np.abs(read(data).astype(int) - image[..., ::-1]).max() <= 2


@pytest.mark.parametrize("alpha, paper", [("white", 255), ("black", 0)])
def test_transparent_pixels_are_laid_on_the_colour_asked_for(alpha, paper):
    image = noise(9, 8, 4)
    share = image[..., 3:] / 255
    expected = image[..., :3] * share + paper * (1 - share)
    assert np.abs(read(encoded(image), alpha=alpha) - expected).max() <= 1


def test_transparency_can_be_dropped_which_keeps_the_colours_below():
    image = noise(9, 8, 4)
    assert np.array_equal(read(encoded(image), alpha="drop"), image[..., :3])


def test_transparency_can_be_refused_and_an_opaque_alpha_channel_is_none():
    image = noise(9, 8, 4)
    image[..., 3] = 255
    assert np.array_equal(read(encoded(image), alpha="refuse"), image[..., :3])
    image[4, 4, 3] = 254
    with pytest.raises(ImageError, match=r"^a\.png is transparent.*--alpha refuse"):
        read(encoded(image), alpha="refuse")
    one_colour = encoded(image[..., :3].copy(), transparency=tuple(map(int, image[0, 0, :3])))
    with pytest.raises(ImageError, match="is transparent"):
        read(one_colour, alpha="refuse")


GREY = {
    "png": encoded(noise(5, 6)),
    "black and white": encoded(noise(5, 6) > 127),
    "with alpha": encoded(noise(5, 6, 2), mode="LA"),
    "16 bits": bytes(imagecodecs.png_encode(noise(5, 6, dtype=np.uint16))),
    "jpeg": encoded(noise(5, 6), "JPEG"),
    "jxl": bytes(imagecodecs.jpegxl_encode(noise(5, 6), lossless=True)),
}


@pytest.mark.parametrize("kind", GREY)
def test_grey_files_can_be_refused(kind):
    assert read(GREY[kind]).shape == (5, 6, 3)
    with pytest.raises(ImageError, match=r"^a\.png is grey.*--grey refuse"):
        read(GREY[kind], grey="refuse")


def test_colour_files_with_grey_pixels_are_colour_files():
    image = np.repeat(noise(5, 6, 1), 3, 2)
    assert np.array_equal(read(encoded(image), grey="refuse"), image)


DEEP = {
    "png": bytes(imagecodecs.png_encode(noise(5, 6, 3, dtype=np.uint16))),
    "png, grey": bytes(imagecodecs.png_encode(noise(5, 6, dtype=np.uint16))),
    "tiff": bytes(imagecodecs.tiff_encode(noise(5, 6, 3, dtype=np.uint16))),
    "jxl": bytes(imagecodecs.jpegxl_encode(noise(5, 6, 3, dtype=np.uint16), lossless=True)),
    "ppm": b"P6 6 5 65535\n" + noise(5, 6, 3, dtype=np.uint16).astype(">u2").tobytes(),
}


@pytest.mark.parametrize("kind", sorted(set(DEEP) - {"ppm"}))
def test_sixteen_bits_can_be_refused(kind):
    assert read(DEEP[kind]).shape == (5, 6, 3)
    with pytest.raises(ImageError, match=r"^a\.png has 16 bits a channel.*--sixteen-bit refuse"):
        read(DEEP[kind], sixteen_bit="refuse")
    assert read(encoded(noise(5, 6, 3)), sixteen_bit="refuse").shape == (5, 6, 3)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_can_be_refused(kind):
    data = encoded(noise(16, 16, 4), kind, mode="CMYK")
    assert read(data).shape == (16, 16, 3)
    with pytest.raises(ImageError, match=r"^a\.png is CMYK.*--cmyk refuse"):
        read(data, cmyk="refuse")
    assert read(encoded(noise(16, 16, 3), kind), cmyk="refuse").shape == (16, 16, 3)


@pytest.mark.parametrize("limit", [1, 29, 30, PIXEL_LIMIT])
def test_the_pixel_limit_is_the_most_that_is_read(limit):
    data = encoded(noise(5, 6, 3))
    if limit >= 30:
        assert read(data, pixel_limit=limit).shape == (5, 6, 3)
    else:
        with pytest.raises(ImageError, match=f"5 × 6 pixels, more than the limit of {limit}"):
            read(data, pixel_limit=limit)


@pytest.mark.parametrize(
    "wrong",
    [{"alpha": "green"}, {"exif": True}, {"pixel_limit": 0}, {"pixel_limit": PIXEL_LIMIT + 1},
     {"pixel_limit": True}, {"pixel_limit": 2.0}],
)  # fmt: skip
def test_other_values_are_refused(wrong):
    with pytest.raises(DatasetError, match="is not"):
        DecodePolicy(**wrong)


def test_a_record_gives_the_same_policies_back():
    reading = DecodePolicy(alpha="drop", sixteen_bit="refuse", pixel_limit=1000)
    assert DecodePolicy.from_record(reading.as_record()) == reading
    assert DecodePolicy.from_record({}) == DecodePolicy()
    with pytest.raises(DatasetError, match="'gamma' is not a reading policy"):
        DecodePolicy.from_record({"gamma": "2.2"})


def test_the_file_told_by_the_limit_is_not_decoded():
    """A header of 2 000 × 2 000 pixels without any: only its size can be told."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 2000, 2000, 8, 2, 0, 0, 0)
    with pytest.raises(ImageError, match="2000 × 2000 pixels, more than the limit of 3,999,999"):
        read(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header, pixel_limit=3_999_999)
