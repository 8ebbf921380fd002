import dataclasses
import json
import random
import tracemalloc

import pytest

from degrade.dataset.keys import pair_key
from degrade.dataset.layout import StorageFormat
from degrade.dataset.paired_dataset import PairedDataset
from degrade.dataset.rows import ManifestRow
from degrade.dataset.shard_worker import Markers, plain_ending
from degrade.dataset.shards import (
    Shard,
    ShardSelection,
    cut,
    job_of,
    shard_count,
)
from degrade.dataset.sources import ImageSource
from degrade.dataset.storage import LocalStorage
from degrade.errors import DatasetError, UserError

ROW = ManifestRow("", "b.png", "00", 0, "hq/b.png", "lq/b.png", 4, 5, 4, 5, "11", "22", "{}", "ok")


def dataset(tmp_path, keys, variants=1, unusable=()):
    source = ImageSource("made up", LocalStorage(tmp_path), tuple(keys), unusable=tuple(unusable))
    return PairedDataset(source, "gfpgan-128", 1, variants)


def test_shards_hold_every_input_once_in_the_order_of_keys(tmp_path):
    keys = [f"{name}.png" for name in ("a", "a-b", "a!", "b.c", "b_", "sub/a", "B", "é", "zz")]
    random.Random(1).shuffle(keys)
    pairs = dataset(tmp_path, keys, 2, [("a.b.png", "why"), ("zzz.gif", "because")])
    shards = list(cut(pairs, 3))
    assert len(shards) == shard_count(pairs.source, 3) == 4
    assert [shard.index for shard in shards] == [0, 1, 2, 3]
    inputs = [name for shard in shards for name in (*shard.image_ids, *dict(shard.unusable))]
    assert sorted(inputs) == sorted([*keys, "a.b.png", "zzz.gif"])
    assert shards[-1].unusable == (("zzz.gif", "because"),)
    firsts = [shard.first_key for shard in shards]
    assert firsts == sorted(firsts)
    for shard, after in zip(shards, [*firsts[1:], "\U0010ffff"], strict=True):
        actual = [pair_key(name, 0, 2) for name in (*shard.image_ids, *dict(shard.unusable))]
        assert min(actual) == shard.first_key
        assert max(actual) <= after


def test_a_task_is_small_whatever_the_size_of_the_dataset(tmp_path):
    import pickle

    pairs = dataset(tmp_path, [f"{number:05d}.png" for number in range(3000)])
    job = job_of(pairs, LocalStorage(tmp_path), StorageFormat())
    first = next(cut(pairs, 16))
    assert len(pickle.dumps((job, first))) < 4500


def rows(*keys):
    return [dataclasses.replace(ROW, key=key) for key in keys]


def test_markers_are_joined_in_the_order_of_keys_even_where_shards_overlap(tmp_path):
    """Variants of ``a`` may stand around an image that is named like one of them."""
    markers = Markers(LocalStorage(tmp_path))
    markers.write(0, rows("a-v00000", "a-v00001", "a-v00002"))
    markers.write(1, rows("a-v00000-v00000", "a-v00000-v00001", "b-v00000"))
    markers.write(2, rows("b-v00001", "c"))
    shards = [Shard(0, "a-v00000", ()), Shard(1, "a-v00000-v00000", ()), Shard(2, "b-v00001", ())]
    keys = [row.key for row in markers.rows(shards)]
    assert keys == sorted(keys)
    assert len(keys) == 8
    assert markers.done_shards() == {0, 1, 2}


def test_joining_markers_holds_a_shard_or_two_in_memory(tmp_path):
    markers, shards = Markers(LocalStorage(tmp_path)), []
    plan = json.dumps({"plan": "x" * 1500})
    for index in range(60):
        keys = [f"{index:03d}-{number:03d}" for number in range(50)]
        markers.write(index, [dataclasses.replace(row, plan=plan) for row in rows(*keys)])
        shards.append(Shard(index, keys[0], ()))
    tracemalloc.start()
    try:
        assert sum(1 for _ in markers.rows(shards)) == 3000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * 50 * 2500  # all rows are 6 MB


def test_markers_that_are_damaged_are_one_line_and_those_of_others_are_passed_over(tmp_path):
    markers = Markers(LocalStorage(tmp_path))
    for name, text in (("0000000-of-16.json", "[]"), ("x.json", ""), ("0000001.json", "[{}]")):
        LocalStorage(tmp_path).write(f".shards/{name}", text.encode())
    assert markers.done_shards() == {1}
    with pytest.raises(DatasetError, match=r"0000001\.json is damaged: remove it"):
        markers.read(1)
    with pytest.raises(FileNotFoundError):
        markers.read(0)
    markers.remove()
    markers.remove()
    assert not (tmp_path / ".shards").exists()


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff"])
def test_what_is_no_plain_picture_is_not_copied(data):
    assert plain_ending(data, (1, 1)) is None


@pytest.mark.parametrize("count", [1, 2, 3, 7, 40])
def test_every_shard_belongs_to_exactly_one_part(count):
    parts = [ShardSelection(index, count) for index in range(1, count + 1)]
    for shard in range(25):
        assert sum(part.has(shard) for part in parts) == 1


def test_parts_differ_by_one_shard_at_most_and_surplus_parts_are_empty():
    sizes = [
        sum(ShardSelection(index, 8).has(shard) for shard in range(21)) for index in range(1, 9)
    ]
    assert max(sizes) - min(sizes) == 1
    assert not any(ShardSelection(5, 9).has(shard) for shard in range(4))


def test_a_part_is_read_and_shown_as_it_is_written():
    part = ShardSelection.parse("2/8")
    assert part == ShardSelection(2, 8)
    assert str(part) == "2/8"


@pytest.mark.parametrize(
    "text", ["", "2", "2/", "/8", "2/8/3", "a/b", "-1/8", "1.5/2", " 1/2", "1/2\n", "٢/٨", "1" * 12]
)
def test_what_is_no_part_is_one_line(text):
    with pytest.raises(UserError, match="is not a part: give INDEX/COUNT, as 2/8"):
        ShardSelection.parse(text)


@pytest.mark.parametrize("text", ["0/8", "9/8", "0/0", "1/0"])
def test_a_part_that_does_not_exist_says_how_parts_count(text):
    with pytest.raises(UserError, match="parts count from 1") as caught:
        ShardSelection.parse(text)
    assert caught.value.exit_code == 2
