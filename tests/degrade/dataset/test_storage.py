import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from degrade.dataset.storage import LocalStorage, is_remote, open_storage
from degrade.errors import DatasetError


@pytest.fixture(params=["folder", "memory"])
def storage(request, tmp_path):
    if request.param == "folder":
        yield open_storage(tmp_path / "data")
        return
    fsspec = pytest.importorskip("fsspec")
    position = f"memory://{request.node.name}"
    yield open_storage(position)
    fsspec.filesystem("memory").store.clear()


def test_what_was_written_is_read_back(storage):
    storage.write("a/b.bin", b"one")
    with storage.writing("a/c.bin") as file:
        file.write(b"two")
        file.write(b"three")
    assert storage.read("a/b.bin") == b"one"
    with storage.reading("a/c.bin") as file:
        file.seek(3)
        assert file.read() == b"three"


def test_names_are_relative_and_sorted(storage):
    for name in ("z.bin", "a/y.bin", "a/b/x.bin"):
        storage.write(name, b"1")
    assert storage.names() == ["a/b/x.bin", "a/y.bin", "z.bin"]
    assert storage.names("a") == ["a/b/x.bin", "a/y.bin"]
    assert storage.names("missing") == []


def test_a_missing_file_has_size_minus_one_and_cannot_be_read(storage):
    assert storage.size("nothing") == -1
    assert not storage.exists("nothing")
    with pytest.raises(FileNotFoundError):
        storage.read("nothing")
    storage.remove("nothing")


def test_an_error_while_writing_leaves_nothing(storage):
    with pytest.raises(RuntimeError), storage.writing("half.bin") as file:
        file.write(b"half")
        raise RuntimeError
    assert storage.names() == []


def test_a_link_is_the_same_file_under_a_second_name(storage):
    storage.write("one", b"bytes")
    storage.link("one", "sub/two")
    storage.remove("one")
    assert storage.read("sub/two") == b"bytes"


def test_writing_again_replaces(storage):
    storage.write("one", b"old", sync=False)
    storage.write("one", b"new", sync=False)
    storage.sync(["one"])
    assert storage.read("one") == b"new"
    assert storage.size("one") == 3


def test_a_storage_travels_to_other_processes(storage):
    storage.write("one", b"bytes")
    assert pickle.loads(pickle.dumps(storage)).read("one") == b"bytes"  # noqa: S301 - our own


def test_sweeping_removes_what_killed_runs_left_and_nothing_else(tmp_path):
    storage = LocalStorage(tmp_path)
    for name in (".0123456789abcdef.part", "hq/.0123.part", "hq/kept.part", "hq/.kept"):
        storage.write(name, b"1")
    storage.sweep()
    assert storage.names() == ["hq/.kept", "hq/kept.part"]


def test_a_local_file_is_never_seen_half_written(tmp_path, monkeypatch):
    storage = LocalStorage(tmp_path)
    observed = []
    monkeypatch.setattr("os.fsync", lambda handle: observed.append(storage.exists("one")))
    storage.write("one", b"1")
    assert observed == [False, True]  # the file before its rename, the folder after it


def test_a_pipe_is_refused_rather_than_waited_for(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        LocalStorage(tmp_path).read("pipe")
    assert LocalStorage(tmp_path).size("pipe") == -1


def test_urls_are_remote_and_paths_are_not():
    assert is_remote("s3://bucket/a")
    assert not is_remote(Path("a/b"))
    assert not is_remote("C:/photos")


def test_an_unknown_protocol_is_one_line():
    pytest.importorskip("fsspec")
    with pytest.raises(DatasetError, match="cannot be opened"):
        open_storage("nowhere://bucket")


def test_of_several_that_create_a_file_one_succeeds_and_all_find_it_whole(storage):
    content = [bytes([number]) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda data: storage.create("a/lock", data), content))
    assert sum(made) == 1
    assert storage.read("a/lock") == content[made.index(True)]
    assert storage.names() == ["a/lock"]
    assert not storage.create("a/lock", b"later")
