import hashlib
import os
import pickle

import numpy as np
import pytest

from degrade.errors import DatasetError, ImageError
from degrade.images import encode_png, read_image, write_png
from degrade.sources import ImageSource, list_datasets, open_source


def test_a_folder_gives_its_pictures_sorted(photos):
    source = open_source(photos)
    assert source.keys == ("a.png", "b.c.png", "sub/a.png", "sub/d.png", "z.png")
    assert len(source) == 5
    image, digest = source.read_with_digest("sub/a.png")
    assert np.array_equal(image, read_image(photos / "sub/a.png"))
    assert digest == hashlib.sha256((photos / "sub/a.png").read_bytes()).hexdigest()
    assert pickle.loads(pickle.dumps(source)) == source  # noqa: S301


def test_one_file_is_a_source_of_one(photos):
    assert open_source(photos / "b.c.png").keys == ("b.c.png",)


def test_a_file_name_in_decomposed_unicode_can_be_read(photos):
    write_png(photos / "e\u0301.png", np.zeros((2, 2, 3), np.uint8))
    source = open_source(photos / "e\u0301.png")
    assert source.read(source.keys[0]).shape == (2, 2, 3)


def test_names_that_mean_the_same_image_are_refused(photos):
    for name in ("e\u0301.png", "\u00e9.png"):
        write_png(photos / name, np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(DatasetError, match="count as the same image"):
        open_source(photos)


def test_a_file_name_that_is_not_utf8_is_refused_at_once(photos):
    with open(os.fsencode(photos) + b"/\xff.png", "wb") as file:
        file.write(b"")
    with pytest.raises(DatasetError, match=r"'\\udcff.png' is not in UTF-8: rename it"):
        open_source(photos)


def test_the_sample_photos_are_seven_colour_photographs():
    assert len(open_source("sample-photos")) == list_datasets()["sample-photos"]["count"] == 7
    source = open_source("sample-photos", longest=64)
    for key in source.keys:
        image = source.read(key)
        assert max(image.shape[:2]) == 64
        assert np.ptp(image.astype(int), axis=2).max() > 20


def test_the_longest_side_is_reached_by_area_averaging(tmp_path):
    small = np.random.default_rng(2).integers(0, 256, (8, 12, 3)).astype(np.uint8)
    write_png(tmp_path / "a.png", np.kron(small, np.ones((5, 5, 1), np.uint8)))
    assert np.array_equal(open_source(tmp_path, longest=12).read("a.png"), small)
    assert open_source(tmp_path, longest=60).read("a.png").shape == (40, 60, 3)
    assert open_source(tmp_path, longest=1).read("a.png").shape == (1, 1, 3)


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(DatasetError, match=r"neither a folder.*Did you mean 'sample-photos'"):
        open_source("sample-photo")


@pytest.mark.timeout(20)
def test_pipes_folders_and_dangling_links_are_image_errors(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "link.png").symlink_to(tmp_path / "gone.png")
    source = ImageSource("x", tmp_path, ("pipe.png", "folder.png", "link.png"))
    with pytest.raises(ImageError, match=r"pipe\.png is not a regular file"):
        source.read("pipe.png")
    with pytest.raises(ImageError, match=r"folder\.png is not a regular file"):
        source.read("folder.png")
    with pytest.raises(ImageError, match=r"link\.png cannot be opened: No such file"):
        source.read("link.png")


def test_files_beyond_any_picture_are_not_read(tmp_path):
    with (tmp_path / "a.png").open("wb") as file:
        file.write(encode_png(np.zeros((2, 2, 3), np.uint8)))
        file.truncate(2**31 + 1)
    with pytest.raises(ImageError, match="2,147,483,649 bytes, more than"):
        open_source(tmp_path).read("a.png")


def test_a_side_that_no_plan_can_hold_is_refused(tmp_path):
    write_png(tmp_path / "a.png", np.zeros((1, 65536, 3), np.uint8))
    with pytest.raises(ImageError, match="sides are 1 to 65535"):
        open_source(tmp_path).read("a.png")
