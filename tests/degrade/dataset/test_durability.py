"""A build disturbed in every way ends in the digest of the undisturbed one, or in one line."""

import errno
import os
import re
import signal
import subprocess
import sys
import threading
import time
from unittest import mock

import pytest
from build_routes import Scene, disturbed, inline, kill_a_worker, wait_for_markers
from interruptions import (
    arguments,
    assert_nothing_false,
    can_mount,
    degrade,
    finish,
    kill_often,
    make_photos,
    mounted,
    outcome,
    scratch,
    start,
)

from degrade.dataset.storage import LocalStorage
from degrade.errors import UserError

needs_mount = pytest.mark.skipif(not can_mount(), reason="only root may mount a small file system")
needs_proc = pytest.mark.skipif(not os.path.isdir("/proc"), reason="looks for workers in /proc")


@pytest.fixture
def folder():
    with scratch() as empty:
        yield empty


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return make_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def more_photos(tmp_path_factory):
    """Enough to work on for a second or two, for those who must come in time."""
    return make_photos(tmp_path_factory.mktemp("more"), count=200)


@pytest.fixture(scope="module")
def undisturbed(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    return outcome(degrade(*arguments(photos, out)), out)


def one_line(finished, exit_code):
    """Return the only line that a failed command wrote, without Progress's plain lines."""
    lines = [line for line in finished.stderr.splitlines() if not line.startswith("building ")]
    assert finished.returncode == exit_code, finished.stderr
    assert len(lines) == 1, finished.stderr
    return lines[0]


@pytest.mark.parametrize("moments", [8, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_random_moments_it_ends_in_the_same_digest(photos, folder, undisturbed, moments):
    out = folder / "out"
    assert set(kill_often(arguments(photos, out), out, moments)) == {undisturbed}


@pytest.mark.slow
@pytest.mark.parametrize("more", [("--workers", 2), ("--format", "webdataset")])
def test_killed_with_workers_or_in_tar_files_it_ends_in_the_same_digest(photos, folder, more):
    plain = outcome(degrade(*arguments(photos, folder / "plain", *more)), folder / "plain")
    out = folder / "out"
    assert set(kill_often(arguments(photos, out, *more), out, 50, seed=2)) == {plain}


@needs_mount
@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_is_one_line_and_with_space_the_same_digest(
    photos, folder, undisturbed, workers
):
    inputs = arguments(photos, folder / "disk" / "out", "--workers", workers)
    with mounted(folder / "disk", "size=128k") as change:
        line = one_line(degrade(*inputs), 2)
        assert "the disk is full: free some space and run the same command again" in line
        assert_nothing_false(folder / "disk")
        assert not (folder / "disk/out/metadata.parquet").exists()
        change("size=8m")
        assert outcome(degrade(*inputs), folder / "disk" / "out") == undisturbed


@needs_mount
def test_a_disk_that_was_nearly_full_keeps_what_was_done(photos, folder, undisturbed):
    inputs = arguments(photos, folder / "disk" / "out")
    with mounted(folder / "disk", "size=160k") as change:
        for size in (200, 240, 280):
            assert degrade(*inputs).returncode == 2
            finished = sorted((folder / "disk/out/.shards").glob("*.json"))
            stamps = {path: path.stat().st_mtime_ns for path in finished}
            change(f"size={size}k")
        change("size=8m")
        assert outcome(degrade(*inputs), folder / "disk" / "out") == undisturbed
        assert stamps


@needs_mount
def test_a_read_only_folder_is_one_line_and_nothing_is_changed(photos, folder, undisturbed):
    disk = folder / "disk"
    inputs = arguments(photos, disk / "out")
    with mounted(disk, "size=8m") as change:
        change("ro")
        assert "read-only: choose a folder you may write to" in one_line(degrade(*inputs), 2)
        assert not list(disk.iterdir())
        change("rw")
        process = start(*inputs)
        wait_for_markers(process, disk / "out", 1)
        os.killpg(process.pid, signal.SIGKILL)
        finish(process)
        change("ro")
        before = {path: path.stat().st_mtime_ns for path in disk.rglob("*")}
        assert "read-only" in one_line(degrade(*inputs), 2)
        assert {path: path.stat().st_mtime_ns for path in disk.rglob("*")} == before
        change("rw")
        assert outcome(degrade(*inputs), disk / "out") == undisturbed


@needs_proc
def test_a_killed_worker_is_one_line_and_the_next_run_ends_it(photos, folder, undisturbed):
    scene = Scene(photos, folder)
    line = one_line(disturbed(scene, ("--workers", 2), kill_a_worker), 1)
    assert line.startswith("Error: a worker process was killed, perhaps for lack of memory: run")
    assert_nothing_false(folder / "out")
    assert scene.built("--workers", 2) == undisturbed


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_is_one_line_ends_quickly_and_the_next_run_goes_on(more_photos, folder, workers):
    inputs = arguments(more_photos, folder / "out", "--workers", workers)
    process = start(*inputs)
    wait_for_markers(process, folder / "out", 2)
    begin = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # to every process of the command, as a terminal does
    finished = finish(process)
    assert time.monotonic() - begin < 10
    assert one_line(finished, 130).endswith("interrupted: run the same command again to go on")
    assert_nothing_false(folder / "out")
    remaining = {path: path.stat().st_mtime_ns for path in (folder / "out/.shards").glob("*.json")}
    assert len(remaining) >= 2
    again = start(*inputs)
    wait_for_markers(again, folder / "out", len(remaining) + 1)
    assert all(path.stat().st_mtime_ns == when for path, when in remaining.items())
    whole = degrade(*arguments(more_photos, folder / "whole"))
    assert outcome(finish(again), folder / "out") == outcome(whole, folder / "whole")


def test_ctrl_c_in_any_command_is_exit_code_130_without_a_traceback():
    code = (
        "from degrade.terminal import LazyGroup\n"
        "group = LazyGroup('group')\n"
        "@group.command()\n"
        "def wait():\n"
        "    print('ready', flush=True)\n"
        "    import time; time.sleep(60)\n"
        "group()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "wait"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == "Error: interrupted\n"
    assert process.returncode == 130


def test_two_builds_of_one_folder_at_the_same_time_are_harmless(photos, folder, undisturbed):
    inputs = arguments(photos, folder / "out")
    both = [start(*inputs), start(*inputs)]
    ends = [None, None]

    def end(index):
        ends[index] = finish(both[index])

    threads = [threading.Thread(target=end, args=(index,)) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert any(finished.returncode == 0 for finished in ends), [
        finished.stderr for finished in ends
    ]
    for finished in ends:
        assert "Traceback" not in finished.stderr
        assert not re.search(r"^Error: (?!.*(another|same))", finished.stderr, re.M)
    assert outcome(degrade(*inputs), folder / "out") == undisturbed


def test_a_machine_in_trouble_makes_no_failed_inputs(photos, folder, undisturbed):
    scene, read = Scene(photos, folder), LocalStorage.read

    def run_out_of_handles(storage, name):
        if name.endswith("7.png"):
            raise OSError(errno.EMFILE, "Too many open files")
        return read(storage, name)

    with mock.patch.object(LocalStorage, "read", run_out_of_handles):
        with pytest.raises(UserError, match=r"cannot be read now .*: run the same") as reported:
            inline(scene)
        assert reported.value.exit_code == 1
    assert not list((folder / "out").rglob("*.parquet"))
    assert inline(scene) == [undisturbed]
