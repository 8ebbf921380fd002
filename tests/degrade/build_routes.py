"""Every way to the same dataset: engines, orders, parts, places and interruptions.

`ROUTES` is shared by test_one_digest.py and by digest_table.py, which prints it for the README.
"""

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import fsspec
from interruptions import (
    Built,
    arguments,
    can_mount,
    degrade,
    digest_of_files,
    finish,
    kill_often,
    mounted,
    outcome,
    start,
)

from degrade.dataset import build as building
from degrade.dataset.layout import StorageFormat
from degrade.dataset.paired_dataset import PairedDataset
from degrade.executors import Engine

__all__ = [
    "ROUTES",
    "NotHere",
    "Route",
    "Scene",
    "disturbed",
    "inline",
    "kill_a_worker",
    "wait_for_markers",
]


class NotHere(Exception):  # noqa: N818  # no error, but an answer: this machine lacks something
    """A route that cannot be taken on this machine, and why."""


@dataclass(frozen=True)
class Scene:
    """What a route starts from: photographs, an empty folder to work in, the layout."""

    photos: Path
    folder: Path
    layout: str = "files"

    def given(self, *more, out=None):
        """Return the arguments of the build."""
        out = out or self.folder / "out"
        return arguments(self.photos, out, "--format", self.layout, *more)

    def built(self, *more):
        """Run the build and return what it came to."""
        return outcome(degrade(*self.given(*more)), self.folder / "out")

    def dataset(self, source=None):
        """Return the dataset that the command would build."""
        return PairedDataset(source or self.photos, "kuaishou-128", 7, 2)

    @property
    def storage_format(self):
        """The way of storing that the command would use."""
        return StorageFormat(layout=self.layout, shard_images=3)


@dataclass(frozen=True)
class Route:
    """A way to build; ``take`` returns what each finished build on it came to."""

    take: Callable[[Scene], list[Built]]
    slow: bool = False


def inline(scene):
    result = building.build(
        scene.dataset(), scene.folder / "out", storage_format=scene.storage_format, engine=Engine(0)
    )
    return [Built(result.digest, digest_of_files(scene.folder / "out"))]


def shuffled(scene):
    run_tasks, order = building.run_tasks, random.Random(3)

    def in_any_order(function, tasks, engine):
        tasks = list(tasks)
        order.shuffle(tasks)
        return run_tasks(function, tasks, engine)

    with mock.patch.object(building, "run_tasks", in_any_order):
        return inline(scene)


def processes(count):
    return lambda scene: [scene.built("--workers", count)]


@contextmanager
def dask_cluster(workers, threads):
    try:
        from distributed import LocalCluster
    except ImportError:
        raise NotHere("the extra [dask] is not installed") from None
    with LocalCluster(
        n_workers=workers, threads_per_worker=threads, dashboard_address=":0"
    ) as cluster:
        yield cluster


def on_dask(workers, threads):
    def take(scene):
        with dask_cluster(workers, threads) as cluster:
            return [scene.built("--scheduler", cluster.scheduler_address)]

    return take


def on_dask_with_a_killed_worker(scene):
    with dask_cluster(2, 1) as cluster:
        process = start(*scene.given("--scheduler", cluster.scheduler_address))
        wait_for_markers(process, scene.folder / "out", 1)
        os.kill(cluster.workers[0].pid, signal.SIGKILL)
        return [outcome(finish(process), scene.folder / "out")]


def wait_for_markers(process, out, count):
    """Wait until a build has finished that many shards, and is still at work."""
    while len(list((out / ".shards").glob("*.json"))) < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)


def in_parts(*parts):
    def take(scene):
        done = [degrade(*scene.given("--shards", part)) for part in parts]
        assert all(json.loads(one.stdout)["missing_shards"] for one in done[:-1]), done
        return [outcome(done[-1], scene.folder / "out")]

    return take


def parts_at_once(scene):
    together = [start(*scene.given("--shards", f"{index}/3")) for index in (1, 2, 3)]
    for process in together:
        done = finish(process)
        assert done.returncode == 0, done.stderr
    return [scene.built()]


def killed_often(*more):
    def take(scene):
        return kill_often(scene.given(*more), scene.folder / "out", 50)

    return take


def full_disk(scene):
    if not can_mount():
        raise NotHere("only root may mount a small file system")
    with mounted(scene.folder, "size=128k") as change:
        done = degrade(*scene.given())
        assert done.returncode == 2
        assert "the disk is full" in done.stderr
        change("size=16m")
        return [scene.built()]


def disturbed(scene, more, act):
    """Act on a build that has done a shard; returns its end. Begins anew if it was too quick."""
    for _ in range(20):
        process = start(*scene.given(*more))
        try:
            wait_for_markers(process, scene.folder / "out", 1)
            act(process)
        except (AssertionError, LookupError, OSError):  # it is over
            finish(process)
        else:
            done = finish(process)
            if done.returncode:
                return done
        shutil.rmtree(scene.folder / "out")
    raise AssertionError("every build was over before it could be disturbed")


def kill_a_worker(process):
    os.kill(worker_processes(process)[0], signal.SIGKILL)


def killed_worker(scene):
    assert disturbed(scene, ("--workers", 2), kill_a_worker).returncode == 1
    return [scene.built("--workers", 2)]


def worker_processes(process):
    """Return the process ids of a command's workers."""
    if not os.path.isdir("/proc"):
        raise NotHere("looks for workers in /proc")
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
        children = [int(word) for word in file.read().split()]
    return [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def press_ctrl_c(process):
    os.killpg(process.pid, signal.SIGINT)  # to every process of the command, as a terminal does


def interrupted(scene):
    assert disturbed(scene, ("--workers", 2), press_ctrl_c).returncode == 130
    return [scene.built("--workers", 2)]


def on_s3(*more):
    def take(scene):
        try:
            from object_store import object_store
        except ImportError:
            raise NotHere("moto and s3fs are not installed") from None
        with object_store("photos", "pairs") as store:
            store.upload(scene.photos, "photos")
            given = arguments("s3://photos", "s3://pairs/out", "--format", scene.layout, *more)
            done = degrade(*given, **store.environment)
            assert done.returncode == 0, done.stderr
            for name, data in store.download("pairs", "out/").items():
                path = scene.folder / "out" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        return [outcome(done, scene.folder / "out")]

    return take


def in_memory(scene):
    memory = fsspec.filesystem("memory")
    memory.put(f"{scene.photos}/", "/photos/", recursive=True)
    try:
        dataset = scene.dataset("memory://photos")
        result = building.build(dataset, "memory://pairs", storage_format=scene.storage_format)
        memory.get("/pairs/", f"{scene.folder / 'out'}/", recursive=True)
        return [Built(result.digest, digest_of_files(scene.folder / "out"))]
    finally:
        memory.rm("/", recursive=True)


ROUTES = {
    "inline, in Python": Route(inline),
    "inline, shards in shuffled order": Route(shuffled),
    "1 process (`--workers 1`)": Route(processes(1)),
    "2 processes": Route(processes(2)),
    "4 processes": Route(processes(4)),
    "Dask, 2 workers": Route(on_dask(2, 1)),
    "Dask, 1 worker with 4 threads": Route(on_dask(1, 4)),
    "Dask, 2 workers, one killed": Route(on_dask_with_a_killed_worker),
    "`--shards` 1/3, then 3/3, then 2/3": Route(in_parts("1/3", "3/3", "2/3")),
    "`--shards` 1/3, 2/3 and 3/3 at once": Route(parts_at_once),
    "`s3://` to `s3://`": Route(on_s3()),
    "`s3://` to `s3://`, 2 processes": Route(on_s3("--workers", 2)),
    "`memory://` to `memory://`": Route(in_memory),
    "Ctrl-C, then again": Route(interrupted),
    "a worker process killed, then again": Route(killed_worker),
    "disk full, then with space again": Route(full_disk),
    "`kill -9` at 50 moments, 1 process": Route(killed_often(), slow=True),
    "`kill -9` at 50 moments, 2 processes": Route(killed_often("--workers", 2), slow=True),
}
