import dataclasses
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from degrade.dataset import build as building
from degrade.dataset import shard_worker as work
from degrade.dataset.build import build
from degrade.dataset.layout import StorageFormat
from degrade.dataset.manifest import read_manifest
from degrade.dataset.paired_dataset import PairedDataset
from degrade.dataset.shard_worker import do_shard
from degrade.dataset.shards import ShardSelection
from degrade.dataset.sources import open_source
from degrade.dataset.storage import LocalStorage
from degrade.dataset.writers import _FilesWriter
from degrade.executors import Engine
from degrade.images import read_image, write_png

REPOSITORY = Path(__file__).parents[3]


def dataset(photos, variants=2, seed=7):
    return PairedDataset(photos, "kuaishou-128", seed, variants)


SHARDS = StorageFormat(shard_images=16)
TARS = StorageFormat(layout="webdataset", shard_images=7)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for half in ("hq", "lq", "shards")
        for path in sorted((folder / half).rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def many(tmp_path):
    """Forty tiny images: three shards."""
    folder = tmp_path / "many"
    pixels = np.random.default_rng(1).integers(0, 256, (40, 12, 12, 3)).astype(np.uint8)
    for number, image in enumerate(pixels):
        write_png(folder / f"{number:02d}.png", image)
    return folder


def test_a_build_holds_what_the_virtual_dataset_gives(photos, tmp_path):
    virtual = dataset(photos)
    result = build(virtual, tmp_path / "out")
    assert result.counts == {"ok": 10}
    assert not result.resumed
    manifest = read_manifest(tmp_path / "out")
    assert manifest.digest() == result.digest
    expected = {pair.key: pair for pair in virtual}
    for row in manifest.rows:
        pair = expected.pop(row.key)
        assert row.hq_file_name.removeprefix("hq/") == row.lq_file_name.removeprefix("lq/")
        assert np.array_equal(read_image(tmp_path / "out" / row.hq_file_name), pair.hq)
        assert np.array_equal(read_image(tmp_path / "out" / row.lq_file_name), pair.lq)
        assert row.plan == pair.plan.to_json()
        assert (row.hq_height, row.hq_width) == pair.hq.shape[:2]
    assert not expected
    assert sorted(os.listdir(tmp_path / "out")) == [
        "failed.parquet",
        "hq",
        "lq",
        "metadata.parquet",
        "run.json",
    ]


def test_variants_share_one_hq_file(photos, tmp_path):
    build(dataset(photos), tmp_path / "out")
    hq = tmp_path / "out" / "hq"
    assert os.path.samefile(hq / "sub/a-v00000.png", hq / "sub/a-v00001.png")
    assert not os.path.samefile(hq / "sub/a-v00000.png", hq / "a-v00000.png")


def test_one_and_two_workers_give_one_digest_and_the_same_files(many, tmp_path):
    one = build(dataset(many, 1), tmp_path / "one")
    two = build(dataset(many, 1), tmp_path / "two", engine=Engine(2))
    assert one.digest == two.digest
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_the_order_of_the_source_does_not_matter(many, tmp_path):
    source = open_source(many)
    keys = list(source.keys)
    random.Random(3).shuffle(keys)
    shuffled = dataclasses.replace(source, keys=tuple(keys))
    one = build(dataset(source, 1), tmp_path / "one")
    two = build(dataset(shuffled, 1), tmp_path / "two")
    assert one.digest == two.digest
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_subset_has_the_same_rows_and_files(many, tmp_path):
    source = open_source(many)
    build(dataset(source, 1), tmp_path / "whole")
    build(dataset(dataclasses.replace(source, keys=source.keys[5:35:3]), 1), tmp_path / "part")
    rows = {row.key: row for row in read_manifest(tmp_path / "whole").rows}
    part = read_manifest(tmp_path / "part").rows
    assert len(part) == 10
    assert all(rows[row.key] == row for row in part)
    assert contents(tmp_path / "part").items() <= contents(tmp_path / "whole").items()


def test_more_variants_keep_the_first_ones(photos, tmp_path):
    build(dataset(photos, 1), tmp_path / "one")
    build(dataset(photos, 3), tmp_path / "three")
    three = {(row.source, row.variant): row for row in read_manifest(tmp_path / "three").rows}
    for row in read_manifest(tmp_path / "one").rows:
        same = three[row.source, 0]
        assert (row.plan, row.hq_sha256, row.lq_sha256) == (
            same.plan,
            same.hq_sha256,
            same.lq_sha256,
        )


def test_an_interrupted_build_goes_on_where_it_was(many, tmp_path, monkeypatch):
    whole = build(dataset(many), tmp_path / "whole", storage_format=SHARDS)
    finished, again, reported, started = [], [], [], []

    class PowerCutError(Exception):
        pass

    def interrupt(job, shard):
        if len(finished) == 1:
            work._store_variants(job, shard.image_ids[0], _FilesWriter(job.storage))  # a part of it
            raise PowerCutError
        finished.append(shard.index)
        return do_shard(job, shard)

    monkeypatch.setattr(building, "do_shard", interrupt)
    with pytest.raises(PowerCutError):
        build(dataset(many), tmp_path / "out", storage_format=SHARDS)
    assert not (tmp_path / "out" / "metadata.parquet").exists()
    monkeypatch.setattr(
        building, "do_shard", lambda job, shard: again.append(shard.index) or do_shard(job, shard)
    )
    result = build(
        dataset(many),
        tmp_path / "out",
        on_progress=reported.append,
        on_start=lambda *counts: started.append(counts),
    )
    assert (finished, again) == ([0], [1, 2])
    assert started == [(2 * 16, 2 * 40)]
    assert reported == [2 * 16, 2 * (40 - 2 * 16)]
    assert result.resumed
    assert result.digest == whole.digest
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_parts_in_any_order_are_one_dataset_and_say_what_is_missing(many, tmp_path):
    whole = build(dataset(many), tmp_path / "whole", storage_format=TARS)
    out, started = tmp_path / "out", []
    for index, missing, mine in ((3, 5, 7), (1, 3, 14), (4, 2, 7)):
        result = build(
            dataset(many),
            out,
            storage_format=TARS,
            part=ShardSelection(index, 4),
            on_start=lambda *counts: started.append(counts),
        )
        assert (result.missing, result.digest, result.counts) == (missing, "", {})
        assert started.pop() == (0, 2 * mine)
        assert not (out / "metadata.parquet").exists()
    last = build(dataset(many), out, storage_format=TARS, part=ShardSelection(2, 4))
    assert (last.missing, last.digest) == (0, whole.digest)
    assert contents(out) == contents(tmp_path / "whole")
    assert sorted(os.listdir(out)) == sorted(os.listdir(tmp_path / "whole"))


def test_a_part_beyond_the_shards_does_nothing_and_the_last_to_come_may_finish(many, tmp_path):
    out = tmp_path / "out"
    none = build(dataset(many, 1), out, storage_format=SHARDS, part=ShardSelection(9, 9))
    assert (none.missing, none.resumed) == (3, False)
    build(dataset(many, 1), out, storage_format=SHARDS, part=ShardSelection(1, 1))
    assert build(
        dataset(many, 1), out, storage_format=SHARDS, part=ShardSelection(9, 9)
    ).counts == {"ok": 40}


@pytest.mark.parametrize("storage_format", [SHARDS, TARS], ids=["files", "webdataset"])
def test_a_build_that_another_one_overtakes_ends_well(many, tmp_path, monkeypatch, storage_format):
    whole = build(dataset(many, 1), tmp_path / "whole", storage_format=storage_format)
    out, winners = tmp_path / "out", []

    def slow(job, shard):
        if shard.index == 1 and not winners:
            winners.append(None)
            monkeypatch.setattr(building, "do_shard", do_shard)
            winners.append(build(dataset(many, 1), out, storage_format=storage_format))
        return do_shard(job, shard)

    monkeypatch.setattr(building, "do_shard", slow)
    loser = build(dataset(many, 1), out, storage_format=storage_format)
    assert loser.digest == winners[1].digest == whole.digest
    assert contents(out) == contents(tmp_path / "whole")
    assert sorted(os.listdir(out)) == sorted(os.listdir(tmp_path / "whole"))


def test_a_build_whose_temporary_file_another_one_swept_ends_well(many, tmp_path, monkeypatch):
    """The winner removes temporary files once its manifest is there; the loser had one open."""
    whole = build(dataset(many, 1), tmp_path / "whole", storage_format=SHARDS)
    write, out = LocalStorage.write, tmp_path / "out"

    def swept(storage, name, data, *, sync=True):
        if name.endswith("00002.json"):
            monkeypatch.setattr(LocalStorage, "write", write)
            build(dataset(many, 1), out, storage_format=SHARDS)
            raise FileNotFoundError(2, "No such file or directory")
        write(storage, name, data, sync=sync)

    monkeypatch.setattr(LocalStorage, "write", swept)
    assert build(dataset(many, 1), out, storage_format=SHARDS).digest == whole.digest
    assert sorted(os.listdir(out)) == sorted(os.listdir(tmp_path / "whole"))


def test_a_missing_file_is_no_race_when_nobody_finished(many, tmp_path, monkeypatch):
    def lost(job, shard):
        raise FileNotFoundError(2, "No such file or directory", "lost")

    monkeypatch.setattr(building, "do_shard", lost)
    with pytest.raises(FileNotFoundError):
        build(dataset(many, 1), tmp_path / "out")


def test_two_builds_of_one_folder_at_the_same_time_end_in_one_digest(many, tmp_path):
    whole = build(dataset(many, 8), tmp_path / "whole", storage_format=SHARDS)
    code = (
        "import sys\n"
        "from degrade.dataset.build import build\n"
        "from degrade.dataset.paired_dataset import PairedDataset\n"
        "from degrade.dataset.layout import StorageFormat\n"
        "pairs = PairedDataset(sys.argv[1], 'kuaishou-128', 7, 8)\n"
        "print(build(pairs, sys.argv[2], storage_format=StorageFormat(shard_images=16)).digest)\n"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(many), str(tmp_path / "out")],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    reported = [run.communicate(timeout=120)[0].strip() for run in runs]
    assert reported == [whole.digest] * 2
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert sorted(os.listdir(tmp_path / "out")) == sorted(os.listdir(tmp_path / "whole"))


@pytest.mark.parametrize(
    "storage_format",
    [
        TARS,
        StorageFormat(layout="webdataset", lq_format="qoi", hq_format="jxl", shard_images=7),
        StorageFormat(layout="webdataset", keep_small=True, hq="none", shard_images=16),
    ],
    ids=["png", "qoi and jxl", "small, no hq"],
)
def test_tar_files_have_the_same_bytes_for_any_number_of_workers_and_any_order(
    many, tmp_path, storage_format
):
    source = open_source(many)
    one = build(dataset(source, 2), tmp_path / "one", storage_format=storage_format)
    engine = Engine(2 if storage_format == TARS else 1)
    build(dataset(source, 2), tmp_path / "two", storage_format=storage_format, engine=engine)
    backwards = dataclasses.replace(source, keys=source.keys[::-1])
    three = build(dataset(backwards, 2), tmp_path / "three", storage_format=storage_format)
    assert one.digest == three.digest
    assert len(contents(tmp_path / "one")) == -(-40 // storage_format.shard_images)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "three")


def test_the_digest_does_not_know_where_in_a_tar_file_a_pair_is(many, tmp_path):
    digests = {
        build(
            dataset(many, 1),
            tmp_path / level,
            storage_format=StorageFormat(
                layout="webdataset", lq_format="png", hq_format=level, hq="none"
            ),
        ).digest
        for level in ("png", "qoi")
    }
    assert len(digests) == 1


def test_equal_inputs_are_counted(photos, tmp_path):
    shutil.copy(photos / "z.png", photos / "zz.png")
    shutil.copy(photos / "z.png", photos / "zzz.png")
    first = build(dataset(photos), tmp_path / "out")
    assert first.copies == build(dataset(photos), tmp_path / "out").copies == 2


def test_inputs_whose_names_clash_have_a_row_each(photos, tmp_path):
    write_png(photos / "b_c.png", np.zeros((2, 2, 3), np.uint8))
    result = build(dataset(photos), tmp_path / "out", storage_format=SHARDS)
    assert result.counts == {"failed": 1, "ok": 10}
    (row,) = read_manifest(tmp_path / "out").failed
    assert row.key == "b_c-v00000"
    assert "would be stored under" in row.error


def test_a_build_killed_at_any_moment_is_finished_by_the_same_call(many, tmp_path):
    whole = build(dataset(many), tmp_path / "whole", storage_format=SHARDS)
    out = tmp_path / "out"
    code = (
        "import sys\n"
        "from degrade.dataset.build import build\n"
        "from degrade.executors import Engine\n"
        "from degrade.dataset.paired_dataset import PairedDataset\n"
        "from degrade.dataset.layout import StorageFormat\n"
        "if __name__ == '__main__':\n"
        "    pairs = PairedDataset(sys.argv[1], 'kuaishou-128', 7, 2)\n"
        "    size = StorageFormat(shard_images=16)\n"
        "    build(pairs, sys.argv[2], storage_format=size, engine=Engine(int(sys.argv[3])))\n"
    )
    for workers, shards in ((1, 1), (2, 1), (1, 2)):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(many), str(out), str(workers)],
            cwd=REPOSITORY,
            stderr=subprocess.DEVNULL,
        ) as process:
            deadline = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < deadline:
                if len(list((out / ".shards").glob("*.json"))) >= shards:
                    break
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
        for path in out.rglob("*.png"):
            read_image(path)  # whole under its final name, whenever it was killed
    result = build(dataset(many), out)
    assert result.digest == whole.digest
    assert contents(out) == contents(tmp_path / "whole")
    assert sorted(os.listdir(out)) == sorted(os.listdir(tmp_path / "whole"))


def test_a_finished_build_is_not_done_again(photos, tmp_path, monkeypatch):
    first = build(dataset(photos), tmp_path / "out")
    monkeypatch.setattr(building, "do_shard", None)
    again = build(dataset(photos), tmp_path / "out", jsonl=True)
    assert again.digest == first.digest
    assert again.resumed
    assert len((tmp_path / "out" / "pairs.jsonl").read_text().splitlines()) == 10


def test_inputs_that_cannot_be_used_have_rows_and_the_rest_is_done(photos, tmp_path):
    (photos / "text.png").write_text("hello")
    (photos / "cut.png").write_bytes((photos / "z.png").read_bytes()[:150])
    result = build(dataset(photos), tmp_path / "out")
    assert result.counts == {"failed": 2, "ok": 10}
    failed = read_manifest(tmp_path / "out").failed
    assert [(row.source, row.status) for row in failed] == [
        ("cut.png", "failed"),
        ("text.png", "failed"),
    ]
    assert failed[0].error.startswith("cut.png is damaged")
    assert failed[1].error == "text.png is not an image in a format that can be read"
    assert not list((tmp_path / "out").rglob("*text*"))


def test_jsonl_is_written_when_asked_for(photos, tmp_path):
    build(dataset(photos), tmp_path / "out", jsonl=True)
    lines = (tmp_path / "out" / "pairs.jsonl").read_text().splitlines()
    assert [json.loads(line)["key"] for line in lines] == [
        row.key for row in read_manifest(tmp_path / "out").rows
    ]


def test_a_copied_dataset_has_the_same_digest(photos, tmp_path):
    result = build(dataset(photos), tmp_path / "out")
    shutil.copytree(tmp_path / "out", tmp_path / "copy")
    assert read_manifest(tmp_path / "copy").digest() == result.digest


@pytest.mark.parametrize("recipe", ["kuaishou", "gfpgan"])
def test_extreme_shapes_pass_every_recipe(tmp_path, recipe):
    for name, shape in {"dot": (1, 1), "wide": (3, 20000), "tall": (20000, 3)}.items():
        write_png(tmp_path / "in" / f"{name}.png", np.full((*shape, 3), 90, np.uint8))
    result = build(PairedDataset(tmp_path / "in", recipe, 1, 4), tmp_path / "out")
    assert result.counts == {"ok": 12}


@pytest.mark.parametrize("layout", ["files", "webdataset"])
def test_names_with_colons_dots_and_marks_are_built_and_verified(tmp_path, layout):
    from degrade.dataset.verify import verify

    for name in ("at 10:30.png", "b.c.d.png", "e\u0301.png", "50% {x}.png", "new\nline.png"):
        write_png(tmp_path / "in" / name, np.full((8, 8, 3), 90, np.uint8))
    pairs = PairedDataset(tmp_path / "in", "gfpgan-128")
    build(pairs, tmp_path / "out", storage_format=StorageFormat(layout=layout))
    actual = verify(tmp_path / "out")
    assert (actual.good, actual.mismatches) == (5, ())


def test_a_store_that_fsspec_reaches_gets_the_same_files(many, tmp_path):
    import fsspec

    for number, storage_format in enumerate((SHARDS, TARS)):
        position = f"memory://build/{number}"
        local = build(dataset(many), tmp_path / str(number), storage_format=storage_format)
        remote = build(dataset(many), position, storage_format=storage_format)
        assert local.digest == remote.digest
        files = fsspec.filesystem("memory")
        names = [name for name in files.find(f"/build/{number}") if name.endswith((".png", ".tar"))]
        stored = {name.removeprefix(f"/build/{number}/"): files.cat(name) for name in names}
        assert stored == contents(tmp_path / str(number))
        assert not files.exists(f"/build/{number}/.shards")
