import errno
import io
import os
import tarfile

import pytest

from degrade.dataset.storage import LocalStorage
from degrade.dataset.writers import Encoded, Stored, open_writer


def pair(key, hq=b"hq", lq=b"lq", hq_key=None, **others):
    return Encoded(key, hq, lq, "png", "png", hq_key or key, b"{}", **others)


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def test_equal_names_under_hq_and_lq(tmp_path):
    with open_writer("files", LocalStorage(tmp_path), 0) as writer:
        stored = writer.add(pair("sub/a"))
    assert stored == Stored("hq/sub/a.png", "lq/sub/a.png")
    assert files(tmp_path) == ["hq/sub/a.png", "lq/sub/a.png"]
    assert (tmp_path / "hq/sub/a.png").read_bytes() == b"hq"
    assert (tmp_path / "lq/sub/a.png").read_bytes() == b"lq"


def test_without_hq_there_is_no_file_and_no_name(tmp_path):
    for layout in ("files", "webdataset"):
        with open_writer(layout, LocalStorage(tmp_path), 0) as writer:
            assert writer.add(pair("a", hq=None)).hq_file_name == ""
    assert files(tmp_path) == ["lq/a.png", "shards/shard-000000.tar"]
    with tarfile.open(tmp_path / "shards/shard-000000.tar") as tar:
        assert tar.getnames() == ["a.lq.png", "a.json"]


def test_a_shared_hq_is_one_file_with_two_names(tmp_path):
    for _ in range(2):  # again, as after an interruption
        with open_writer("files", LocalStorage(tmp_path), 0) as writer:
            writer.add(pair("a-0"))
            writer.add(pair("a-1", hq_key="a-0"))
        assert os.path.samefile(tmp_path / "hq/a-0.png", tmp_path / "hq/a-1.png")
        assert not os.path.samefile(tmp_path / "lq/a-0.png", tmp_path / "lq/a-1.png")
    assert len(files(tmp_path)) == 4


def test_without_hard_links_a_shared_hq_is_copied(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    with open_writer("files", LocalStorage(tmp_path), 0) as writer:
        writer.add(pair("a-0"))
        writer.add(pair("a-1", hq_key="a-0"))
    assert (tmp_path / "hq/a-1.png").read_bytes() == b"hq"
    assert not os.path.samefile(tmp_path / "hq/a-0.png", tmp_path / "hq/a-1.png")


@pytest.mark.parametrize("layout", ["files", "webdataset"])
def test_a_failed_rename_leaves_nothing(tmp_path, monkeypatch, layout):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "replace", refuse)
    with (
        pytest.raises(OSError, match="full"),
        open_writer(layout, LocalStorage(tmp_path), 0) as writer,
    ):
        writer.add(pair("a"))
    assert files(tmp_path) == []


def test_everything_is_synced_before_the_writer_is_left(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync

    def noting(handle):
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noting)
    with open_writer("files", LocalStorage(tmp_path), 0) as writer:
        writer.add(pair("sub/a"))
        assert synced == []
    names = ["hq/sub", "hq/sub/a.png", "lq/sub", "lq/sub/a.png"]
    assert sorted(synced) == [str(tmp_path / name) for name in names]


def test_a_tar_file_holds_members_side_by_side_with_nothing_of_here_and_now(tmp_path):
    with open_writer("webdataset", LocalStorage(tmp_path), 3) as writer:
        first = writer.add(pair("sub/a", hq=b"x" * 700))
        second = writer.add(pair("sub/b"))
        assert files(tmp_path) == [next(name for name in files(tmp_path) if ".part" in name)]
    path = tmp_path / "shards/shard-000003.tar"
    assert first == Stored("sub/a.hq.png", "sub/a.lq.png", "shards/shard-000003.tar", 0)
    # Headers and contents take whole blocks of 512 bytes.
    assert second.shard_offset == (1 + 2 + 1 + 1 + 1 + 1) * 512
    with tarfile.open(path) as tar:
        members = tar.getmembers()
        assert [member.name for member in members] == [
            f"sub/{key}.{ending}" for key in "ab" for ending in ("hq.png", "lq.png", "json")
        ]
        for member in members:
            assert (member.mtime, member.uid, member.gid) == (0, 0, 0)
            assert (member.uname, member.gname, member.mode) == ("", "", 0o644)
            assert member.pax_headers == {}
        assert tar.extractfile(members[0]).read() == b"x" * 700
    assert path.read_bytes()[257:265] == b"ustar\x0000"
    assert path.stat().st_size % 10240 == 0


@pytest.mark.parametrize("key", ["k" * 120, "f" * 200 + "/k", "語" * 79, "é"])
def test_names_of_any_length_and_letters_are_read_back(tmp_path, key):
    with open_writer("webdataset", LocalStorage(tmp_path), 0) as writer:
        writer.add(pair("a"))
        offset = writer.add(pair(key, lq=b"here")).shard_offset
        writer.add(pair("z"))
    data = (tmp_path / "shards/shard-000000.tar").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(data[offset:])) as tar:
        assert tar.getnames() == [f"{name}.{ending}" for name in (key, "z")
                                  for ending in ("hq.png", "lq.png", "json")]  # fmt: skip
        assert tar.extractfile(f"{key}.lq.png").read() == b"here"


def test_a_shard_without_a_pair_is_no_file(tmp_path):
    with open_writer("webdataset", LocalStorage(tmp_path), 0):
        pass
    assert files(tmp_path) == []


def test_an_error_within_leaves_no_tar_file(tmp_path):
    with (
        pytest.raises(KeyError),
        open_writer("webdataset", LocalStorage(tmp_path), 0) as writer,
    ):
        writer.add(pair("a"))
        raise KeyError
    assert files(tmp_path) == []
