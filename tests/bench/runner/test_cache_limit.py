from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.runner.cache_store import LIMIT, Entry, limit_of, overflow, size_text
from degrade.errors import UserError


def entry(name, size, used):
    return Entry(Path(name), size, used, 0.0)


def names(entries):
    return [each.path.name for each in entries]


def test_the_least_recently_used_go_first_and_no_more_than_must():
    known = [entry("c", 40, 30.0), entry("a", 40, 10.0), entry("b", 40, 20.0)]
    assert names(overflow(known, 120, 99.0)) == []
    assert names(overflow(known, 119, 99.0)) == ["a"]
    assert names(overflow(known, 79, 99.0)) == ["a", "b"]
    assert names(overflow(known, 0, 99.0)) == ["a", "b", "c"]


def test_what_was_used_since_stays_however_much_there_is():
    known = [entry("old", 1, 10.0), entry("new", 1000, 20.0), entry("newer", 1000, 30.0)]
    assert names(overflow(known, 5, 20.0)) == ["old"]


@pytest.mark.parametrize(
    ("told", "size"),
    [("50GB", 50 * 10**9), ("1.5 tb", 15 * 10**11), ("512kb", 512_000), ("7B", 7), ("0", 0)],
)
def test_a_size_is_read_as_people_write_it(monkeypatch, tmp_path, told, size):
    monkeypatch.setenv(LIMIT, told)
    assert limit_of(tmp_path) == size


@pytest.mark.parametrize("told", ["12", "lots", "-1GB", "1GB2", "0x10B", "1 000 GB", "nan GB"])
def test_what_is_no_size_is_one_line(monkeypatch, tmp_path, told):
    monkeypatch.setenv(LIMIT, told)
    with pytest.raises(UserError, match=f"^{LIMIT} is '{told}', which is no size: write a number"):
        limit_of(tmp_path)


@pytest.mark.parametrize(("disk", "limit"), [(10**12, 20 * 2**30), (64 * 2**30, 64 * 2**30 // 10)])
def test_a_small_disk_holds_a_tenth_of_itself(monkeypatch, tmp_path, disk, limit):
    asked = []
    monkeypatch.delenv(LIMIT, raising=False)
    monkeypatch.setattr(
        "bench.runner.cache_store.shutil.disk_usage",
        lambda place: asked.append(place) or SimpleNamespace(total=disk),
    )
    assert limit_of(tmp_path / "not" / "there" / "yet") == limit
    assert asked == [tmp_path]


def test_a_size_is_told_with_three_digits():
    told = [size_text(size) for size in (0, 7, 1500, 21_474_836_480, 3 * 10**12)]
    assert told == ["0 B", "7 B", "1.5 KB", "21.5 GB", "3 TB"]
