import errno
import hashlib
import os
import threading
import time

import pytest

from bench.runner.cache_store import CacheStore, Usage

KEY, OTHER = "ab" + "0" * 62, "cd" + "1" * 62
HEAD = 15 + 32
"""Bytes before the content of an entry: the magic and the digest."""


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


def key(number):
    return hashlib.sha256(str(number).encode()).hexdigest()


def fill(folder, count, size=1000):
    """Keep entries of which each was used an hour after the one before, the last long ago."""
    store = CacheStore(folder, 10**9)
    first = time.time() - 90 * 86_400
    for number in range(count):
        store.keep("restored", key(number), b"x" * (size - HEAD))
        moment = first + 3600 * number
        os.utime(entry(store, "restored", key(number)), (moment, moment))


def held(folder):
    """Return the numbers that `fill` gave the entries that are there."""
    there = {path.name for path in folder.rglob("*") if path.is_file()}
    return [number for number in range(100) if key(number) in there]


def test_over_the_limit_the_least_recently_used_go_until_a_twentieth_is_free(tmp_path):
    fill(tmp_path, 10)
    before = CacheStore(tmp_path, 8000)
    assert before.read("restored", key(0)) is not None  # now it is the one used last
    assert before.tidy() == Usage(3, 3000)
    assert held(tmp_path) == [0, 4, 5, 6, 7, 8, 9]
    assert before.tidy() == Usage(0, 0)


def test_reading_sets_the_time_of_use_and_leaves_the_time_of_writing(tmp_path):
    fill(tmp_path, 1)
    store = CacheStore(tmp_path, 10**9)
    path = entry(store, "restored", key(0))
    written = path.stat().st_mtime_ns
    store.read("restored", key(0))
    assert path.stat().st_mtime_ns == written
    assert path.stat().st_atime == pytest.approx(time.time(), abs=60)
    assert store.clear(older_than_days=30) == Usage(1, 1000)


def test_the_time_of_use_is_set_by_the_store_once_as_systems_may_not(tmp_path, monkeypatch):
    fill(tmp_path, 1)
    store, path = CacheStore(tmp_path, 10**9), entry(CacheStore(tmp_path), "restored", key(0))
    long_ago, set_to = path.stat(), []
    plain = os.utime
    # As where the disk is mounted with noatime: reading alone changes nothing.
    monkeypatch.setattr(type(path), "stat", lambda self, **_: set_to[-1] if set_to else long_ago)
    monkeypatch.setattr(
        os, "utime", lambda file, ns: plain(file, ns=ns) or set_to.append(os.stat(file))
    )
    for _ in range(3):
        assert store.read("restored", key(0)) is not None
    assert [told.st_atime for told in set_to] == [pytest.approx(time.time(), abs=60)]


def test_a_write_that_passes_the_limit_makes_room_and_is_kept(tmp_path):
    fill(tmp_path, 8)
    store = CacheStore(tmp_path, 8000)
    for number in range(50, 54):
        store.keep("restored", key(number), b"x" * (1000 - HEAD))
    # Each look finds 400 bytes free at most, so each write makes room down to 7600.
    assert held(tmp_path) == [4, 5, 6, 7, 50, 51, 52, 53]


def test_what_the_run_uses_itself_stays_and_then_nothing_more_is_kept(tmp_path, capsys):
    fill(tmp_path, 3)
    store = CacheStore(tmp_path, 5000)
    store.read("restored", key(1))
    for number in range(50, 60):
        store.keep("restored", key(number), b"x" * (1000 - HEAD))
    assert held(tmp_path) == [1, 50, 51, 52, 53]
    told = capsys.readouterr().err
    assert told == (
        f"nothing more is kept in the cache {tmp_path}: what this run keeps is all that 5 KB can "
        "hold\n"
    )
    assert store.read("restored", key(53)) is not None
    assert CacheStore(tmp_path, 5000).tidy() == Usage(0, 0)  # used a moment ago


def test_runs_that_use_all_there_is_pass_the_limit_no_further_one_after_another(tmp_path):
    fill(tmp_path, 8)
    for number in range(50, 60):
        store = CacheStore(tmp_path, 8000)
        for known in held(tmp_path):
            store.read("restored", key(known))
        store.keep("values", key(number), b"x" * (300 - HEAD))
        store.tidy()
    assert sum(each.size for each in store.usage().values()) <= 8000


def test_an_entry_larger_than_the_whole_limit_is_not_kept_and_pushes_nothing_out(tmp_path, capsys):
    fill(tmp_path, 3)
    store = CacheStore(tmp_path, 3000)
    store.keep("references", KEY, b"x" * 3000)
    assert held(tmp_path) == [0, 1, 2]
    assert store.read("references", KEY) is None
    assert capsys.readouterr().err == ""


def test_an_entry_that_another_process_used_since_it_was_listed_stays(tmp_path, monkeypatch):
    fill(tmp_path, 3)
    listing = CacheStore._entries

    def listed_then_used(store):
        found = list(listing(store))
        CacheStore(tmp_path, 10**9).read("restored", key(0))
        return iter(found)

    monkeypatch.setattr(CacheStore, "_entries", listed_then_used)
    CacheStore(tmp_path, 0).tidy()
    assert held(tmp_path) == [0]


def test_two_processes_that_tidy_at_once_remove_no_more_than_one_would(tmp_path):
    fill(tmp_path, 40)
    stores = [CacheStore(tmp_path, 20_000) for _ in range(4)]
    gone, threads = [], []
    for store in stores:
        threads.append(threading.Thread(target=lambda s=store: gone.append(s.tidy())))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held(tmp_path) == list(range(21, 40))
    assert sum(each.entries for each in gone) == 21


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_disk_that_is_full_is_told_once_and_ends_nothing(tmp_path, monkeypatch, capsys, code):
    store = CacheStore(tmp_path, 10**9)
    store.keep("values", KEY, b"one")
    calls = []

    def full(_):
        calls.append(1)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    store.keep("values", KEY, b"two")
    store.keep("values", OTHER, b"three")
    told = capsys.readouterr().err
    assert told == f"nothing more is kept in the cache {tmp_path}: {os.strerror(code)}\n"
    assert len(calls) == 1
    assert store.read("values", KEY) == b"one"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [KEY]


def test_a_file_that_only_has_the_name_of_an_entry_is_never_removed(tmp_path):
    store = CacheStore(tmp_path, 0)
    precious = entry(store, "objects", KEY)  # other stores by content name their files so too
    precious.parent.mkdir(parents=True)
    precious.write_bytes(b"somebody else's object")
    os.utime(precious, (0, 0))
    assert store.clear() == Usage(0, 0)
    assert store.tidy() == Usage(0, 0)
    assert precious.read_bytes() == b"somebody else's object"


@pytest.mark.parametrize("length", [0, 5, 15])
def test_an_entry_that_was_cut_at_its_very_beginning_can_be_cleared(tmp_path, length):
    store = CacheStore(tmp_path, 10**9)
    store.keep("values", KEY, b"one")
    path = entry(store, "values", KEY)
    path.write_bytes(path.read_bytes()[:length])
    assert store.clear() == Usage(1, length)


def test_what_killed_writers_left_goes_after_a_day(tmp_path):
    store = CacheStore(tmp_path, 10**9)
    store.keep("values", KEY, b"one")
    folder = entry(store, "values", KEY).parent
    old, new, foreign = (folder / f".{digit * 16}.part" for digit in "abc")
    whole = entry(store, "values", KEY).read_bytes()
    for path, content in ((old, whole[:20]), (new, b""), (foreign, b"not of this cache")):
        path.write_bytes(content)
    long_ago = time.time() - 25 * 3600
    for path in (old, foreign):
        os.utime(path, (long_ago, long_ago))
    store.tidy()
    assert {path.name for path in folder.iterdir()} == {KEY, new.name, foreign.name}


def test_what_may_not_be_read_of_a_shared_cache_is_passed_over(tmp_path, monkeypatch):
    store, plain = CacheStore(tmp_path, 0), os.scandir
    for each in (KEY, OTHER):
        CacheStore(tmp_path, 10**9).keep("values", each, b"one")
        os.utime(entry(store, "values", each), (0, 0))

    def scan(place):
        if place == entry(store, "values", KEY).parent:  # as of another user; root may read all
            raise PermissionError(errno.EACCES, "Permission denied", str(place))
        return plain(place)

    monkeypatch.setattr(os, "scandir", scan)
    assert store.usage() == {"values": Usage(1, 3 + HEAD)}
    assert store.tidy() == Usage(1, 3 + HEAD)
    assert entry(store, "values", KEY).exists()


def test_looking_at_the_cache_is_no_use_of_its_entries(tmp_path):
    fill(tmp_path, 2)
    store = CacheStore(tmp_path, 10**9)
    paths = [entry(store, "restored", key(number)) for number in range(2)]
    before = [path.stat().st_atime_ns for path in paths]
    store.usage()
    store.tidy()
    store.clear(older_than_days=1000)
    assert [path.stat().st_atime_ns for path in paths] == before
