import dataclasses
import itertools
import json

import numpy as np
import pytest
import skimage.data._registry

import degrade.dataset.named
from degrade.dataset.named import (
    configuration,
    find_dataset,
    list_datasets,
    locate,
)
from degrade.dataset.sources import open_source
from degrade.dataset.storage import open_storage
from degrade.errors import DatasetError
from degrade.images import encode_png, write_png

TINY = np.zeros((4, 4, 3), np.uint8)


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """A person who has told nothing about where sets are."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RELUME_DATA", raising=False)


def faces(folder, names):
    for name in names:
        write_png(folder / name, TINY)
    return folder


def ffhq(folder, numbers=(0, 1, 59_999, 60_000, 69_999)):
    return faces(folder, [f"images1024x1024/{n // 1000 * 1000:05d}/{n:05d}.png" for n in numbers])


# Numbers of CelebA at both sides of the borders of its partition; files are counted from 1.
CELEBA = {0: 1, 1: 162770, 2: 162771, 10: 182637, 11: 182638, 29999: 202599}


def celeba_hq(folder):
    faces(folder, [f"CelebA-HQ-img/{index}.jpg" for index in CELEBA])
    lines = ["     idx   orig_idx     orig_file"]
    lines += [f"{index:8d} {n - 1:10d} {n:06d}.jpg" for index, n in CELEBA.items()]
    (folder / "CelebA-HQ-to-CelebA-mapping.txt").write_text("\n".join(lines) + "\n")
    return folder


def test_every_set_of_the_issue_is_there_with_its_count():
    counts = {name: entry.count for name, entry in list_datasets().items()}
    assert counts == {
        "ffhq": 70_000, "ffhq-128": 70_000, "celeba-hq": 30_000, "celeba-test": 3000,
        "lfw-test": 1711, "webphoto-test": 407, "wider-test": 970, "celebchild": 180,
        "utkface": 23_708, "sample-photos": 7, "synthetic-faces": 64,
    }  # fmt: skip


def test_every_entry_says_what_a_person_must_know():
    for entry in list_datasets().values():
        assert entry.role in ("hq", "lq", "pairs")
        assert entry.page.startswith("https://")
        for text in (entry.summary, entry.licence, entry.licence_note, entry.obtain, entry.hashes):
            assert text
        json.dumps(entry.as_record())


def test_the_parts_of_a_set_have_all_its_pictures():
    for entry in list_datasets().values():
        if entry.splits:
            assert sum(split.count for split in entry.splits.values()) == entry.count
    parts = sorted(split.numbers for split in list_datasets()["celeba-hq"].splits.values())
    assert parts[0][0] == 1
    assert [after[0] - before[1] for before, after in itertools.pairwise(parts)] == [1, 1]
    # The sizes of CelebA's own partition, list_eval_partition.txt.
    assert [last - first + 1 for first, last in parts] == [162_770, 19_867, 19_962]


def test_the_hashes_of_the_sample_photos_are_those_that_scikit_image_publishes():
    published = skimage.data._registry.registry
    known = list_datasets()["sample-photos"].sha256
    assert len(known) == 7
    assert known == {name: published[f"data/{name}"] for name in known}
    source = open_source("sample-photos")
    assert {key: source.read_with_digest(key)[1] for key in source.keys} == known


def test_the_synthetic_faces_come_with_relume_as_they_were_drawn():
    source = open_source("synthetic-faces")
    known = list_datasets()["synthetic-faces"].sha256
    assert {key: source.read_with_digest(key)[1] for key in source.keys} == known
    assert source.read("000017.png").shape == (64, 64, 3)


def test_a_set_is_found_by_the_folder_that_is_given(tmp_path):
    source = open_source("ffhq", root=ffhq(tmp_path / "mine"))
    assert source.keys[:2] == ("00000/00000.png", "00000/00001.png")
    assert (source.name, len(source), source.expected) == ("ffhq", 5, 70_000)
    assert source.read("69000/69999.png").shape == (4, 4, 3)


def test_a_set_is_found_below_the_folder_of_the_environment(tmp_path, monkeypatch):
    ffhq(tmp_path / "data" / "ffhq")
    assert locate("ffhq") == ""
    monkeypatch.setenv("RELUME_DATA", str(tmp_path / "data"))
    assert locate("ffhq") == str(tmp_path / "data" / "ffhq")
    assert locate("utkface") == ""
    assert len(open_source("ffhq")) == 5


def test_the_users_file_comes_before_the_environment_and_names_sets_of_its_own(
    tmp_path, monkeypatch
):
    ffhq(tmp_path / "data" / "ffhq")
    ffhq(tmp_path / "other", numbers=(7,))
    faces(tmp_path / "home" / "faces", ["a.png", "b.png"])
    monkeypatch.setenv("RELUME_DATA", str(tmp_path / "data"))
    configuration().parent.mkdir(parents=True)
    configuration().write_text(f"ffhq: {tmp_path / 'other'}\nfamily-faces: ~/faces\n")
    assert open_source("ffhq").keys == ("00000/00007.png",)
    own = open_source("family-faces")
    assert (own.keys, own.expected) == (("a.png", "b.png"), None)
    with pytest.raises(DatasetError, match="family-faces has no split 'val'; known: none"):
        open_source("family-faces:val")
    configuration().write_text("ffhq: /x\nutkface: [1, 2]\n")
    with pytest.raises(DatasetError, match=r"datasets\.yaml line 2: expected NAME: FOLDER or URL"):
        open_source("ffhq")


def test_a_set_may_be_in_an_object_store(tmp_path):
    fsspec = pytest.importorskip("fsspec")
    storage = open_storage("memory://sets/ffhq/images1024x1024")
    storage.write("00000/00003.png", encode_png(TINY))
    storage.write("60000/60003.png", encode_png(TINY))
    try:
        source = open_source("ffhq:val", root="memory://sets/ffhq")
        assert source.keys == ("60000/60003.png",)
        assert source.read("60000/60003.png").shape == (4, 4, 3)
    finally:
        fsspec.filesystem("memory").store.clear()


def test_a_split_is_a_range_of_numbers(tmp_path):
    root = ffhq(tmp_path)
    assert open_source("ffhq:train", root=root).keys == (
        "00000/00000.png",
        "00000/00001.png",
        "59000/59999.png",
    )
    val = open_source("ffhq:val", root=root)
    assert val.keys == ("60000/60000.png", "69000/69999.png")
    assert val.expected == 10_000


def test_a_split_of_celeba_hq_goes_through_the_mapping(tmp_path):
    root = celeba_hq(tmp_path)
    actual = {split: open_source(f"celeba-hq:{split}", root=root) for split in
             ("train", "val", "test")}  # fmt: skip
    assert {split: source.keys for split, source in actual.items()} == {
        "train": ("0.jpg", "1.jpg"),
        "val": ("10.jpg", "2.jpg"),
        "test": ("11.jpg", "29999.jpg"),
    }
    assert actual["test"].expected == 2824
    assert len(open_source("celeba-hq", root=root)) == 6


def test_a_missing_or_damaged_mapping_is_told(tmp_path):
    root = celeba_hq(tmp_path)
    mapping = root / "CelebA-HQ-to-CelebA-mapping.txt"
    mapping.write_text("idx orig\n1 2\n")
    with pytest.raises(DatasetError, match=r"mapping\.txt is damaged: take it from https"):
        open_source("celeba-hq:test", root=root)
    mapping.unlink()
    with pytest.raises(DatasetError, match=r"splits of celeba-hq need CelebA-HQ-to-CelebA-mapping"):
        open_source("celeba-hq:test", root=root)
    assert len(open_source("celeba-hq", root=root)) == 6


def test_inputs_that_cannot_be_used_belong_to_their_split(tmp_path):
    root = ffhq(tmp_path)
    (root / "images1024x1024" / "00000" / "00005.png").symlink_to("nowhere")
    (root / "images1024x1024" / "69000" / "69998.heic").write_bytes(b"x")
    assert [name for name, _ in open_source("ffhq:train", root=root).unusable] == [
        "00000/00005.png"
    ]
    assert [name for name, _ in open_source("ffhq:val", root=root).unusable] == ["69000/69998.heic"]


def test_a_set_in_a_flat_folder_is_read_as_it_lies(tmp_path):
    root = faces(tmp_path, ["00000.png", "60000.png", "notes.png"])
    assert open_source("ffhq", root=root).keys == ("00000.png", "60000.png", "notes.png")
    assert open_source("ffhq:val", root=root).keys == ("60000.png",)
    with pytest.raises(DatasetError, match=r"ffhq at .* has no images of that split: expected "):
        open_source("ffhq:val", root=faces(tmp_path / "other", ["a.png"]))


def test_a_set_that_is_not_here_says_how_to_get_it():
    with pytest.raises(DatasetError) as reported:
        find_dataset("celeba-hq:test")
    for words in ("download CelebAMask-HQ", "https://github.com/switchablenorms/CelebAMask-HQ",
                  "non-commercial research", "--root", "$RELUME_DATA/celeba-hq",
                  str(configuration())):  # fmt: skip
        assert words in str(reported.value)


def test_unknown_names_and_splits_offer_what_is_known():
    with pytest.raises(DatasetError, match=r"Did you mean 'celeba-hq'\?"):
        open_source("celebahq")
    with pytest.raises(DatasetError, match="ffhq has no split 'test'; known: train, val"):
        open_source("ffhq:test")
    with pytest.raises(DatasetError, match="utkface has no split 'test'; known: none"):
        open_source("utkface:test")


def test_a_package_that_lost_a_file_is_told(monkeypatch):
    entry = list_datasets()["sample-photos"]
    wrong = {"gone.png": "0" * 64}
    table = {"sample-photos": dataclasses.replace(entry, sha256=wrong)}
    monkeypatch.setattr(degrade.dataset.named, "list_datasets", lambda: table)
    with pytest.raises(DatasetError, match=r"gone\.png is not in the installed skimage: reinstall"):
        open_source("sample-photos")
