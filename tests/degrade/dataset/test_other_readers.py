"""A built dataset in the hands of those who read it: the very packages, or the rule of one."""

import gc
import os
import warnings

import numpy as np
import pytest

from degrade.dataset.build import build
from degrade.dataset.layout import StorageFormat
from degrade.dataset.paired_dataset import PairedDataset


@pytest.fixture
def virtual(photos):
    return PairedDataset(photos, "gfpgan-128", 7, variants=2)


def by_key(pairs):
    return {pair.key: pair for pair in pairs}


def hugging_face(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of importing it and what it imports
        return pytest.importorskip("datasets", reason="Hugging Face's datasets is not installed")


def load(datasets, *arguments, **options):
    with warnings.catch_warnings():
        # Its own temporary files and multiprocessing locks, not ours.
        warnings.simplefilter("ignore")
        datasets.disable_progress_bars()
        return datasets.load_dataset(*arguments, split="train", **options)


@pytest.mark.parametrize("how", ["imagefolder", None], ids=["as imagefolder", "by its look"])
def test_hugging_face_sees_two_columns_of_images(virtual, tmp_path, monkeypatch, how):
    datasets = hugging_face(monkeypatch, tmp_path)
    build(virtual, tmp_path / "out", jsonl=False)
    position = {"data_dir": str(tmp_path / "out")} if how else {}
    loaded = load(
        datasets, how or str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"), **position
    )
    assert {"hq", "lq", "key", "plan"} <= set(loaded.column_names)
    expected = by_key(virtual)
    assert len(loaded) == len(expected)
    for record in loaded:
        pair = expected.pop(record["key"])
        assert np.array_equal(np.asarray(record["hq"]), pair.hq)
        assert np.array_equal(np.asarray(record["lq"]), pair.lq)
        assert record["plan"] == pair.plan.to_json()


def test_hugging_face_reads_the_tar_files(virtual, tmp_path, monkeypatch):
    datasets = hugging_face(monkeypatch, tmp_path)
    build(
        virtual, tmp_path / "out", storage_format=StorageFormat(layout="webdataset", shard_images=2)
    )
    loaded = load(
        datasets,
        "webdataset",
        data_files={"train": str(tmp_path / "out" / "shards" / "*.tar")},
        cache_dir=str(tmp_path / "cache"),
    )
    expected = by_key(virtual)
    assert len(loaded) == len(expected)
    for record in loaded:
        pair = expected.pop(record["__key__"])
        assert np.array_equal(np.asarray(record["hq.png"]), pair.hq)
        assert np.array_equal(np.asarray(record["lq.png"]), pair.lq)
        assert record["json"]["plan"]["recipe"] == "gfpgan-128"


# webdataset 1.0.2 leaves the last tar file of a list to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*shard-0000.*:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed file.*shard-0000.*:ResourceWarning")
def test_webdataset_reads_the_tar_files(virtual, tmp_path):
    webdataset = pytest.importorskip("webdataset", reason="webdataset is not installed")
    build(
        virtual, tmp_path / "out", storage_format=StorageFormat(layout="webdataset", shard_images=2)
    )
    urls = str(tmp_path / "out" / "shards" / "shard-{000000..000002}.tar")
    loaded = webdataset.WebDataset(urls, shardshuffle=False).decode("rgb8")
    observed = []
    expected = by_key(virtual)
    for record in loaded:
        pair = expected[record["__key__"]]
        assert np.array_equal(record["hq.png"], pair.hq)
        assert np.array_equal(record["lq.png"], pair.lq)
        assert record["json"]["lq_size"] == list(pair.lq.shape[:2])
        observed.append(record["__key__"])
    assert observed == sorted(expected)
    del loaded, record
    gc.collect()  # so that the warning comes here


def paired_as_basicsr_does(lq_folder, hq_folder):
    """Yield ``(lq path, hq path)`` by the rule of `paired_paths_from_folder`.

    XPixelGroup/BasicSR @6846f16, basicsr/data/data_util.py: as many files in either folder, not
    looking into folders below; to each HQ file the LQ file of the same name with the same ending.
    (BasicSR itself does not import beside today's torchvision.)
    """
    lq_names, hq_names = ([entry.name for entry in os.scandir(folder) if entry.is_file()]
                          for folder in (lq_folder, hq_folder))  # fmt: skip
    assert len(lq_names) == len(hq_names)
    for name in hq_names:
        stem, ending = os.path.splitext(name)
        assert f"{stem}{ending}" in lq_names
        yield lq_folder / f"{stem}{ending}", hq_folder / name


def test_basicsr_pairs_the_two_folders(photos, tmp_path):
    import cv2

    virtual = PairedDataset(photos / "sub", "gfpgan-128", 7, variants=2)
    build(virtual, tmp_path / "out")
    expected = by_key(virtual)
    for lq_path, hq_path in paired_as_basicsr_does(
        tmp_path / "out" / "lq", tmp_path / "out" / "hq"
    ):
        pair = expected.pop(hq_path.stem)
        for half, path in ((pair.hq, hq_path), (pair.lq, lq_path)):
            # As its imfrombytes does.
            data = np.frombuffer(path.read_bytes(), np.uint8)
            image = cv2.imdecode(data, cv2.IMREAD_COLOR)
            assert np.array_equal(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), half)
    assert not expected
