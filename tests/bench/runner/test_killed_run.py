"""A run that is killed without warning, as by ``kill -9``, and what the next one makes of it."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from bench.runner.run import run
from bench.store.record import load_run
from bench.suite.suite import Suite
from degrade.images import write_png

CODE = """
import sys
from bench.runner.run import run
from bench.suite.suite import Suite

if __name__ == "__main__":
    run(Suite("x", (sys.argv[1],), ("gfpgan",), ("nlmeans",), ("psnr", "ssim")), sys.argv[2],
        workers=int(sys.argv[3]), batch=int(sys.argv[4]))
"""


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    source = np.random.Generator(np.random.Philox(1))
    for number in range(12):
        coarse = source.integers(0, 256, (6, 6, 3)).astype(np.uint8)
        write_png(folder / f"{number}.png", np.kron(coarse, np.ones((32, 32, 1), np.uint8)))
    return folder


def suite(faces):
    return Suite("x", (str(faces),), ("gfpgan",), ("nlmeans",), ("psnr", "ssim"))


@pytest.fixture(scope="module")
def whole(faces, tmp_path_factory):
    """A run that nobody killed."""
    return run(suite(faces), tmp_path_factory.mktemp("whole") / "run")


def values(folder):
    with (folder / "rows.csv").open(newline="") as file:
        return [line for line in csv.DictReader(file) if line["metric"] != "seconds"]


def lines(out):
    path = out / "rows.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="kills a group of processes")
@pytest.mark.parametrize(
    ("workers", "batch"), [(1, 1), (1, 5), pytest.param(2, 1, marks=pytest.mark.slow)]
)
def test_a_killed_run_goes_on_with_what_it_had(faces, whole, tmp_path, workers, batch):
    script, out = tmp_path / "go.py", tmp_path / "cut"
    script.write_text(CODE)
    command = [sys.executable, str(script), str(faces), str(out), str(workers), str(batch)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while lines(out) < 12 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    before = lines(out)
    assert 12 <= before < len(whole.rows), "killed too early or too late to show anything"
    assert not load_run(out).complete
    done = run(suite(faces), out, workers=workers, batch=batch)
    assert done.complete
    assert values(out) == values(whole.folder)
    # What was there is not written once more: a line a row, but for one that was torn.
    assert len(whole.rows) <= lines(out) <= len(whole.rows) + 1
    assert len(json.loads((out / "run.json").read_text())["resumed"]) == 1
