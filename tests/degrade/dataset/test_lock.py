import hashlib
import json

import numpy as np
import pytest

from degrade.dataset import lock
from degrade.dataset.layout import StorageFormat
from degrade.dataset.lock import claim, describe, read_lock, stored_as
from degrade.dataset.paired_dataset import PairedDataset
from degrade.dataset.sources import open_source
from degrade.errors import DatasetError
from degrade.images import DecodePolicy, write_png


def dataset(photos, recipe="gfpgan", seed=1, variants=1, longest=None):
    return PairedDataset(open_source(photos, longest=longest), recipe, seed, variants)


def test_the_lock_says_what_was_built_from_what(photos, tmp_path):
    claim(tmp_path / "out", dataset(photos, seed=2**64 - 1), StorageFormat())
    found = read_lock(tmp_path / "out")
    assert found == json.loads(
        json.dumps(describe(dataset(photos, seed=2**64 - 1), StorageFormat(shard_images=1)))
    )
    built = found["built_from"]
    assert (built["recipe"], built["seed"], built["inputs"]) == ("gfpgan", 2**64 - 1, 5)
    assert built["operation_versions"]["jpeg"] >= 1
    produced = found["made_with"]
    assert produced["source_root"] == str(photos)
    assert produced["libraries"]["numpy"] == np.__version__
    assert produced["cpu"]


def test_the_same_build_may_go_on(photos, tmp_path):
    claim(tmp_path / "out", dataset(photos), StorageFormat())
    claim(tmp_path / "out", dataset(photos), StorageFormat())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 2}, r"changed: seed \(1 → 2\)\."),
        ({"variants": 2}, r"changed: variants \(1 → 2\)\."),
        ({"longest": 64}, r"changed: longest_side \(None → 64\)\."),
        ({"recipe": "gfpgan-128"}, r"changed: recipe \(gfpgan → gfpgan-128\), recipe_digest"),
    ],
)
def test_another_build_is_refused_and_the_difference_named(photos, tmp_path, changes, named):
    claim(tmp_path / "out", dataset(photos), StorageFormat())
    with pytest.raises(DatasetError, match=named):
        claim(tmp_path / "out", dataset(photos, **changes), StorageFormat())


def test_more_fewer_renamed_and_changed_inputs_are_refused(photos, tmp_path):
    claim(tmp_path / "out", dataset(photos), StorageFormat())
    (photos / "a.png").rename(photos / "aa.png")
    with pytest.raises(DatasetError, match=r"changed: inputs_digest \("):
        claim(tmp_path / "out", dataset(photos), StorageFormat())
    (photos / "aa.png").unlink()
    with pytest.raises(DatasetError, match=r"changed: inputs \(5 → 4\), inputs_digest"):
        claim(tmp_path / "out", dataset(photos), StorageFormat())
    write_png(photos / "a.png", np.zeros((90, 90, 3), np.uint8))
    with pytest.raises(DatasetError, match=r"changed: inputs_digest \("):
        claim(tmp_path / "out", dataset(photos), StorageFormat())


def test_a_file_and_a_folder_in_use_are_refused(photos, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DatasetError, match="is a file: give a folder"):
        claim(tmp_path / "file", dataset(photos), StorageFormat())
    with pytest.raises(DatasetError, match="holds other files: give a new or an empty folder"):
        claim(tmp_path, dataset(photos), StorageFormat())
    assert (tmp_path / "file").read_text() == "mine"
    assert not (tmp_path / "run.json").exists()


def test_what_a_killed_claim_left_is_no_hindrance(photos, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".0123456789abcdef.part").write_bytes(b"half")
    claim(tmp_path / "out", dataset(photos), StorageFormat())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "3",
        '{"built_from": 3, "made_with": {}}',
        '{"built_from": {}, "made_with": {}}',
        "\x00",
        "[" * 9999,
    ],
)
def test_a_damaged_lock_is_refused(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(DatasetError, match="is damaged: build into a new folder"):
        read_lock(tmp_path)


def test_a_folder_without_lock_is_no_dataset(tmp_path):
    with pytest.raises(DatasetError, match="was not made by `degrade build`"):
        read_lock(tmp_path)


@pytest.mark.parametrize(
    ("storage_format", "named"),
    [
        (StorageFormat(layout="webdataset"), r"changed: storing.layout \(files → webdataset\)\."),
        (StorageFormat(lq_format="qoi"), r"changed: storing.lq_format \(png → qoi\)\."),
        (StorageFormat(hq="none"), r"changed: storing.hq \(store → none\)\."),
        (StorageFormat(keep_small=True), r"changed: storing.keep_small \(False → True\)\."),
        (StorageFormat(shard_images=9), r"changed: storing.shard_images \(1 → 9\)\."),
    ],
)
def test_another_way_of_storing_is_refused_and_the_difference_named(
    photos, tmp_path, storage_format, named
):
    claim(tmp_path / "out", dataset(photos), StorageFormat())
    with pytest.raises(DatasetError, match=named):
        claim(tmp_path / "out", dataset(photos), storage_format)


def test_another_way_of_reading_is_refused_and_the_difference_named(photos, tmp_path):
    claim(tmp_path / "out", dataset(photos), StorageFormat())
    source = open_source(photos, longest=None, reading=DecodePolicy(alpha="black"))
    with pytest.raises(DatasetError, match=r"changed: reading.alpha \(white → black\)\."):
        claim(tmp_path / "out", PairedDataset(source, "gfpgan", 1), StorageFormat())


def test_a_size_of_shards_that_was_asked_for_once_stays(photos, tmp_path):
    assert claim(tmp_path / "out", dataset(photos), StorageFormat(shard_images=3)).shard_images == 3
    assert claim(tmp_path / "out", dataset(photos), StorageFormat()).shard_images == 3
    assert stored_as(tmp_path / "out") == StorageFormat(shard_images=3)


def test_a_lock_from_before_there_was_a_choice_is_that_of_the_defaults(photos, tmp_path):
    claim(tmp_path / "out", dataset(photos), StorageFormat())
    lock = json.loads((tmp_path / "out" / "run.json").read_text())
    del lock["built_from"]["storing"], lock["built_from"]["reading"]
    (tmp_path / "out" / "run.json").write_text(json.dumps(lock))
    claim(tmp_path / "out", dataset(photos), StorageFormat())
    with pytest.raises(DatasetError, match=r"storing.lq_format \(png → jxl\)"):
        claim(tmp_path / "out", dataset(photos), StorageFormat(lq_format="jxl"))


def test_the_digest_of_the_inputs_is_that_of_their_names_and_sizes_as_json(photos):
    source = open_source(photos)
    inputs = [[key, (photos / key).stat().st_size] for key in source.keys]
    expected = hashlib.sha256(json.dumps(inputs).encode()).hexdigest()
    built = describe(PairedDataset(source, "gfpgan"), StorageFormat())["built_from"]
    assert built["inputs_digest"] == expected


def test_of_two_builds_that_start_at_once_the_later_is_refused(photos, tmp_path, monkeypatch):
    """The second claims the folder while the first lists its inputs."""
    out = tmp_path / "out"

    def describe_slowly(pairs, storage_format):
        monkeypatch.setattr(lock, "describe", describe)
        claim(out, dataset(photos, seed=2), StorageFormat())
        return describe(pairs, storage_format)

    monkeypatch.setattr(lock, "describe", describe_slowly)
    with pytest.raises(DatasetError, match=r"changed: seed \(2 → 1\)"):
        claim(out, dataset(photos, seed=1), StorageFormat())
    assert read_lock(out)["built_from"]["seed"] == 2
