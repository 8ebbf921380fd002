import os
import threading
import time

import pytest

from bench.cache_store import CacheStore, Usage

KEY, OTHER = "ab" + "0" * 62, "cd" + "1" * 62


def entry(store, kind, key):
    return store.folder / kind / key[:2] / key


def test_what_is_kept_comes_back_and_nothing_else_does(tmp_path):
    store = CacheStore(tmp_path / "cache")
    assert store.read("values", KEY) is None
    assert store.usage() == {}
    store.keep("values", KEY, b"one")
    assert store.read("values", KEY) == b"one"
    assert store.read("values", OTHER) is None
    assert store.read("vectors", KEY) is None
    store.keep("values", KEY, b"two")
    assert store.read("values", KEY) == b"two"


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:-1],
        lambda whole: b"",
        lambda whole: whole[:-1] + bytes([whole[-1] ^ 1]),
        lambda whole: bytes([whole[20] ^ 1]).join([whole[:20], whole[21:]]),
        lambda whole: b"something else entirely, but long enough to hold a whole digest in it",
    ],
)
def test_a_damaged_entry_is_noticed_and_removed(tmp_path, damage):
    store = CacheStore(tmp_path)
    store.keep("values", KEY, b'{"psnr": 30.0}')
    path = entry(store, "values", KEY)
    path.write_bytes(damage(path.read_bytes()))
    assert store.read("values", KEY) is None
    assert not path.exists()


def test_nothing_half_written_is_left_by_writers_of_the_same_entry(tmp_path):
    store, seen = CacheStore(tmp_path), []

    def work(letter):
        for _ in range(20):
            store.keep("values", KEY, letter * 5000)
            seen.append(store.read("values", KEY))

    threads = [threading.Thread(target=work, args=(each,)) for each in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) <= {b"a" * 5000, b"b" * 5000}
    assert [path.name for path in (tmp_path / "values" / "ab").iterdir()] == [KEY]


def test_the_room_is_told_by_kind_and_old_entries_can_go_alone(tmp_path):
    store = CacheStore(tmp_path)
    store.keep("values", KEY, b"x" * 10)
    store.keep("restored", OTHER, b"x" * 100)
    head = entry(store, "values", KEY).stat().st_size - 10
    assert store.usage() == {"restored": Usage(1, 100 + head), "values": Usage(1, 10 + head)}
    long_ago = time.time() - 40 * 86_400
    os.utime(entry(store, "restored", OTHER), (long_ago, long_ago))
    assert store.clear(older_than_days=30) == Usage(1, 100 + head)
    assert store.usage() == {"values": Usage(1, 10 + head)}


def test_clearing_leaves_what_is_not_its_own(tmp_path):
    store = CacheStore(tmp_path)
    store.keep("values", KEY, b"x")
    own = tmp_path / "values" / "ab" / "letter.txt"
    own.write_text("dear diary")
    (tmp_path / "thesis.tex").write_text("chapter 1")
    store.clear()
    assert store.usage() == {}
    assert own.read_text() == "dear diary"
    assert (tmp_path / "thesis.tex").exists()
