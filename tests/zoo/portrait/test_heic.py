"""HEIC, the photos of telephones: read with what they say of themselves, written as JPEG."""

import io
import sys

import numpy as np
import PIL.Image
import pytest
from skimage import data

from degrade.errors import DependencyError, ImageError
from zoo.portrait.files.folder import plan_photos
from zoo.portrait.files.photo import decode_photo
from zoo.portrait.files.photo_encoding import encode_photo

pillow_heif = pytest.importorskip("pillow_heif")


def heic(pixels, orientation=1):
    exif = PIL.Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Maker"
    out = io.BytesIO()
    picture = pillow_heif.from_pillow(PIL.Image.fromarray(pixels))
    picture.save(out, quality=95, exif=exif.tobytes())
    return out.getvalue()


def test_a_photo_is_read_and_written_with_its_maker():
    pixels = data.astronaut()[:200, :300]
    photo = decode_photo(heic(pixels), "a.heic")
    assert (photo.format, photo.lossless) == ("HEIF", False)
    assert np.abs(photo.pixels.astype(int) - pixels).mean() < 4
    written = encode_photo(photo, photo.pixels, "JPEG")
    with PIL.Image.open(io.BytesIO(written)) as picture:
        assert picture.getexif()[0x010F] == "Maker"


def test_it_stands_upright_and_no_mark_turns_it_again():
    pixels = data.astronaut()[:200, :300]
    photo = decode_photo(heic(pixels, orientation=6), "a.heic")
    assert photo.pixels.shape == (300, 200, 3)
    assert np.abs(photo.pixels.astype(int) - np.rot90(pixels, -1)).mean() < 4
    with PIL.Image.open(io.BytesIO(encode_photo(photo, photo.pixels, "JPEG"))) as picture:
        assert picture.getexif().get(0x0112, 1) == 1


def test_in_a_folder_it_becomes_a_jpeg_that_takes_no_others_place(tmp_path):
    for name in ("a.heic", "b.HEIC", "b.jpg", "c.svg"):
        (tmp_path / name).write_bytes(b"x")
    jobs = {job.name: job for job in plan_photos(tmp_path, tmp_path.parent / "out")}
    targets = {name: job.target.name for name, job in jobs.items()}
    assert targets["a.heic"] == "a.jpg"
    assert (targets["b.jpg"], targets["b.HEIC"]) == ("b.jpg", "b.HEIC.jpg")
    assert not jobs["a.heic"].problem and "cannot be read" in jobs["c.svg"].problem


def test_a_cut_file_is_one_line():
    whole = heic(data.astronaut()[:64, :64])
    for length in (12, 100, len(whole) // 2):
        with pytest.raises(ImageError, match=r"a\.heic"):
            decode_photo(whole[:length], "a.heic")


def test_without_its_package_the_line_says_what_to_install(monkeypatch):
    whole = heic(data.astronaut()[:64, :64])
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(DependencyError, match=r"relume\[heic\]"):
        decode_photo(whole, "a.heic")
