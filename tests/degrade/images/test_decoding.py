import io
import os
import stat
import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.features
import PIL.Image
import PIL.ImageCms
import PIL.TiffImagePlugin
import pytest

from degrade.errors import DatasetError, ImageError
from degrade.images import (
    DecodePolicy,
    atomic_file,
    decode_image,
    encode_png,
    list_images,
    read_image,
    write_png,
)


def noise(*shape, dtype=np.uint8, seed=0):
    high = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, high, shape, dtype, endpoint=True)


def smooth(height=48, width=40):
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (height + width)], -1
                    ).astype(np.uint8)  # fmt: skip


def encoded(picture, kind, **options):
    if isinstance(picture, np.ndarray):
        picture = PIL.Image.fromarray(picture)
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def rounded(deep):
    """16 bits to 8 by the definition: round(v * 255 / 65535)."""
    return np.round(deep.astype(np.float64) / 257).astype(np.uint8)


def with_chunk(png, kind, body):
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return png[:33] + chunk + png[33:]


def with_orientation(value):
    exif = PIL.Image.Exif()
    exif[274] = value
    return exif


# What a viewer does for each EXIF orientation (TIFF 6.0, tag 274), as NumPy operations.
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation):
    image = noise(5, 7, 3)
    expected = UPRIGHT[orientation](image)
    exif = with_orientation(orientation)
    assert np.array_equal(decode_image(encoded(image, "PNG", exif=exif), "a"), expected)
    assert np.array_equal(decode_image(encoded(image, "TIFF", exif=exif), "a"), expected)
    lossless = encoded(image, "WEBP", exif=exif, lossless=True)
    assert np.array_equal(decode_image(lossless, "a"), expected)
    jpeg = decode_image(encoded(smooth(), "JPEG", exif=exif, quality=95), "a")
    assert jpeg.shape == UPRIGHT[orientation](smooth()).shape
    assert np.abs(jpeg.astype(int) - UPRIGHT[orientation](smooth())).mean() < 4


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_exif_orientation_is_applied_to_16_bits(orientation):
    deep = noise(5, 7, 3, dtype=np.uint16)
    exif = with_orientation(orientation).tobytes()
    png = with_chunk(bytes(imagecodecs.png_encode(deep)), b"eXIf", exif.removeprefix(b"Exif\0\0"))
    assert np.array_equal(decode_image(png, "a"), UPRIGHT[orientation](rounded(deep)))


def wide_gamut_profile():
    """A valid matrix profile whose red and blue are exchanged, made from Pillow's sRGB."""
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    exchanged = bytearray(profile.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ"))
    exchanged = exchanged.replace(b"????", b"bXYZ")
    return bytes(exchanged.replace("sRGB".encode("utf-16-be"), "mine".encode("utf-16-be")))


def test_an_icc_profile_is_converted_to_srgb():
    image = smooth()
    profile = wide_gamut_profile()
    for data in (
        encoded(image, "PNG", icc_profile=profile),
        encoded(image, "TIFF", icc_profile=profile),
    ):
        got = decode_image(data, "a").astype(int)
        assert np.abs(got - image[..., ::-1]).max() <= 2
    deep = image.astype(np.uint16) * 257
    body = b"mine\0\0" + zlib.compress(profile)
    png = with_chunk(bytes(imagecodecs.png_encode(deep)), b"iCCP", body)
    assert np.abs(decode_image(png, "a").astype(int) - image[..., ::-1]).max() <= 2


def test_an_srgb_profile_and_a_broken_profile_change_nothing():
    image = noise(6, 5, 3)
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    for embedded in (profile, b"no profile at all", wide_gamut_profile()[:200]):
        data = encoded(image, "PNG", icc_profile=embedded)
        assert np.array_equal(decode_image(data, "a"), image)


def laid_on_white(colour, alpha):
    share = alpha[..., None].astype(float) / 255
    return colour * share + 255 * (1 - share)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_transparent_pixels_are_laid_on_white(kind):
    image = noise(9, 8, 4)
    image[0, 0], image[0, 1] = (10, 20, 30, 0), (10, 20, 30, 255)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    got = decode_image(encoded(image, kind, **options), "a")
    assert np.abs(got - laid_on_white(image[..., :3], image[..., 3])).max() <= 1
    assert tuple(got[0, 0]) == (255, 255, 255)
    assert tuple(got[0, 1]) == (10, 20, 30)


def test_grey_with_alpha_is_laid_on_white():
    image = noise(9, 8, 2)
    got = decode_image(encoded(PIL.Image.fromarray(image, "LA"), "PNG"), "a")
    grey = np.repeat(image[..., :1], 3, 2)
    assert np.abs(got - laid_on_white(grey, image[..., 1])).max() <= 1


def test_a_transparent_colour_without_alpha_channel_is_white():
    image = np.full((4, 4, 3), (10, 20, 30), np.uint8)
    image[0, 0] = (1, 2, 3)
    got = decode_image(encoded(image, "PNG", transparency=(1, 2, 3)), "a")
    assert tuple(got[0, 0]) == (255, 255, 255)
    assert tuple(got[1, 1]) == (10, 20, 30)
    grey = decode_image(encoded(np.array([[7, 9]], np.uint8), "PNG", transparency=7), "a")
    assert grey.tolist() == [[[255] * 3, [9] * 3]]


def test_a_palette_with_transparency_is_laid_on_white():
    picture = PIL.Image.new("P", (2, 1))
    picture.putpalette([200, 10, 10, 5, 6, 7])
    picture.putdata([0, 1])
    got = decode_image(encoded(picture, "PNG", transparency=0), "a")
    assert got.tolist() == [[[255, 255, 255], [5, 6, 7]]]
    got = decode_image(encoded(picture, "PNG"), "a")
    assert got.tolist() == [[[200, 10, 10], [5, 6, 7]]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "PPM", "JPEG"])
def test_grey_becomes_three_equal_channels(kind):
    image = smooth()[..., 0]
    got = decode_image(encoded(image, kind), "a")
    assert got.shape == (48, 40, 3)
    assert np.array_equal(got[..., 0], got[..., 1])
    assert np.array_equal(got[..., 0], got[..., 2])
    if kind != "JPEG":
        assert np.array_equal(got[..., 0], image)


def test_black_and_white_is_read():
    picture = PIL.Image.fromarray(noise(8, 9) > 127)
    assert set(np.unique(decode_image(encoded(picture, "PNG"), "a"))) == {0, 255}


@pytest.mark.parametrize("channels", [(), (3,), (4,)])
@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_16_bits_are_rounded_to_8(kind, channels):
    deep = noise(21, 17, *channels, dtype=np.uint16)
    if channels == (4,):
        deep[..., 3] = 65535
    encode = {"png": imagecodecs.png_encode, "tiff": imagecodecs.tiff_encode}[kind]
    got = decode_image(bytes(encode(deep)), "a")
    expected = rounded(deep if channels else np.stack([deep] * 3, -1))
    assert np.array_equal(got, expected[..., :3])


def test_16_bit_alpha_is_laid_on_white():
    deep = noise(21, 17, 4, dtype=np.uint16)
    got = decode_image(bytes(imagecodecs.png_encode(deep)), "a")
    expected = laid_on_white(deep[..., :3] / 257, deep[..., 3] / 257)
    assert np.abs(got - expected).max() <= 1.6  # colour and alpha are each rounded first


def test_16_bit_ppm_is_rounded():
    deep = noise(3, 4, 3, dtype=np.uint16)
    data = b"P6 4 3 65535\n" + deep.astype(">u2").tobytes()
    assert np.array_equal(decode_image(data, "a"), rounded(deep))


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_fractions_and_32_bits_are_refused(dtype):
    data = encoded(PIL.Image.fromarray(np.full((3, 4), 70000, dtype)), "TIFF")
    with pytest.raises(ImageError, match="convert it to 8 or 16 bits"):
        decode_image(data, "a")


def test_cmyk_becomes_rgb():
    ink = np.zeros((16, 16, 4), np.uint8)
    ink[..., 0] = 255  # cyan alone takes the red away
    got = decode_image(encoded(PIL.Image.fromarray(ink, "CMYK"), "JPEG", quality=100), "a")
    assert np.abs(got.astype(int) - (0, 255, 255)).max() <= 3
    got = decode_image(encoded(PIL.Image.fromarray(ink, "CMYK"), "TIFF"), "a")
    assert np.array_equal(got, np.broadcast_to(np.uint8([0, 255, 255]), (16, 16, 3)))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_several_frames_the_first_counts(kind):
    frames = [PIL.Image.new("RGB", (8, 6), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    got = decode_image(data, "a")
    assert np.array_equal(got, np.broadcast_to(np.uint8([255, 0, 0]), (6, 8, 3)))


@pytest.mark.parametrize("shape", [(1, 1, 3), (20000, 3, 3), (3, 20000, 3), (1, 65535, 3)])
def test_extreme_shapes_are_read_and_written(shape, tmp_path):
    image = noise(*shape)
    write_png(tmp_path / "a.png", image)
    assert np.array_equal(read_image(tmp_path / "a.png"), image)


@pytest.mark.parametrize("kind", ["JPEG2000", "AVIF"])
def test_newer_formats_are_read(kind):
    feature = {"JPEG2000": "jpg_2000", "AVIF": "avif"}[kind]
    if not PIL.features.check(feature):
        pytest.skip(f"this Pillow has no {kind}")
    got = decode_image(encoded(smooth(), kind, quality=95) if kind == "AVIF"
                       else encoded(smooth(), kind), "a")  # fmt: skip
    assert np.abs(got.astype(int) - smooth()).mean() < 4


FILES = {
    "jpeg": encoded(smooth(), "JPEG", exif=with_orientation(6)),
    "progressive": encoded(smooth(), "JPEG", progressive=True),
    "png": encoded(noise(24, 20, 3), "PNG", exif=with_orientation(6)),
    "palette": encoded(PIL.Image.fromarray(noise(24, 20)).convert("P"), "PNG", transparency=3),
    "png16": bytes(imagecodecs.png_encode(noise(12, 10, 3, dtype=np.uint16))),
    "webp": encoded(smooth(), "WEBP"),
    "lossless": encoded(smooth(), "WEBP", lossless=True),
    "tiff": encoded(smooth(), "TIFF"),
    "tiff lzw": encoded(smooth(), "TIFF", compression="tiff_lzw"),
    "tiff16": bytes(imagecodecs.tiff_encode(noise(12, 10, 3, dtype=np.uint16))),
    "bmp": encoded(smooth(), "BMP"),
    "gif": encoded(PIL.Image.fromarray(noise(24, 20)).convert("P"), "GIF"),
}


@pytest.mark.parametrize("kind", ["jpeg", "progressive", "png", "palette", "png16", "lossless"])
def test_a_truncated_file_is_refused_unless_all_pixels_are_there(kind):
    data = FILES[kind]
    whole = decode_image(data, "a")
    for length in [*range(0, len(data), 7), *range(len(data) - 14, len(data))]:
        try:
            got = decode_image(data[:length], "a.bin")
        except ImageError as error:
            assert str(error).startswith("a.bin ")
        else:
            assert np.array_equal(got, whole)
            # No pixels: PNG's end chunk (12), the CRC before it (4), zlib's check sum (4).
            assert length >= len(data) - 20


@pytest.mark.parametrize("kind", FILES)
def test_mutated_files_are_an_image_or_an_image_error(kind, capfd):
    random = np.random.default_rng(2024)
    whole = FILES[kind]
    for _ in range(120):
        data = bytearray(whole)
        for _ in range(random.integers(1, 6)):
            data[random.integers(len(data))] = random.integers(256)
        if random.random() < 0.3:
            start = random.integers(len(data))
            del data[start : start + int(random.integers(1, 20))]
        with warnings.catch_warnings(record=True) as reported:
            warnings.simplefilter("always")
            try:
                image = decode_image(bytes(data), "a", DecodePolicy(pixel_limit=10**6))
            except ImageError as error:
                assert "\n" not in str(error)
            else:
                assert image.dtype == np.uint8
                assert image.ndim == 3
                assert image.shape[2] == 3
        assert not reported
    capfd.readouterr()  # libtiff writes its own words to standard error


def test_text_named_png_and_nothing_at_all_are_refused(tmp_path):
    (tmp_path / "a.png").write_text("hello")
    (tmp_path / "b.png").write_bytes(b"")
    with pytest.raises(ImageError, match=r"a\.png is not an image in a format"):
        read_image(tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"b\.png is empty"):
        read_image(tmp_path / "b.png")


def test_formats_that_start_other_programs_are_not_tried(tmp_path):
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    with pytest.raises(ImageError, match="not an image in a format"):
        decode_image(eps, "a.png")


def header_only(width, height, bits):
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + ihdr + struct.pack(">I", zlib.crc32(ihdr))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("side", [15_000, 60_000, 2**31 - 1])
def test_too_many_pixels_are_refused_before_decoding(bits, side):
    data = header_only(side, side, bits) + b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    with pytest.raises(ImageError, match=r"more.* than the limit of 178,956,970"):
        decode_image(data, "a.png")


def test_the_pixel_limit_can_be_set():
    data = encode_png(noise(10, 10, 3))
    assert decode_image(data, "a", DecodePolicy(pixel_limit=100)).shape == (10, 10, 3)
    with pytest.raises(ImageError, match="10 × 10 pixels, more than the limit of 99"):
        decode_image(data, "a", DecodePolicy(pixel_limit=99))


@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_png_is_read_back_exactly_by_us_and_by_pillow(level):
    image = noise(31, 17, 3)
    data = encode_png(image, level=level)
    assert np.array_equal(decode_image(data, "a"), image)
    assert np.array_equal(np.asarray(PIL.Image.open(io.BytesIO(data))), image)
    assert data == encode_png(image, level=level)


def test_views_are_written_as_they_look():
    image = noise(31, 17, 3)
    for view in (image[::-1], image[:, ::2], image[..., ::-1]):
        assert np.array_equal(decode_image(encode_png(view), "a"), view)


def test_text_chunks_are_read_by_pillow():
    data = encode_png(noise(3, 4, 3), {"Software": "Relume", "Comment": "é and …"})
    picture = PIL.Image.open(io.BytesIO(data))
    assert picture.text == {"Software": "Relume", "Comment": "é and ?"}
    PIL.Image.open(io.BytesIO(data)).verify()


def test_atomic_file_replaces_whole_and_leaves_nothing_on_error(tmp_path):
    path = tmp_path / "deep" / "er" / "a.bin"
    with atomic_file(path) as file:
        file.write(b"one")
        assert not path.exists()
    assert path.read_bytes() == b"one"
    with pytest.raises(KeyboardInterrupt), atomic_file(path) as file:
        file.write(b"two, and half of thr")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"one"
    assert os.listdir(path.parent) == ["a.bin"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name on Windows")
def test_a_pipe_and_a_device_are_written_to_and_stay_what_they_are(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as threads:
        read = threads.submit(pipe.read_bytes)
        with atomic_file(pipe) as file:
            file.write(b"through")
        assert read.result() == b"through"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    with pytest.raises(OSError, match="No space"), atomic_file(Path("/dev/full")) as file:
        file.write(b"x")
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_link_keeps_leading_to_its_file_which_is_replaced(tmp_path):
    (tmp_path / "far").mkdir()
    link = tmp_path / "link.bin"
    link.symlink_to(Path("far") / "file.bin")
    for content in (b"one", b"two"):
        with atomic_file(link) as file:
            file.write(content)
        assert link.is_symlink() and (tmp_path / "far" / "file.bin").read_bytes() == content
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["far", "file.bin", "link.bin"]


def test_what_goes_to_standard_output_goes_there(tmp_path):
    code = (
        "from pathlib import Path; from degrade.images import atomic_file\n"
        "with atomic_file(Path('/dev/stdout')) as file: file.write(b'told')"
    )
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", code], stdout=out, check=True)
    assert (tmp_path / "out").read_bytes() == b"told"


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_atomic_file_keeps_to_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        with atomic_file(tmp_path / "a.bin") as file:
            file.write(b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "a.bin").stat().st_mode & 0o777 == 0o666 & ~mask


def test_pictures_of_a_folder_are_listed_sorted_and_hidden_ones_passed_over(tmp_path):
    for name in ("b.PNG", "a.jpg", "sub/c.webp", "notes.txt", ".hidden.png", ".git/d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert list_images(tmp_path) == ["a.jpg", "b.PNG", "sub/c.webp"]


def test_a_folder_without_pictures_and_no_folder_are_told_apart(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DatasetError, match=r"holds no images: expected files ending in .*\.png"):
        list_images(tmp_path)
    with pytest.raises(DatasetError, match="is not a folder"):
        list_images(tmp_path / "nowhere")
