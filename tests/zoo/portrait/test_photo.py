"""DecodePolicy and writing a person's photo: what must be kept is kept."""

import io
import struct

import imagecodecs
import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.ImageOps
import pytest
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

from degrade.errors import ImageError
from zoo.portrait.files.photo import decode_photo, format_of, read_photo
from zoo.portrait.files.photo_encoding import encode_photo

PROFILE = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
MAKE, COPYRIGHT, EXPOSURE, LATITUDE = 0x010F, 0x8298, 0x829A, 2


def levels(shape, dtype=np.uint8, seed=3):
    """Soft levels that JPEG keeps well."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    channels = shape[2] if len(shape) == 3 else 1
    waves = [
        np.sin(x / (9 + seed + 3 * k)) + np.cos(y / (7 + 2 * k + seed)) for k in range(channels)
    ]
    soft = (np.stack(waves, axis=2) + 2) / 4 * np.iinfo(dtype).max
    return np.rint(soft).astype(dtype).reshape(shape)


def exif(orientation=1):
    told = PIL.Image.Exif()
    told[MAKE], told[COPYRIGHT], told[0x0112] = "Kodak", "the family", orientation
    told.get_ifd(0x8769)[EXPOSURE] = IFDRational(1, 125)
    told.get_ifd(0x8825)[LATITUDE] = (51.0, 30.0, 7.0)
    return told


def stored(pixels, kind, **options):
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def opened(data):
    picture = PIL.Image.open(io.BytesIO(data))
    picture.load()
    return picture


def rewritten(data, kind=None, **options):
    photo = decode_photo(data, "a")
    return encode_photo(photo, photo.pixels, kind or photo.format, **options)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(31, 44), (31, 44, 2), (31, 44, 3), (31, 44, 4)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_exact_formats_keep_channels_and_depth_there_and_back(kind, shape, dtype):
    pixels = levels(shape, dtype)
    source = decode_photo(imagecodecs.png_encode(pixels), "a.png")
    np.testing.assert_array_equal(source.pixels, pixels)
    if (kind, shape[2:], dtype) == ("TIFF", (2,), np.uint16):  # which Pillow cannot read
        with pytest.raises(ImageError, match=r"end OUT in \.png"):
            encode_photo(source, pixels, kind)
        return
    again = decode_photo(encode_photo(source, pixels, kind), "b")
    assert again.pixels.dtype == dtype
    np.testing.assert_array_equal(again.pixels, pixels)


@pytest.mark.parametrize("shape", [(31, 44), (31, 44, 2), (31, 44, 3), (31, 44, 4)])
def test_a_tiff_is_read_alike_by_other_readers(shape):
    for dtype in (np.uint8, np.uint16) if shape[2:] != (2,) else (np.uint8,):
        pixels = levels(shape, dtype)
        source = decode_photo(imagecodecs.png_encode(pixels), "a.png")
        data = encode_photo(source, pixels, "TIFF")
        np.testing.assert_array_equal(imagecodecs.tiff_decode(data), pixels)


@pytest.mark.parametrize("shape", [(31, 44, 3), (31, 44, 4)])
def test_webp_is_exact_where_the_source_was(shape):
    pixels = levels(shape)
    data = rewritten(stored(pixels, "PNG"), "WEBP")
    np.testing.assert_array_equal(np.asarray(opened(data)), pixels)
    again = rewritten(data)
    np.testing.assert_array_equal(decode_photo(again, "b").pixels, pixels)
    lossy = stored(pixels, "WEBP", quality=80)
    assert not decode_photo(lossy, "c").lossless
    assert len(rewritten(lossy)) < len(again)


@pytest.mark.parametrize("shape", [(31, 44), (31, 44, 2)])
def test_grey_becomes_three_equal_channels_in_webp(shape):
    pixels = levels(shape)
    again = decode_photo(rewritten(stored(pixels, "PNG"), "WEBP"), "b").pixels
    plane = pixels if pixels.ndim == 2 else pixels[..., 0]
    for channel in range(3):
        np.testing.assert_array_equal(again[..., channel], plane)
    if pixels.ndim == 3:
        np.testing.assert_array_equal(again[..., 3], pixels[..., 1])


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_profile_and_exif_survive_from_every_format_to_every_format(source, target):
    options = {"icc_profile": PROFILE, "exif": exif()}
    # Pillow leaves the inner directories out of a TIFF, so that one is made by us.
    first = stored(levels((20, 30, 3)), "PNG" if source == "TIFF" else source, **options)
    data = rewritten(rewritten(first, source), target)
    picture = opened(data)
    told = picture.getexif()
    assert picture.format == target
    assert picture.info["icc_profile"] == PROFILE
    assert (told[MAKE], told[COPYRIGHT]) == ("Kodak", "the family")
    assert float(told.get_ifd(0x8769)[EXPOSURE]) == 1 / 125
    assert tuple(map(float, told.get_ifd(0x8825)[LATITUDE])) == (51, 30, 7)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_come_with_profile_exif_and_dots(kind):
    pixels = levels((20, 30, 3), np.uint16)
    eight = stored(levels((20, 30, 3)), "JPEG", icc_profile=PROFILE, exif=exif(), dpi=(300, 300))
    source = decode_photo(eight, "a")
    picture = opened(encode_photo(source, pixels, kind))
    assert picture.info["icc_profile"] == PROFILE
    assert picture.getexif()[MAKE] == "Kodak"
    assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", FORMATS)
def test_the_orientation_is_in_the_pixels_and_no_longer_in_the_file(kind, orientation):
    options = {"lossless": True} if kind == "WEBP" else {}
    data = stored(levels((20, 30, 3)), kind, exif=exif(orientation), **options)
    photo = decode_photo(data, "a")
    np.testing.assert_array_equal(
        photo.pixels, np.asarray(PIL.ImageOps.exif_transpose(opened(data)))
    )
    again = opened(rewritten(data))
    assert again.getexif().get(0x0112, 1) == 1
    assert again.size == photo.pixels.shape[1::-1]
    assert again.getexif()[MAKE] == "Kodak"


@pytest.mark.parametrize("orientation", [1, 6])
def test_an_orientation_in_xmp_is_taken_and_reset_too(orientation):
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="r"><rdf:Description '
        b'tiff:Orientation="%d" dc:title="a"/></rdf:RDF></x:xmpmeta>' % orientation
    )
    data = stored(levels((20, 30, 3)), "JPEG", xmp=xmp)
    photo = decode_photo(data, "a")
    assert photo.pixels.shape[:2] == ((30, 20) if orientation == 6 else (20, 30))
    again = opened(rewritten(data, note="m 1"))
    assert b'tiff:Orientation="1" dc:title="a"' in again.info["xmp"]
    assert again.size == photo.pixels.shape[1::-1]


def test_exif_keeps_every_byte_but_the_orientation_and_the_old_thumbnail():
    """A camera's own notes point at places in the block, so nothing may move."""
    notes = bytes(range(64))
    body = struct.pack("<HHL4s", 0x0112, 3, 1, b"\6\0\0\0")
    body += struct.pack("<HHLL", 0x927C, 7, len(notes), 38)
    block = b"II*\0" + struct.pack("<LH", 8, 2) + body + struct.pack("<L", 200) + notes
    photo = decode_photo(stored(levels((9, 9, 3)), "JPEG", exif=b"Exif\0\0" + block), "a")
    expected = block.replace(b"\1\0\0\0\6", b"\1\0\0\0\1").replace(struct.pack("<L", 200), bytes(4))
    assert photo.metadata.exif == expected
    written = opened(encode_photo(photo, photo.pixels, "JPEG")).info["exif"]
    assert written == b"Exif\0\0" + expected


@pytest.mark.parametrize("damaged", [b"", b"II*\0", b"XX*\0" + bytes(40), b"II*\0\xff\xff\xff\xff"])
def test_damaged_exif_is_left_out_and_the_photo_read(damaged):
    data = stored(levels((9, 9, 3)), "JPEG", exif=b"Exif\0\0" + damaged)
    assert decode_photo(data, "a").metadata.exif == b""


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_keeps_its_subsampling_and_its_scans(subsampling, progressive):
    from PIL.JpegImagePlugin import get_sampling

    data = stored(
        levels((64, 64, 3)), "JPEG", subsampling=subsampling, progressive=progressive, comment=b"x"
    )
    again = opened(rewritten(data))
    assert get_sampling(again) == get_sampling(opened(data))
    assert bool(again.info.get("progressive")) is progressive
    assert again.info["comment"] == b"x"


def test_a_grey_jpeg_stays_grey():
    again = opened(rewritten(stored(levels((64, 64)), "JPEG", quality=80)))
    assert again.mode == "L"


@pytest.mark.parametrize("quality", [30, 75, 95, 100])
def test_writing_a_jpeg_again_hardly_changes_it(quality, psnr):
    noisy = np.random.default_rng(1).integers(80, 170, (64, 64, 3), np.uint8)
    data = stored(noisy, "JPEG", quality=quality, subsampling="4:4:4")
    photo = decode_photo(data, "a")
    once = decode_photo(rewritten(data), "b").pixels
    assert psnr(once, photo.pixels) > 43
    asked = decode_photo(rewritten(data, quality=95), "b").pixels
    assert psnr(once, photo.pixels) >= psnr(asked, photo.pixels) - 0.1


def test_a_lower_quality_makes_a_smaller_file():
    data = stored(levels((99, 99, 3)), "JPEG", quality=98)
    for kind in ("JPEG", "WEBP"):
        sizes = [len(rewritten(data, kind, quality=quality)) for quality in (20, 60, 98)]
        assert sizes == sorted(sizes) and sizes[0] < sizes[2]


@pytest.mark.parametrize("kind", FORMATS)
def test_the_note_of_the_model_is_added_to_what_is_there(kind):
    data = rewritten(stored(levels((20, 30, 3)), kind), note='de"jp&g 0.1')
    picture = opened(rewritten(data, note="again 0.2"))
    if kind == "PNG":
        assert picture.text["relume"] == "again 0.2"
        assert b'relume\0de"jp&g 0.1' in data
        return
    packet = picture.info["xmp"]
    packet = packet if isinstance(packet, bytes) else packet.encode()
    (description,) = opened_xmp(packet)
    assert description == "de'jp&g 0.1, again 0.2"


def opened_xmp(packet):
    import xml.etree.ElementTree as ElementTree

    root = ElementTree.fromstring(packet.decode("utf-8-sig").strip("\0"))
    key = "{urn:relume:1.0:}restored"
    return [element.attrib[key] for element in root.iter() if key in element.attrib]


@pytest.mark.parametrize("kind", FORMATS)
def test_without_a_note_nothing_names_us(kind):
    assert b"relume" not in rewritten(stored(levels((20, 30, 3)), kind))


def test_a_png_keeps_its_texts_colour_chunks_and_dots():
    info = PngInfo()
    info.add_text("Title", "Grandmother")
    info.add_itxt("Ort", "Zürich", lang="de")
    info.add(b"gAMA", struct.pack(">L", 50000))
    data = stored(levels((9, 9, 3)), "PNG", pnginfo=info, dpi=(300, 200))
    again = opened(rewritten(data, note="m 1"))
    assert again.text == {"Title": "Grandmother", "Ort": "Zürich", "relume": "m 1"}
    assert again.info["gamma"] == 0.5
    assert again.info["dpi"] == pytest.approx((300, 200), abs=0.02)


def test_a_palette_and_one_bit_come_back_as_the_same_picture():
    colours = PIL.Image.fromarray(levels((20, 30, 3))).quantize(8)
    buffer = io.BytesIO()
    colours.save(buffer, "PNG", transparency=3)
    np.testing.assert_array_equal(
        decode_photo(buffer.getvalue(), "a").pixels,
        np.asarray(opened(buffer.getvalue()).convert("RGBA")),
    )
    buffer = io.BytesIO()
    PIL.Image.fromarray(levels((20, 30)) > 120).save(buffer, "PNG")
    np.testing.assert_array_equal(
        decode_photo(buffer.getvalue(), "a").pixels, 255 * (levels((20, 30)) > 120)
    )


def refusal(data, name="photo.x"):
    with pytest.raises(ImageError) as caught:
        decode_photo(data, name)
    assert "\n" not in str(caught.value) and str(caught.value).startswith(name)
    return str(caught.value)


def test_what_cannot_be_kept_is_refused_in_one_line():
    pixels = PIL.Image.fromarray(levels((20, 30, 3)))
    buffers = {kind: io.BytesIO() for kind in ("cmyk", "float", "bmp", "pages", "film")}
    pixels.convert("CMYK").save(buffers["cmyk"], "JPEG")
    pixels.convert("F").save(buffers["float"], "TIFF")
    pixels.save(buffers["bmp"], "BMP")
    pixels.save(buffers["pages"], "TIFF", save_all=True, append_images=[pixels])
    pixels.save(buffers["film"], "WEBP", save_all=True, append_images=[pixels.rotate(90)])
    told = {kind: refusal(buffer.getvalue()) for kind, buffer in buffers.items()}
    assert "CMYK" in told["cmyk"]
    assert "more than 16 bits" in told["float"]
    assert "no PNG, JPEG, WebP, TIFF or HEIC" in told["bmp"]
    assert "several pictures" in told["pages"] and "several pictures" in told["film"]


@pytest.mark.parametrize("kind", FORMATS)
def test_cut_files_are_refused_in_one_line(kind):
    data = stored(levels((64, 64, 3)), kind)
    assert "empty" in refusal(b"")
    for share in (0.02, 0.3, 0.7):
        refusal(data[: int(len(data) * share)])


def test_a_format_that_would_lose_something_is_refused():
    cases = [
        (levels((9, 9, 3), np.uint16), "JPEG", "16 bits"),
        (levels((9, 9), np.uint16), "WEBP", "16 bits"),
        (levels((9, 9, 4)), "JPEG", "transparency"),
        (np.zeros((1, 16384, 3), np.uint8), "WEBP", "16383"),
    ]
    for pixels, kind, told in cases:
        photo = decode_photo(imagecodecs.png_encode(pixels), "a.png")
        with pytest.raises(ImageError, match=told):
            encode_photo(photo, pixels, kind)


def test_formats_are_told_by_the_ending_and_others_refused():
    assert [format_of(name) for name in ("a.JPG", "b.tiff", "c.webp", "d.png")] == [
        "JPEG",
        "TIFF",
        "WEBP",
        "PNG",
    ]
    for name in ("a.gif", "noending"):
        with pytest.raises(ImageError, match=r"with the ending \.png"):
            format_of(name)


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ImageError, match=r"a\.png cannot be opened"):
        read_photo(tmp_path / "a.png", "a.png")


def test_mutated_files_are_a_picture_or_one_line_and_can_be_written_again():
    random = np.random.default_rng(4)
    options = {"exif": exif(6), "icc_profile": PROFILE, "dpi": (300, 300)}
    jpeg = stored(levels((20, 30, 3)), "JPEG", **options)
    deep = decode_photo(imagecodecs.png_encode(levels((20, 30, 4), np.uint16)), "a")
    sources = [rewritten(jpeg, kind, note="m 1") for kind in FORMATS]
    sources += [encode_photo(deep, deep.pixels, kind) for kind in ("PNG", "TIFF")]
    read = 0
    for number in range(600):
        data = bytearray(sources[number % len(sources)])
        for _ in range(random.integers(1, 6)):
            place = random.integers(min(len(data), 900) if random.random() < 0.5 else len(data))
            data[place] = random.integers(256)
        try:
            photo = decode_photo(bytes(data), "a")
        except ImageError as error:
            assert "\n" not in str(error)
            continue
        read += 1
        for kind in ("PNG", "TIFF"):
            again = decode_photo(encode_photo(photo, photo.pixels, kind), "b")
            assert again.pixels.shape[:2] == photo.pixels.shape[:2]
    assert 100 < read < 600
