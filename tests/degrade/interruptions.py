"""One small dataset, built by the real command, and ways to disturb it; for tests and the table.

Nothing here knows how a dataset is made: it starts `degrade build`, kills it, fills its disk, and
looks at what is left.
"""

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet
from warm_command import WarmProcess

from degrade.images import read_image, write_png

__all__ = [
    "Built",
    "arguments",
    "assert_nothing_false",
    "can_mount",
    "degrade",
    "digest_of_files",
    "finish",
    "kill",
    "kill_often",
    "make_photos",
    "mounted",
    "outcome",
    "scratch",
    "start",
    "stored_files",
]

REPOSITORY = Path(__file__).parents[2]
_COMMAND = [sys.executable, "-c", "from degrade.cli import main; main(prog_name='degrade')"]


@dataclass(frozen=True)
class Built:
    """What a build came to: the digest it printed, and one over the bytes of the stored files."""

    digest: str
    files: str


@contextmanager
def scratch():
    """Give an empty folder in memory where there is one: a build syncs every file it writes."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


def make_photos(folder, count=24, side=24):
    """Write that many small images into a folder, one of them damaged; return the folder."""
    generator = np.random.default_rng(5)
    for number in range(count):
        pixels = generator.integers(0, 256, (side, side + number % 3, 3)).astype(np.uint8)
        write_png(folder / f"{number % 3}" / f"{number:03d}.png", pixels)
    (folder / "damaged.png").write_bytes((folder / "0" / "000.png").read_bytes()[:99])
    return folder


def arguments(photos, out, *more):
    """Return the arguments of the build that everything here is about."""
    fixed = ["--recipe", "kuaishou-128", "--seed", "7", "--variants", "2", "--shard-size", "3"]
    return ["build", str(photos), str(out), *fixed, "--allow-failed", "--json", *map(str, more)]


def start(*given, **environment):
    """Start `degrade` as the leader of a process group of its own; returns the process.

    Warm, as `warm_command` describes, unless the environment has RELUME_COLD.
    """
    environment["PYTHONPATH"] = str(REPOSITORY)
    if "RELUME_COLD" not in os.environ:
        return WarmProcess(map(str, given), environment)
    return subprocess.Popen(
        [*_COMMAND, *map(str, given)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
    )


def finish(process, seconds=120):
    """Wait for a process from `start`; returns it with its texts, as `subprocess.run` does."""
    with process:
        try:
            stdout, stderr = process.communicate(timeout=seconds)
        except BaseException:
            kill(process)
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def degrade(*given, **environment):
    """Run `degrade` to its end."""
    return finish(start(*given, **environment))


def outcome(done, out):
    """Return the `Built` of a command that ended well; ``out`` is a folder of this machine."""
    assert done.returncode == 0, done.stderr
    assert not list(out.rglob("*.part"))
    return Built(json.loads(done.stdout)["digest"], digest_of_files(out))


def digest_of_files(out):
    """Return the sha256 over the names and bytes of the files that hold images."""
    digest = hashlib.sha256()
    for path in stored_files(out):
        digest.update(path.relative_to(out).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def stored_files(out):
    """Return the files of a dataset that hold images."""
    return sorted(
        path
        for half in ("hq", "lq", "shards")
        for path in (out / half).rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )


def assert_nothing_false(out):
    """Assert that every file under a final name is whole, whatever happened to its writer."""
    for path in out.rglob("*"):
        if not path.is_file() or path.suffix == ".part":
            continue
        if path.suffix == ".png":
            read_image(path)
        elif path.suffix == ".tar":
            with tarfile.open(path) as archive:
                assert len(archive.getmembers()) % 3 == 0
        elif path.suffix == ".parquet":
            pyarrow.parquet.ParquetFile(path).read()
        elif path.suffix == ".json":
            json.loads(path.read_bytes())


def kill(process):
    """Kill a process and all it started, at once; tell whether it was still there."""
    for send in (os.killpg, os.kill):  # it may lead no group yet
        with contextlib.suppress(ProcessLookupError):
            send(process.pid, signal.SIGKILL)
            return True
    return False


def kill_at(process, seconds):
    """Kill the process group after so many seconds; returns whether it was still at work."""
    with process:
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            killed = kill(process)
            process.communicate()
            if killed:
                return True
    assert process.returncode == 0  # it ended by itself, at that very moment perhaps
    return False


def kill_often(given, out, kills, *, seed=1, check=assert_nothing_false):
    """Kill builds of one dataset at random moments; returns the `Built` of each that ended.

    A killed build is started again until it ends; then the folder is removed and the next
    begins, until there were that many kills.
    """
    moments = random.Random(seed)
    begin = time.monotonic()
    process = start(*given)
    while process.poll() is None and not (out / "run.json").exists():
        time.sleep(0.001)
    claimed = time.monotonic() - begin
    built = [outcome(finish(process), out)]
    whole = time.monotonic() - begin
    shutil.rmtree(out)
    while kills:
        if kill_at(start(*given), moments.uniform(0.7 * claimed, whole)):
            kills -= 1
            check(out)
        else:
            built.append(outcome(degrade(*given), out))
            shutil.rmtree(out)
    return [*built, outcome(degrade(*given), out)]


def can_mount():
    """Tell whether this process may mount a small file system of its own."""
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("mount"):
        return False
    done = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


@contextmanager
def mounted(folder, options):
    """Mount a small tmpfs at a folder; yields a function that changes its options."""
    folder.mkdir(parents=True, exist_ok=True)

    def mount(options):
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)

    mount(options)
    try:
        yield lambda changed: mount(f"remount,{changed}")
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
