import dataclasses
import json

import numpy as np
import pytest

from degrade.dataset.build import build
from degrade.dataset.layout import StorageFormat
from degrade.dataset.manifest import read_manifest, write_manifest
from degrade.dataset.paired_dataset import PairedDataset
from degrade.dataset.reader import find_row, read_file, replay
from degrade.dataset.rows import pixel_digest
from degrade.dataset.storage import open_storage
from degrade.dataset.verify import (
    Mismatch,
    differing_versions,
    verify,
)
from degrade.errors import DatasetError
from degrade.executors import Engine
from degrade.images import read_image, write_png

HQ_RECIPE = (
    "version: 1\nsteps:\n  - {operation: grey, target: hq}\n"
    "  - {operation: gaussian_noise, sigma: 9}\n"
)


@pytest.fixture
def built(photos, tmp_path):
    build(PairedDataset(photos, "kuaishou-128", 7, 2), tmp_path / "out")
    return tmp_path / "out"


def problems(folder, **options):
    return [(entry.key, entry.problem) for entry in verify(folder, **options).mismatches]


PLAIN = StorageFormat()


def flip(path):
    image = read_image(path)
    image[2, 3, 1] ^= 1
    write_png(path, image)


def edit_rows(folder, change, storage_format=PLAIN):
    manifest = read_manifest(folder)
    rows = (change(manifest.rows[0]), *manifest.rows[1:])
    write_manifest(folder, [*rows, *manifest.failed], leave_out=storage_format.columns_left_out())


def test_an_untouched_dataset_is_as_its_manifest_says(built):
    assert problems(built) == []
    assert differing_versions(built) == []


@pytest.mark.parametrize("half", ["hq", "lq"])
def test_one_level_of_one_pixel_is_found(built, half):
    flip(built / half / "sub" / "d-v00001.png")
    assert problems(built) == [
        ("sub/d-v00001", f"{half}/sub/d-v00001.png has other pixels than the manifest says")
    ]
    assert problems(built, recompute=False) == problems(built)


def test_missing_truncated_and_replaced_files_are_found(built):
    (built / "lq" / "a-v00000.png").unlink()
    data = (built / "lq" / "z-v00000.png").read_bytes()
    (built / "lq" / "z-v00000.png").write_bytes(data[: len(data) // 2])
    (built / "lq" / "z-v00001.png").unlink()
    (built / "lq" / "z-v00001.png").mkdir()
    actual = dict(problems(built))
    assert set(actual) == {"a-v00000", "z-v00000", "z-v00001"}
    assert actual["a-v00000"] == "lq/a-v00000.png: No such file or directory"
    assert "damaged" in actual["z-v00000"]
    assert actual["z-v00001"] == "lq/z-v00001.png: not a regular file"


def with_plan(row, **parts):
    record = {**json.loads(row.plan), **parts}
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return dataclasses.replace(row, plan=text)


def grey_only(row):
    return with_plan(
        row, steps=[{"operation": "grey", "parameters": {}, "slot": 1, "target": "lq"}]
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (grey_only, "degrading the stored HQ again gives another LQ"),
        (lambda row: with_plan(row, seed=8), "another seed or recipe than run.json"),
        (lambda row: with_plan(row, recipe_digest="0"), "another seed or recipe than run.json"),
        (lambda row: with_plan(row, variant=1), "its plan is damaged: it is of a.png, variant 1"),
        (lambda row: with_plan(row, image_id="b.png"), "its plan is damaged: it is of b.png"),
        (lambda row: with_plan(row, size=[3, 3]), "drawn for another size"),
        (
            lambda row: with_plan(row, steps=[{"operation": "x", "slot": 1}]),
            "unknown operation 'x'",
        ),
        (lambda row: dataclasses.replace(row, plan="{"), "its plan is damaged"),
        (lambda row: dataclasses.replace(row, plan=row.plan + " "), "not written as Relume"),
        (lambda row: dataclasses.replace(row, hq_height=9), "another size than its row"),
        (lambda row: dataclasses.replace(row, lq_sha256="0"), "other pixels"),
    ],
)
def test_a_changed_row_is_found(built, change, message):
    edit_rows(built, change)
    actual = problems(built)
    assert {key for key, _ in actual} == {"a-v00000"}
    assert any(message in problem for _, problem in actual)


def test_a_lost_row_is_found(built):
    manifest = read_manifest(built)
    write_manifest(built, manifest.rows[1:])
    assert problems(built) == [("the manifest", "has 9 pairs, 10 were built")]


@pytest.mark.parametrize("name", ["/etc/hostname", "../photos/a.png", "hq/../../x.png"])
def test_paths_that_lead_outside_are_refused(built, name):
    edit_rows(built, lambda row: dataclasses.replace(row, hq_file_name=name))
    with pytest.raises(DatasetError, match="outside its folder: refused"):
        problems(built)


def test_other_versions_are_named(built):
    lock = json.loads((built / "run.json").read_text())
    lock["built_from"]["operation_versions"] |= {"jpeg": 99, "forgotten": 1}
    lock["made_with"]["libraries"]["imagecodecs"] = "1.0"
    lock["made_with"]["not_portable"] = ["jpeg"]
    (built / "run.json").write_text(json.dumps(lock))
    notes = differing_versions(built)
    assert any("jpeg: made with version 99, here 1" in note for note in notes)
    assert any("forgotten: made with version 1, here it is unknown" in note for note in notes)
    assert any("imagecodecs: made with 1.0" in note for note in notes)


def assert_replays(folder, **options):
    for row in read_manifest(folder).rows:
        for name in (row.key, row.hq_file_name, row.lq_file_name):
            actual, hq, lq = replay(folder, name, **options)
            assert actual == row
            assert (pixel_digest(hq), pixel_digest(lq)) == (row.hq_sha256, row.lq_sha256)


def test_replay_rebuilds_every_pair_bit_for_bit(built):
    assert_replays(built)


def test_replay_starts_from_a_given_source_or_from_the_stored_hq(built, photos, tmp_path):
    photos.rename(tmp_path / "moved")
    assert_replays(built, source=tmp_path / "moved")
    assert_replays(built)


def test_replay_rebuilds_from_shrunken_sources(photos, tmp_path):
    from degrade.dataset.sources import open_source

    build(PairedDataset(open_source(photos, longest=17), "gfpgan-128", 2), tmp_path / "out")
    assert problems(tmp_path / "out") == []
    assert_replays(tmp_path / "out")
    assert_replays(tmp_path / "out", source=photos)


def test_a_recipe_that_changes_the_truth_is_replayed_from_its_source_only(photos, tmp_path):
    (tmp_path / "grey.yaml").write_text(HQ_RECIPE)
    build(PairedDataset(photos, tmp_path / "grey.yaml", 7, 2), tmp_path / "out")
    assert problems(tmp_path / "out") == []
    assert_replays(tmp_path / "out")
    hq = read_image(tmp_path / "out" / "hq" / "b_c-v00000.png")
    assert np.array_equal(hq[..., 0], hq[..., 1])
    photos.rename(tmp_path / "moved")
    assert_replays(tmp_path / "out", source=tmp_path / "moved")
    with pytest.raises(DatasetError, match="say where they are with --source"):
        replay(tmp_path / "out", "b_c-v00000")


def test_an_unknown_pair_offers_the_nearest_and_a_failed_one_its_reason(photos, tmp_path):
    (photos / "text.png").write_text("hello")
    build(PairedDataset(photos, "gfpgan-128"), tmp_path / "out")
    with pytest.raises(DatasetError, match=r"unknown pair 'sub/dd'.*Did you mean 'sub/d'"):
        find_row(tmp_path / "out", "sub/dd")
    with pytest.raises(DatasetError, match=r"input failed: text\.png is not an image"):
        find_row(tmp_path / "out", "text.png")


TARS = StorageFormat(layout="webdataset", shard_images=2, keep_small=True)


@pytest.fixture
def tars(photos, tmp_path):
    build(PairedDataset(photos, "gfpgan-128", 7, 2), tmp_path / "tars", storage_format=TARS)
    return tmp_path / "tars"


def test_untouched_tar_files_are_as_their_manifest_says(tars):
    assert problems(tars) == []
    assert_replays(tars)
    actual = verify(tars, engine=Engine(2))
    assert (actual.good, actual.mismatches, actual.notes) == (10, (), ())


def test_a_changed_byte_a_cut_and_a_lost_tar_file_are_found(tars):
    first, second, third = sorted((tars / "shards").iterdir())
    data = bytearray(first.read_bytes())
    data[600] ^= 1  # in the first HQ
    first.write_bytes(data)
    second.write_bytes(second.read_bytes()[:1024])
    third.unlink()
    actual = dict(problems(tars))
    assert len(actual) == 4 + 2 + 1
    assert any("No such file" in problem for problem in actual.values())
    assert any("does not hold" in problem for problem in actual.values())


@pytest.mark.parametrize("name", ["/etc/hostname", "../photos/a.tar", "shards/../../x.tar", "C:/a"])
def test_tar_files_that_lead_outside_are_refused(tars, name):
    edit_rows(tars, lambda row: dataclasses.replace(row, shard=name), TARS)
    with pytest.raises(DatasetError, match="outside its folder: refused"):
        problems(tars)
    with pytest.raises(DatasetError, match="outside its folder: refused"):
        read_file(open_storage(tars), read_manifest(tars).rows[0], "a.lq.png")


def test_a_number_of_steps_left_that_is_wrong_is_found(tars):
    edit_rows(tars, lambda row: dataclasses.replace(row, lq_steps_left=40), TARS)
    assert ("a-v00000", "its LQ cannot be finished by 40 steps") in problems(tars)


def test_a_small_lq_that_was_changed_is_found(photos, tmp_path):
    build(
        PairedDataset(photos, "gfpgan-128", 7),
        tmp_path / "out",
        storage_format=StorageFormat(keep_small=True),
    )
    row = next(row for row in read_manifest(tmp_path / "out").rows if row.lq_steps_left)
    flip_one(tmp_path / "out" / row.lq_file_name)
    ((key, problem),) = problems(tmp_path / "out")
    assert (key, "other pixels" in problem) == (row.key, True)


def flip_one(path):
    image = read_image(path)
    image[0, 0, 0] ^= 255
    write_png(path, image)


def test_without_stored_hq_the_source_is_checked_or_it_is_said_that_it_was_not(photos, tmp_path):
    out = tmp_path / "out"
    build(PairedDataset(photos, "gfpgan-128", 7), out, storage_format=StorageFormat(hq="none"))
    assert problems(out) == []
    assert_replays_by_key(out)
    photos.rename(tmp_path / "moved")
    actual = verify(out)
    assert (actual.good, actual.mismatches) == (5, ())
    assert actual.notes[0].startswith("only the LQ was checked: the sources are not at")
    assert verify(out, source=tmp_path / "moved").notes == ()
    flip_one(tmp_path / "moved" / "a.png")
    assert verify(out, source=tmp_path / "moved").mismatches == (
        Mismatch("a", "a.png has other pixels than the manifest says"),
    )


def assert_replays_by_key(folder):
    for row in read_manifest(folder).rows:
        _, hq, lq = replay(folder, row.key)
        assert (pixel_digest(hq), pixel_digest(lq)) == (row.hq_sha256, row.lq_sha256)


def test_verify_reads_a_store_that_fsspec_reaches(photos):
    position = "memory://verify/set"
    build(PairedDataset(photos, "gfpgan-128", 7), position, storage_format=TARS)
    assert problems(position) == []
    assert replay(position, "a", photos)[0].key == "a"
