"""A folder that one process holds; the other process is a real one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from degrade.dataset.folder_lock import hold_file, hold_folder
from degrade.errors import DatasetError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")

HOLD = """
import sys, time
from pathlib import Path
from degrade.dataset.folder_lock import hold_file, hold_folder
with hold_folder(Path(sys.argv[1])), hold_file(Path(sys.argv[1]) / "faces.jsonl"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds ``tmp_path``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_is_refused_in_one_line_and_touches_nothing(tmp_path, holder):
    part = tmp_path / ".0123456789abcdef.part"
    part.touch()
    told = r"another process works in .*: wait for it, or choose"
    with pytest.raises(DatasetError, match=told), hold_folder(tmp_path):
        pass
    assert part.exists()


def test_a_file_is_held_and_nothing_lies_beside_it(tmp_path, holder):
    path = tmp_path / "faces.jsonl"
    with pytest.raises(DatasetError, match="another process works in"), hold_file(path):
        pass
    with hold_file(tmp_path / "others.jsonl"):
        assert [found.name for found in tmp_path.iterdir()] == [".lock"]


def test_the_hold_ends_with_its_process_however_that_ends(tmp_path, holder):
    holder.kill()
    holder.wait()
    with hold_folder(tmp_path):
        pass
    with hold_folder(tmp_path):
        pass


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path):
    (tmp_path / "restored" / "set").mkdir(parents=True)
    left = tmp_path / "restored" / "set" / ".0123456789abcdef.part"
    kept = tmp_path / "restored" / "set" / "a.png"
    for path in (left, kept):
        path.touch()
    with hold_folder(tmp_path):
        assert (left.exists(), kept.exists()) == (False, True)
