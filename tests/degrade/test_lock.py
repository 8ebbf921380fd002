import json

import numpy as np
import pytest

from degrade.errors import DatasetError
from degrade.images import write_png
from degrade.lock import claim, describe, read_lock
from degrade.pairs import PairedDataset
from degrade.sources import open_source


def dataset(photos, recipe="gfpgan", seed=1, variants=1, longest=None):
    return PairedDataset(open_source(photos, longest=longest), recipe, seed, variants)


def test_the_lock_says_what_was_built_from_what(photos, tmp_path):
    claim(tmp_path / "out", dataset(photos, seed=2**64 - 1))
    lock = read_lock(tmp_path / "out")
    assert lock == json.loads(json.dumps(describe(dataset(photos, seed=2**64 - 1))))
    built = lock["built_from"]
    assert (built["recipe"], built["seed"], built["inputs"]) == ("gfpgan", 2**64 - 1, 5)
    assert built["operation_versions"]["jpeg"] >= 1
    made = lock["made_with"]
    assert made["source_root"] == str(photos)
    assert made["libraries"]["numpy"] == np.__version__
    assert made["cpu"]


def test_the_same_build_may_go_on(photos, tmp_path):
    claim(tmp_path / "out", dataset(photos))
    claim(tmp_path / "out", dataset(photos))


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
    claim(tmp_path / "out", dataset(photos))
    with pytest.raises(DatasetError, match=named):
        claim(tmp_path / "out", dataset(photos, **changes))


def test_more_fewer_renamed_and_changed_inputs_are_refused(photos, tmp_path):
    claim(tmp_path / "out", dataset(photos))
    (photos / "a.png").rename(photos / "aa.png")
    with pytest.raises(DatasetError, match=r"changed: inputs_digest \("):
        claim(tmp_path / "out", dataset(photos))
    (photos / "aa.png").unlink()
    with pytest.raises(DatasetError, match=r"changed: inputs \(5 → 4\), inputs_digest"):
        claim(tmp_path / "out", dataset(photos))
    write_png(photos / "a.png", np.zeros((90, 90, 3), np.uint8))
    with pytest.raises(DatasetError, match=r"changed: inputs_digest \("):
        claim(tmp_path / "out", dataset(photos))


def test_a_file_and_a_folder_in_use_are_refused(photos, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DatasetError, match="is a file: give a folder"):
        claim(tmp_path / "file", dataset(photos))
    with pytest.raises(DatasetError, match="holds other files: give a new or an empty folder"):
        claim(tmp_path, dataset(photos))
    assert (tmp_path / "file").read_text() == "mine"
    assert not (tmp_path / "run.json").exists()


def test_what_a_killed_claim_left_is_no_hindrance(photos, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".0123456789abcdef.part").write_bytes(b"half")
    claim(tmp_path / "out", dataset(photos))


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
