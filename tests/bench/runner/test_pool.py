from __future__ import annotations

import csv

import pytest
from skimage import data

from bench.runner import pool
from bench.runner.pool import WorkerSetup
from bench.runner.run import run
from bench.store.features import read_vectors
from bench.suite.suite import Suite
from degrade.errors import UserError
from degrade.images import write_png
from zoo.restorers.placement import Placement


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    for number, name in enumerate("abc"):
        right = 120 + 7 * number
        write_png(folder / f"{name}.png", data.astronaut()[10:202, right : right + 192])
    return folder


def suite(faces, metrics):
    return Suite(
        "x", (str(faces),), ("kuaishou-128", "gfpgan-128"), ("bilateral",), metrics,
        variants=2, reference=str(faces),
    )  # fmt: skip


def values(folder):
    with (folder / "rows.csv").open(newline="") as file:
        return [line for line in csv.DictReader(file) if line["metric"] != "seconds"]


def vectors(folder):
    found = {}
    for path in sorted((folder / "features").rglob("*.npz")):
        found[path.relative_to(folder)] = {k: v.tobytes() for k, v in read_vectors(path).items()}
    return found


def test_a_worker_with_another_version_of_a_library_is_refused(faces, tmp_path):
    setting = WorkerSetup(suite(faces, ("psnr",)), str(tmp_path), None, None, (("numpy", "0.1"),))
    with pytest.raises(UserError, match=r"would give other values: numpy 0\.1 here, .* there"):
        pool._opened(setting)


WITHOUT_TORCH = ("psnr",)
OF_NETWORKS = ("psnr", "ms_ssim", "perceptual_efficientnet", "identity_dlib_strict",
               "kd_efficientnet", "fd_efficientnet")  # fmt: skip


@pytest.mark.parametrize(
    "metrics", [WITHOUT_TORCH, pytest.param(OF_NETWORKS, marks=pytest.mark.slow)]
)
def test_two_processes_go_on_where_one_stopped_and_find_what_it_finds(faces, metrics, tmp_path):
    alone = run(suite(faces, metrics), tmp_path / "one", threads=1)
    assert alone.failed == 0
    of_sets = sum(name.endswith("d_efficientnet") for name in metrics)
    rows = values(tmp_path / "one")
    assert len(rows) == 2 * 2 * (3 * 2 * (len(metrics) - of_sets) + of_sets)
    assert all(row["value"] for row in rows)
    # The second session finds the rows of one photograph, no set, no vectors.
    lines = (tmp_path / "one" / "rows.jsonl").read_text().splitlines(keepends=True)
    kept = "".join(lines[: len(lines) // 3])
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "rows.jsonl").write_text(kept)
    (tmp_path / "two" / "run.json").write_bytes((tmp_path / "one" / "run.json").read_bytes())
    both = run(suite(faces, metrics), tmp_path / "two", threads=1, workers=2)
    assert both.failed == 0
    assert values(tmp_path / "two") == values(tmp_path / "one")
    assert vectors(tmp_path / "two") == vectors(tmp_path / "one")
    # The digests of the pixels, and the plans, of what several processes saw.
    assert both.record["conditions"] == alone.record["conditions"]
    plans = [(tmp_path / name / "plans.jsonl").read_bytes() for name in ("one", "two")]
    assert plans[0] == plans[1]
    assert len(vectors(tmp_path / "two")) == bool(of_sets) * (1 + 2 * 2)
    assert (tmp_path / "two" / "rows.jsonl").read_text().startswith(kept)


def test_a_task_holds_the_photographs_that_fill_batches():
    each_two = [(2 * n, 2 * n + 1) for n in range(7)]  # 2 versions × 3 conditions: 6 images
    tasks = list(pool._in_tasks(each_two, 3, 4))
    assert [len(task) for task in tasks] == [2, 2, 2, 1]
    assert [indices for task in tasks for indices in task] == each_two
    assert [len(task) for task in pool._in_tasks(each_two, 3, 1)] == [1] * 7
    # No number of 6 images fills batches of 7 before 7 of them do; 8 batches are enough.
    assert [len(task) for task in pool._in_tasks(each_two, 3, 7)] == [7]
    assert len(next(pool._in_tasks([(0,)] * 99, 63, 64))) == 9


@pytest.mark.slow  # starts two processes that import everything
def test_two_processes_with_batches_find_what_one_finds(faces, tmp_path):
    alone = run(suite(faces, ("psnr",)), tmp_path / "one", batch=3)
    both = run(suite(faces, ("psnr",)), tmp_path / "two", batch=3, workers=2)
    assert alone.failed == both.failed == 0
    assert values(tmp_path / "two") == values(tmp_path / "one")
    assert both.record["placement"]["batch"] == 3


def test_a_worker_without_the_device_is_refused(faces, tmp_path):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    setting = WorkerSetup(
        suite(faces, ("psnr",)), str(tmp_path), None, placement=Placement("cuda:0")
    )
    with pytest.raises(UserError, match="no device 'cuda:0' here"):
        pool._opened(setting)
