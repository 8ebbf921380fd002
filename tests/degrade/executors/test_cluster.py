import errno
import math
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial

import cluster_tasks
import pytest

from degrade.dataset.build import build
from degrade.dataset.layout import StorageFormat
from degrade.dataset.paired_dataset import PairedDataset
from degrade.errors import ImageError, UserError
from degrade.executors import Engine, cluster, run_tasks
from degrade.executors.worker import describe_difference, installed_versions, run_checked
from degrade.images import decode_image

distributed = pytest.importorskip("distributed", reason="the extra [dask] is not installed")


@pytest.fixture(scope="module")
def two_workers():
    """A cluster of two processes with a thread each, on this machine."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0"
    ) as started:
        yield started


@pytest.fixture
def engine(two_workers):
    with distributed.Client(two_workers, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=30)  # an earlier test may have killed one
    return Engine(scheduler=two_workers.scheduler_address)


def test_every_task_is_done_once_on_a_cluster(engine):
    expected = sorted(math.factorial(n) for n in range(40))
    assert sorted(run_tasks(math.factorial, range(40), engine)) == expected
    assert list(run_tasks(math.factorial, [], engine)) == []


def test_equal_tasks_are_each_done(engine):
    assert len(list(run_tasks(math.factorial, [5] * 7, engine))) == 7


def test_arguments_reach_the_worker_as_they_are(engine):
    tasks = [("a", {"b": [1, (2, 3)]}), [("x", "y")], {"key": ("k", 0)}]
    assert sorted(run_tasks(repr, tasks, engine)) == sorted(map(repr, tasks))


def test_the_window_slides_and_results_are_forgotten_as_they_come(two_workers, engine):
    taken = []

    def tasks():
        for number in range(60):
            taken.append(number)
            yield number

    results = run_tasks(math.factorial, tasks(), engine)
    for count in range(1, 31):
        next(results)
        assert len(taken) <= count + 8
    deadline = time.monotonic() + 5
    while len(two_workers.scheduler.tasks) > 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(two_workers.scheduler.tasks) <= 8
    results.close()
    deadline = time.monotonic() + 5
    while two_workers.scheduler.tasks and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not two_workers.scheduler.tasks


def test_errors_of_a_cluster_arrive_as_they_were(engine):
    with pytest.raises(ValueError, match="negative"):
        list(run_tasks(math.factorial, [-1], engine))
    with pytest.raises(OSError, match="nowhere") as caught:
        list(run_tasks(os.stat, ["/nowhere"], engine))
    assert caught.value.errno == errno.ENOENT
    with pytest.raises(ImageError, match="broken"):
        list(run_tasks(partial(decode_image, b"broken"), ["broken"], engine))


def test_an_attempt_that_failed_is_made_again(engine, tmp_path):
    results = run_tasks(cluster_tasks.fail_the_first_time, [tmp_path / "failed"], engine)
    assert list(results) == ["done"]


def test_workers_of_a_cluster_have_one_thread_for_each_library(engine):
    names = ["OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"]
    assert list(run_tasks(os.getenv, names, engine)) == ["1", "1", "1"]


def test_the_task_of_a_killed_worker_is_done_by_another(engine, tmp_path):
    tasks = [tmp_path / "died", *[tmp_path / "died"] * 5]
    assert len(list(run_tasks(cluster_tasks.die_the_first_time, tasks, engine))) == 6


def test_a_task_that_kills_every_worker_is_one_line(engine):
    with pytest.raises(UserError, match="workers died over the same task") as caught:
        list(run_tasks(os._exit, [9], engine))
    assert caught.value.exit_code == 1


def test_other_versions_on_a_worker_are_told_before_anything_is_done(engine, monkeypatch):
    here = {**installed_versions(), "numba": "0.1"}
    monkeypatch.setattr(cluster, "installed_versions", lambda: here)
    with pytest.raises(UserError, match=r"tcp://\S+ would give .*numba 0\.1 here, \d\S+ there"):
        list(run_tasks(math.factorial, [3], engine))


def test_a_worker_that_joins_late_with_other_versions_refuses_its_tasks():
    assert run_checked(math.factorial, installed_versions(), 3) == 6
    with pytest.raises(UserError, match=r"would give other bytes: numpy 1\.0 here"):
        run_checked(math.factorial, {**installed_versions(), "numpy": "1.0"}, 3)


def test_a_difference_names_what_differs_and_nothing_else():
    here = {"a": "1", "b": "2"}
    assert describe_difference(here, dict(here)) == ""
    assert describe_difference(here, {"a": "1", "b": "3"}) == "b 2 here, 3 there"
    assert describe_difference(here, {"a": "1", "c": "3"}) == (
        "b 2 here, unknown there; c unknown here, 3 there"
    )


def test_versions_name_the_sources_and_everything_that_makes_pixels():
    actual = installed_versions()
    assert "sources " in actual["relume"]
    assert {"numpy", "numba", "imagecodecs"} <= actual.keys()
    assert "not installed" not in actual.values()


def test_a_worker_without_relume_is_one_line(two_workers, engine):
    with distributed.Client(two_workers, set_as_default=False) as client:
        client.run(cluster_tasks.forget_relume)
        try:
            with pytest.raises(UserError, match=r"tcp://\S+ lacks the package relume"):
                list(run_tasks(math.factorial, [3], engine))
        finally:
            client.run(cluster_tasks.remember_relume)


def test_a_task_whose_package_is_missing_on_the_worker_is_one_line(engine):
    with pytest.raises(UserError, match="lacks the package nowhere_to_be_found"):
        list(run_tasks(__import__, ["nowhere_to_be_found"], engine))


def test_a_cluster_without_workers_is_one_line(monkeypatch):
    monkeypatch.setattr(cluster, "_WORKER_SECONDS", 0.2)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        pytest.raises(UserError, match=r"no worker for 0\.2 seconds: start some") as caught,
    ):
        list(run_tasks(math.factorial, [3], Engine(scheduler=empty.scheduler_address)))
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("listening", [True, False])
def test_a_scheduler_that_does_not_answer_is_one_line_in_time(monkeypatch, listening):
    monkeypatch.setattr(cluster, "_ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        if not listening:
            silent.close()
        start = time.monotonic()
        with pytest.raises(UserError, match="does not answer within"):
            list(run_tasks(math.factorial, [3], Engine(scheduler=f"tcp://127.0.0.1:{port}")))
        assert time.monotonic() - start < 5


def test_addresses_that_are_none_are_one_line(two_workers, tmp_path):
    worker = next(iter(two_workers.scheduler.workers))
    (tmp_path / "text").write_text("hello")
    (tmp_path / "list").write_text("[]")
    for scheduler, message in {
        "carrier-pigeon://host": "not a scheduler's address: unknown address scheme",
        "tls://127.0.0.1:8786": "needs a certificate",
        worker: "is a worker, not a scheduler",
        str(tmp_path / "none.json"): "there is not a scheduler file",
        str(tmp_path / "text"): "it has no address",
        str(tmp_path / "list"): "it has no address",
    }.items():
        with pytest.raises(UserError, match=message):
            list(run_tasks(math.factorial, [3], Engine(scheduler=scheduler)))


@contextmanager
def started_by_hand(file):
    """Start a scheduler and a worker as a person would; yields the scheduler's process."""
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    one_process = ["--no-nanny", "--nthreads", "1", "--death-timeout", "1"]
    with subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", *common],
        stderr=subprocess.DEVNULL,
    ) as scheduler:
        deadline = time.monotonic() + 30
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        with subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_worker", *one_process, *common],
            stderr=subprocess.DEVNULL,
        ) as worker:
            try:
                yield scheduler
            finally:
                worker.kill()
                scheduler.kill()


def test_a_scheduler_file_is_an_address_and_a_lost_scheduler_is_one_line(tmp_path):
    with started_by_hand(tmp_path / "scheduler.json") as scheduler:
        engine = Engine(scheduler=str(tmp_path / "scheduler.json"))
        results = run_tasks(time.sleep, [0, 0, *[0.05] * 200], engine)
        next(results)
        scheduler.send_signal(signal.SIGKILL)
        start = time.monotonic()
        with pytest.raises(UserError, match=r"connection to the scheduler at tcp://.* was lost"):
            list(results)
        assert time.monotonic() - start < 10


def test_a_build_on_a_cluster_means_the_folders_of_the_one_who_asked(engine, photos, monkeypatch):
    monkeypatch.chdir(photos.parent)  # the workers began elsewhere
    dataset = PairedDataset("photos", "kuaishou-128", 7, 2)
    whole = build(dataset, photos.parent / "whole", storage_format=StorageFormat(shard_images=2))
    result = build(dataset, "out", storage_format=StorageFormat(shard_images=2), engine=engine)
    assert result.digest == whole.digest
    assert len(list((photos.parent / "out/lq").rglob("*.png"))) == 10
