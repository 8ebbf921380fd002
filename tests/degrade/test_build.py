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

from degrade import build as building
from degrade.build import SHARD_IMAGES, build
from degrade.images import read_image, write_png
from degrade.manifest import read_manifest
from degrade.pairs import PairedDataset
from degrade.sources import ImageSource, open_source

REPOSITORY = Path(__file__).parents[2]


def dataset(photos, variants=2, seed=7):
    return PairedDataset(photos, "kuaishou-128", seed, variants)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for half in ("hq", "lq")
        for path in sorted((folder / half).rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def many(tmp_path):
    """Forty tiny pictures: three shards."""
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
    two = build(dataset(many, 1), tmp_path / "two", workers=2)
    assert one.digest == two.digest
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_the_order_of_the_source_does_not_matter(many, tmp_path):
    source = open_source(many)
    keys = list(source.keys)
    random.Random(3).shuffle(keys)
    shuffled = ImageSource(source.name, source.root, tuple(keys))
    one = build(dataset(source, 1), tmp_path / "one")
    two = build(dataset(shuffled, 1), tmp_path / "two")
    assert one.digest == two.digest
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_subset_has_the_same_rows_and_files(many, tmp_path):
    source = open_source(many)
    build(dataset(source, 1), tmp_path / "whole")
    build(dataset(ImageSource("x", many, source.keys[5:35:3]), 1), tmp_path / "part")
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
    whole = build(dataset(many), tmp_path / "whole")
    done = []

    class PowerCutError(Exception):
        pass

    def interrupt(shard):
        if len(done) == 1:
            building._image_rows(shard, shard.image_ids[0])  # a part of the second shard
            raise PowerCutError
        done.append(shard.index)
        return run_shard(shard)

    run_shard = building._run_shard
    monkeypatch.setattr(building, "_run_shard", interrupt)
    with pytest.raises(PowerCutError):
        build(dataset(many), tmp_path / "out")
    assert not (tmp_path / "out" / "metadata.parquet").exists()
    again = []
    monkeypatch.setattr(
        building, "_run_shard", lambda shard: again.append(shard.index) or run_shard(shard)
    )
    told = []
    result = build(dataset(many), tmp_path / "out", on_progress=told.append)
    assert (done, again) == ([0], [1, 2])
    assert told == [2 * SHARD_IMAGES, 2 * SHARD_IMAGES, 2 * (40 - 2 * SHARD_IMAGES)]
    assert result.resumed
    assert result.digest == whole.digest
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_markers_of_shards_of_another_size_are_not_believed(many, tmp_path, monkeypatch):
    whole = build(dataset(many, 1), tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(building, "SHARD_IMAGES", 5)
        patch.setattr(building, "_collect", None)
        with pytest.raises(TypeError):
            build(dataset(many, 1), tmp_path / "out")
    assert build(dataset(many, 1), tmp_path / "out").digest == whole.digest


def test_a_build_killed_at_any_moment_is_finished_by_the_same_call(many, tmp_path):
    whole = build(dataset(many), tmp_path / "whole")
    out = tmp_path / "out"
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from degrade.build import build\n"
        "from degrade.pairs import PairedDataset\n"
        "if __name__ == '__main__':\n"
        "    pairs = PairedDataset(sys.argv[1], 'kuaishou-128', 7, 2)\n"
        "    build(pairs, Path(sys.argv[2]), workers=int(sys.argv[3]))\n"
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
    monkeypatch.setattr(building, "_run_shard", None)
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


def test_names_with_colons_dots_and_marks_are_built_and_verified(tmp_path):
    from degrade.verify import verify_rows

    for name in ("at 10:30.png", "b.c.d.png", "e\u0301.png", "50% {x}.png", "new\nline.png"):
        write_png(tmp_path / "in" / name, np.full((8, 8, 3), 90, np.uint8))
    build(PairedDataset(tmp_path / "in", "gfpgan-128"), tmp_path / "out")
    rows = read_manifest(tmp_path / "out").rows
    assert verify_rows(tmp_path / "out", rows) == (5, [])
