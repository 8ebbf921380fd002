from __future__ import annotations

import csv

import numpy as np
import pytest

from bench.runner.run import run
from bench.suite.suite import Suite
from degrade.errors import UserError
from degrade.images import write_png

distributed = pytest.importorskip("distributed", reason="the extra [dask] is not installed")


def suite(dataset):
    return Suite("x", (dataset,), ("kuaishou", "gfpgan"), ("bilateral",), ("psnr",), variants=2)


def values(folder):
    with (folder / "rows.csv").open(newline="") as file:
        return [line for line in csv.DictReader(file) if line["metric"] != "seconds"]


@pytest.mark.slow  # starts two processes that import everything
def test_a_clusters_workers_find_what_one_process_finds(tmp_path, monkeypatch):
    import torch  # noqa: F401  # as whoever calls from Python may have; no worker needs it here

    source = np.random.Generator(np.random.Philox(1))
    (tmp_path / "faces").mkdir()
    for name in "abc":
        coarse = source.integers(0, 256, (4, 4, 3)).astype(np.uint8)
        image = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
        write_png(tmp_path / "faces" / f"{name}.png", image)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, dashboard_address=":0"
    ) as cluster:
        # A relative folder means nothing to workers that were started elsewhere.
        monkeypatch.chdir(tmp_path)
        alone = run(suite("faces"), "alone")
        address, kept = cluster.scheduler_address, tmp_path / "cache"
        both = run(suite("faces"), "both", scheduler=address, cache=kept)
        again = run(suite("faces"), "again", cache=kept)
    assert alone.failed == both.failed == 0
    assert values(tmp_path / "both") == values(tmp_path / "alone")
    assert values(tmp_path / "again") == values(tmp_path / "alone")
    timed = [row for row in again.rows if row.metric == "seconds"]
    assert len(timed) == 2 * 2 * 3 * 2
    assert all("from the cache" in row.detail for row in timed)


def test_a_scheduler_that_is_not_there_is_one_line(tmp_path):
    (tmp_path / "faces").mkdir()
    write_png(tmp_path / "faces" / "a.png", np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(UserError, match=r"scheduler file .*none.json"):
        run(suite(str(tmp_path / "faces")), tmp_path / "x", scheduler=str(tmp_path / "none.json"))
