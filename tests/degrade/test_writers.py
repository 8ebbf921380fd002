import errno
import os

import numpy as np
import pytest

from degrade.images import read_image
from degrade.writers import FilesWriter


def noise(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (6, 5, 3)).astype(np.uint8)


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def test_equal_names_under_hq_and_lq(tmp_path):
    writer = FilesWriter(tmp_path)
    writer.write("sub/a", noise(1), noise(2))
    assert files(tmp_path) == ["hq/sub/a.png", "lq/sub/a.png"]
    assert writer.names("sub/a") == ("hq/sub/a.png", "lq/sub/a.png")
    assert np.array_equal(read_image(tmp_path / "hq/sub/a.png"), noise(1))
    assert np.array_equal(read_image(tmp_path / "lq/sub/a.png"), noise(2))


def test_a_shared_hq_is_one_file_with_two_names(tmp_path):
    writer = FilesWriter(tmp_path)
    for _ in range(2):  # again, as after an interruption
        writer.write("a-0", noise(1), noise(2))
        writer.write("a-1", None, noise(3), same_hq_as="a-0")
        assert os.path.samefile(tmp_path / "hq/a-0.png", tmp_path / "hq/a-1.png")
        assert not os.path.samefile(tmp_path / "lq/a-0.png", tmp_path / "lq/a-1.png")
    assert len(files(tmp_path)) == 4


def test_without_hard_links_a_shared_hq_is_copied(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    writer = FilesWriter(tmp_path)
    writer.write("a-0", noise(1), noise(2))
    writer.write("a-1", None, noise(3), same_hq_as="a-0")
    assert (tmp_path / "hq/a-0.png").read_bytes() == (tmp_path / "hq/a-1.png").read_bytes()
    assert not os.path.samefile(tmp_path / "hq/a-0.png", tmp_path / "hq/a-1.png")


def test_a_failed_rename_leaves_nothing(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="full"):
        FilesWriter(tmp_path).write("a", noise(1), noise(2))
    assert files(tmp_path) == []


def test_a_name_as_long_as_the_file_system_allows_is_written(tmp_path):
    key = "\u8a9e" * 83  # 249 bytes, and .png
    FilesWriter(tmp_path).write(key, noise(1), noise(2))
    assert files(tmp_path) == [f"hq/{key}.png", f"lq/{key}.png"]


def test_sweeping_removes_what_killed_runs_left_and_nothing_else(tmp_path):
    writer = FilesWriter(tmp_path)
    writer.write("sub/a", noise(1), noise(2))
    (tmp_path / "hq/sub/.0123.part").write_bytes(b"half")
    (tmp_path / "mine.part").write_bytes(b"other")
    writer.sweep()
    assert files(tmp_path) == ["hq/sub/a.png", "lq/sub/a.png", "mine.part"]
