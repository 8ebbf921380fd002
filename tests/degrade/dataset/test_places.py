from pathlib import Path

import fsspec
import pytest

from degrade.dataset.build import build
from degrade.dataset.layout import StorageFormat
from degrade.dataset.lock import claim
from degrade.dataset.paired_dataset import PairedDataset
from degrade.dataset.shard_worker import do_shard
from degrade.dataset.shards import cut, job_of
from degrade.dataset.storage import LocalStorage
from degrade.errors import DatasetError
from degrade.executors import Engine


@pytest.fixture
def dataset(photos):
    return PairedDataset(photos, "kuaishou-128", 7)


def begun(dataset, out):
    """Return the job of a build that has begun, and its first shard."""
    storage_format = claim(LocalStorage(out), dataset, StorageFormat())
    return job_of(dataset, LocalStorage(out), storage_format), next(cut(dataset, 3))


def test_a_machine_without_the_pictures_stops_in_place_of_failing_each(dataset, photos, tmp_path):
    job, shard = begun(dataset, tmp_path / "out")
    photos.rename(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match=r"photos is gone, or not the same folder on \S+: give"):
        do_shard(job, shard)
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["run.json"]


def test_a_machine_that_has_another_folder_there_writes_nothing(dataset, tmp_path):
    job, shard = begun(dataset, tmp_path / "out")
    (tmp_path / "out/run.json").unlink()
    with pytest.raises(DatasetError, match="out is gone, or not the same folder") as caught:
        do_shard(job, shard)
    assert caught.value.exit_code == 1
    assert not list((tmp_path / "out").iterdir())


def test_relative_places_are_made_absolute_for_other_processes(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = PairedDataset("photos", "kuaishou-128", 7)
    job, shard = begun(dataset, tmp_path / "out")
    elsewhere = job_of(dataset, LocalStorage(Path("out")), job.storage_format)
    (tmp_path / "another").mkdir()
    monkeypatch.chdir(tmp_path / "another")
    assert do_shard(elsewhere, shard).pairs == 3
    assert len(list((tmp_path / "out/lq").rglob("*.png"))) == 3


@pytest.mark.parametrize("engine", [Engine(2), Engine(scheduler="tcp://127.0.0.1:1")])
def test_memory_is_refused_for_other_processes_before_they_are_started(dataset, engine):
    with pytest.raises(DatasetError, match="memory://pairs is of this process alone"):
        build(dataset, "memory://pairs", engine=engine)
    assert not fsspec.filesystem("memory").exists("/pairs")
