"""Builds from and to an object store over HTTP, and memory: the digest of the local build."""

import json

import fsspec
import pytest
from interruptions import arguments, degrade, make_photos, outcome, stored_files

from degrade.dataset.build import build
from degrade.dataset.layout import StorageFormat
from degrade.dataset.paired_dataset import PairedDataset

pytest.importorskip("s3fs", reason="reads and writes s3://")
pytest.importorskip("moto", reason="its server is the object store")

from object_store import object_store


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return make_photos(tmp_path_factory.mktemp("photos"), count=8)


@pytest.fixture(scope="module")
def store(photos):
    with object_store("photos", "pairs") as started:
        started.upload(photos, "photos")
        yield started


@pytest.fixture(autouse=True)
def nothing_refused(request):
    yield
    if "store" in request.fixturenames:
        request.getfixturevalue("store").refused.clear()


@pytest.fixture(scope="module")
def local(photos, tmp_path_factory):
    """Where the dataset was built on this machine, and what came of it."""
    out = tmp_path_factory.mktemp("local") / "out"
    return out, outcome(degrade(*arguments(photos, out)), out)


def remote_build(store, name, *more):
    store.put.clear()
    inputs = arguments("s3://photos", f"s3://pairs/{name}", *more)
    return degrade(*inputs, **store.environment)


def test_from_a_store_to_a_store_it_is_the_digest_and_the_files_of_the_local_build(store, local):
    folder, built = local
    finished = remote_build(store, "whole")
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout)["digest"] == built.digest
    stored = store.download("pairs", "whole/")
    for path in stored_files(folder):
        assert stored[path.relative_to(folder).as_posix()] == path.read_bytes()
    assert not [name for name in stored if name.startswith(".")]


def test_a_tar_file_is_one_put_with_the_bytes_of_the_local_one(store, photos, tmp_path):
    inputs = arguments(photos, tmp_path / "tar", "--format", "webdataset")
    built = outcome(degrade(*inputs), tmp_path / "tar")
    finished = remote_build(store, "tar", "--format", "webdataset")
    assert json.loads(finished.stdout)["digest"] == built.digest
    tars = [name for name in store.put if name.endswith(".tar")]
    assert len(tars) == len(set(tars)) == 3
    stored = store.download("pairs", "tar/")
    for path in stored_files(tmp_path / "tar"):
        assert stored[path.relative_to(tmp_path / "tar").as_posix()] == path.read_bytes()


def test_two_processes_on_a_store_give_the_same_digest(store, local):
    finished = remote_build(store, "two", "--workers", 2)
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout)["digest"] == local[1].digest


@pytest.fixture(scope="module")
def order(store):
    """The names that a build in one process stores, in the order in which it does."""
    assert remote_build(store, "order").returncode == 0
    return [name.removeprefix("pairs/order/") for name in store.put]


@pytest.mark.parametrize(
    ("what", "answer"),
    [
        ("an image", "403 Forbidden"),
        ("an image", "507 Insufficient Storage"),
        ("a marker", "403 Forbidden"),
        ("the manifest", "403 Forbidden"),
    ],
)
def test_a_refused_put_is_one_line_without_its_marker_and_the_next_run_ends_it(
    store, local, order, what, answer
):
    name = f"{what}-{answer[:3]}".replace(" ", "-")
    chosen = {
        "an image": next(entry for entry in reversed(order) if entry.startswith("lq/")),
        "a marker": next(entry for entry in order if entry.startswith(".shards/")),
        "the manifest": "metadata.parquet",
    }[what]
    position = order.index(chosen) + 1
    store.refused = {position: answer}
    finished = remote_build(store, name)
    lines = [line for line in finished.stderr.splitlines() if not line.startswith("building ")]
    assert finished.returncode == 1
    assert len(lines) == 1, finished.stderr
    assert f"s3://pairs/{name}/{chosen}: " in lines[0]
    stored = store.download("pairs", f"{name}/")
    assert chosen not in stored
    assert "metadata.parquet" not in stored
    markers = [entry for entry in stored if entry.startswith(".shards/")]
    assert len(markers) == {"an image": 2, "a marker": 0, "the manifest": 3}[what]
    store.refused = {}
    finished = remote_build(store, name)
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout)["digest"] == local[1].digest
    again = store.download("pairs", f"{name}/")
    assert {key: again[key] for key in again if key.endswith(".png")} == {
        path.relative_to(local[0]).as_posix(): path.read_bytes() for path in stored_files(local[0])
    }


def test_a_store_that_is_busy_for_a_moment_is_asked_again(store, local):
    store.refused = {5: "503 Service Unavailable", 6: "503 Service Unavailable"}
    finished = remote_build(store, "busy")
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout)["digest"] == local[1].digest
    assert sum(name.startswith("refused ") for name in store.put) == 2


def test_a_changed_seed_is_refused_on_a_store_too(store):
    assert remote_build(store, "seeds").returncode == 0
    finished = remote_build(store, "seeds", "--seed", 8)
    assert finished.returncode == 2
    assert "changed: seed (7 → 8)" in finished.stderr


def test_a_bucket_that_does_not_exist_is_one_line(store, photos):
    finished = degrade(*arguments(photos, "s3://nowhere/out"), **store.environment)
    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1].endswith("The specified bucket does not exist")
    assert "Traceback" not in finished.stderr


def test_memory_gives_the_digest_of_the_local_build(photos, local):
    memory = fsspec.filesystem("memory")
    memory.put(f"{photos}/", "/photos-in-memory/", recursive=True)
    try:
        dataset = PairedDataset("memory://photos-in-memory", "kuaishou-128", 7, 2)
        result = build(dataset, "memory://pairs", storage_format=StorageFormat(shard_images=3))
        assert result.digest == local[1].digest
    finally:
        memory.rm("/", recursive=True)


def test_the_marker_of_a_shard_is_put_after_its_files_and_everything_only_once(order):
    assert len(set(order)) == len(order)
    assert not [name for name in order if name.endswith(".part")]
    markers = [position for position, name in enumerate(order) if name.startswith(".shards/")]
    assert len(markers) == 3  # nine inputs, three in each shard
    begin = order.index("run.json") + 1
    for position in markers:
        assert position > begin
        assert all(name.startswith(("hq/", "lq/")) for name in order[begin:position])
        begin = position + 1
    assert order[-1] == "metadata.parquet"
