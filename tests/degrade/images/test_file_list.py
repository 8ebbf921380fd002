import os

import pytest

from degrade.errors import DatasetError
from degrade.images import EXTENSIONS, UNSUPPORTED, list_images, survey
from degrade.images.file_list import FileList, survey_names


def make(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_pictures_are_found_by_their_endings_in_any_case(tmp_path):
    make(tmp_path, *(f"a{ending}" for ending in EXTENSIONS), "B.PNG", "sub/c.Jpeg")
    expected = sorted([*(f"a{ending}" for ending in EXTENSIONS), "B.PNG", "sub/c.Jpeg"])
    assert survey(tmp_path) == FileList(tuple(expected))


def test_texts_tables_and_videos_are_no_inputs(tmp_path):
    make(tmp_path, "a.png", "a.txt", "b.json", "c.mp4", "d", "e.png.xmp", "Thumbs.db")
    assert survey(tmp_path) == FileList(("a.png",))


def test_pictures_that_cannot_be_read_are_inputs_with_a_reason(tmp_path):
    make(tmp_path, "a.png", "b.HEIC", "sub/c.cr2")
    listing = survey(tmp_path)
    assert listing.names == ("a.png",)
    assert listing.unusable == (
        ("b.HEIC", "is in a format that cannot be read (.heic): convert it to PNG or JPEG"),
        ("sub/c.cr2", "is in a format that cannot be read (.cr2): convert it to PNG or JPEG"),
    )
    assert not EXTENSIONS & UNSUPPORTED


def test_hidden_files_and_folders_are_passed_over(tmp_path):
    make(tmp_path, "a.png", ".b.png", ".git/c.png", "sub/.d/e.png")
    assert survey(tmp_path) == FileList(("a.png",))


def test_pipes_and_dead_links_have_a_reason(tmp_path):
    make(tmp_path, "a.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "device.png").symlink_to("/dev/null")
    (tmp_path / "gone.png").symlink_to("nowhere.png")
    (tmp_path / "self.png").symlink_to("self.png")
    (tmp_path / "good.png").symlink_to("a.png")
    listing = survey(tmp_path)
    assert listing.names == ("a.png", "good.png")
    assert dict(listing.unusable) == {
        "pipe.png": "is not a regular file",
        "device.png": "is not a regular file",
        "gone.png": "cannot be opened: No such file or directory",
        "self.png": "cannot be opened: Too many levels of symbolic links",
    }


@pytest.mark.timeout(20)
def test_a_folder_is_read_once_wherever_links_lead(tmp_path):
    make(tmp_path / "in", "real/a.png", "real/deep/b.png", "z.png")
    make(tmp_path / "out", "c.png", "more/d.png")
    (tmp_path / "in" / "aaa").symlink_to(tmp_path / "in", target_is_directory=True)
    (tmp_path / "in" / "again").symlink_to("real", target_is_directory=True)
    (tmp_path / "in" / "real" / "up").symlink_to("..", target_is_directory=True)
    (tmp_path / "in" / "elsewhere").symlink_to(tmp_path / "out", target_is_directory=True)
    (tmp_path / "in" / "second").symlink_to(tmp_path / "out", target_is_directory=True)
    (tmp_path / "out" / "back").symlink_to(tmp_path / "in", target_is_directory=True)
    assert survey(tmp_path / "in").names == (
        "elsewhere/c.png",
        "elsewhere/more/d.png",
        "real/a.png",
        "real/deep/b.png",
        "z.png",
    )


def test_a_folder_named_like_a_picture_is_a_folder(tmp_path):
    make(tmp_path, "album.png/a.png")
    assert survey(tmp_path) == FileList(("album.png/a.png",))


def test_a_folder_that_may_not_be_opened_has_a_reason(tmp_path, monkeypatch):
    make(tmp_path, "a.png", "locked/b.png")
    opened = os.scandir

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return opened(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert survey(tmp_path) == FileList(
        ("a.png",), (("locked", "cannot be opened: Permission denied"),)
    )


def test_names_with_foreign_bytes_are_listed_as_they_are(tmp_path):
    with open(os.fsencode(tmp_path) + b"/\xff.png", "wb"):
        pass
    assert survey(tmp_path) == FileList(("\udcff.png",))


def test_the_names_of_a_store_are_chosen_like_those_of_a_folder():
    names = ["b.png", "a/c.jpg", ".hidden/d.png", "a/.e.png", "f.txt", "g.heic"]
    listing = survey_names("s3://bucket", names)
    assert listing.names == ("a/c.jpg", "b.png")
    assert [name for name, _ in listing.unusable] == ["g.heic"]
    with pytest.raises(DatasetError, match="s3://bucket holds no images"):
        survey_names("s3://bucket", ["f.txt"])


def test_the_list_of_images_holds_what_cannot_be_opened_too(tmp_path):
    make(tmp_path, "a.png", "b.heic")
    (tmp_path / "gone.png").symlink_to("nowhere.png")
    assert list_images(tmp_path) == ["a.png", "gone.png"]
