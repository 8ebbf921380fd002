"""Programs as restorers: started without a shell, ended in time, believed only in what fits."""

import dataclasses
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import zoo
from degrade.errors import ImageError
from degrade.images import write_png
from zoo.restorer import Restorer
from zoo.restorers.command import CommandError, CommandRestorer

_INVERT = """
import pathlib, sys, cv2
given, made = map(pathlib.Path, sys.argv[1:3])
pairs = [(p, made / p.name) for p in given.iterdir()] if given.is_dir() else [(given, made)]
for source, target in pairs:
    cv2.imwrite(str(target), 255 - cv2.imread(str(source)))
"""


@pytest.fixture
def tool(tmp_path):
    """Write a Python program and return a restorer that runs it with the words given."""

    def make(program, *words, timeout=60.0, results=""):
        path = tmp_path / "my tool; rm.py"
        path.write_text(program)
        card = dataclasses.replace(zoo.card("input"), name="tool", kind="command")
        given = words or ("{in}", "{out}")
        return CommandRestorer(
            card, (sys.executable, str(path), *given), tmp_path, timeout, results
        )

    return make


@pytest.fixture
def faces():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (12, 16, 3), dtype=np.uint8) for _ in range(3)]


@pytest.mark.parametrize("words", [("{in}", "{out}"), ("{in_file}", "{out_file}")])
def test_faces_go_through_the_program_in_order(tool, faces, words):
    restorer = tool(_INVERT, *words)
    assert isinstance(restorer, Restorer)
    restored = restorer.restore(faces)
    assert all(np.array_equal(a, 255 - b) for a, b in zip(restored, faces, strict=True))
    assert restorer.restore([]) == []


def test_a_batch_starts_the_program_once_for_folders_and_once_a_face_for_files(tool, faces):
    program = """
import pathlib, shutil, sys
given, made = map(pathlib.Path, sys.argv[1:3])
with open("started", "a") as log: log.write("x")
shutil.copytree(given, made, dirs_exist_ok=True) if given.is_dir() else shutil.copy(given, made)
"""
    tool(program).restore(faces)
    assert Path(tool(program).folder, "started").read_text() == "x"
    restorer = tool(program, "{in_file}", "{out_file}")
    Path(restorer.folder, "started").unlink()
    restorer.restore(faces)
    assert Path(restorer.folder, "started").read_text() == "xxx"


def test_no_shell_sees_the_words(tool, faces, tmp_path):
    program = """
import pathlib, shutil, sys
shutil.copytree(sys.argv[1], sys.argv[2], dirs_exist_ok=True)
pathlib.Path("words").write_text(repr(sys.argv[3:]))
"""
    tool(program, "{in}", "{out}", "$(touch ran)", "; touch ran", "`touch ran`", "*").restore(faces)
    assert (tmp_path / "words").read_text() == "['$(touch ran)', '; touch ran', '`touch ran`', '*']"
    assert not (tmp_path / "ran").exists()


def test_a_result_of_another_size_is_brought_back_and_another_ending_is_found(tool, faces):
    program = """
import pathlib, sys, cv2
for path in pathlib.Path(sys.argv[1]).iterdir():
    picture = cv2.resize(cv2.imread(str(path)), None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
    folder = pathlib.Path(sys.argv[2], "restored_faces")
    folder.mkdir(exist_ok=True)
    cv2.imwrite(str(folder / f"{path.stem}_00.bmp"), picture)
    pathlib.Path(sys.argv[2], "cmp.png").write_bytes(b"no picture")
"""
    restored = tool(program, results="restored_faces").restore(faces)
    assert all(np.array_equal(a, b) for a, b in zip(restored, faces, strict=True))


def test_a_program_that_fails_is_one_line_with_the_last_that_it_said(tool, faces):
    program = "import sys; print('loading'); sys.exit('the weights are not here\\n\\n')"
    with pytest.raises(CommandError, match="exit code 1: the weights are not here") as failed:
        tool(program).restore(faces)
    assert "\n" not in str(failed.value)
    with pytest.raises(CommandError, match="exit code 3: it printed nothing"):
        tool("raise SystemExit(3)").restore(faces)


def test_a_program_that_takes_too_long_is_ended_with_all_it_started(tool, faces, tmp_path):
    program = """
import subprocess, sys, time
child = "import time, pathlib; time.sleep(3); pathlib.Path('late').touch()"
subprocess.Popen([sys.executable, "-c", child])
time.sleep(60)
"""
    start = time.monotonic()
    with pytest.raises(CommandError, match=r"took more than 1 s and was ended.*--timeout"):
        tool(program, timeout=1.0).restore(faces)
    assert time.monotonic() - start < 30
    time.sleep(3)
    assert not (tmp_path / "late").exists()


def test_a_program_that_asks_gets_no_answer_instead_of_waiting(tool, faces):
    with pytest.raises(CommandError, match="EOFError"):
        tool("input('agree? ')", timeout=20.0).restore(faces)


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("", r"wrote 0 pictures for 000000\.png into \{out\}, one was expected"),
        (
            "import shutil, sys\n"
            "shutil.copytree(sys.argv[1], sys.argv[2], dirs_exist_ok=True)\n"
            "shutil.copy(sys.argv[1] + '/000001.png', sys.argv[2] + '/000001-b.png')",
            r"wrote 2 pictures for 000001\.png",
        ),
    ],
)
def test_results_that_are_missing_or_more_than_one_are_told(tool, faces, program, told):
    with pytest.raises(CommandError, match=told):
        tool(program).restore(faces)


def test_a_result_that_is_no_picture_or_of_other_proportions_is_told(tool, faces):
    broken = "import sys, pathlib\npathlib.Path(sys.argv[2], '000000.png').write_text('x')"
    with pytest.raises(ImageError, match="not an image"):
        tool(broken).restore(faces[:1])
    wide = """
import pathlib, sys, cv2
for path in pathlib.Path(sys.argv[1]).iterdir():
    cv2.imwrite(str(pathlib.Path(sys.argv[2], path.name)), cv2.imread(str(path))[:6])
"""
    with pytest.raises(CommandError, match="made 6 × 16 pixels of 12 × 16"):
        tool(wide).restore(faces)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_in_the_results_is_not_followed(tool, faces, tmp_path):
    write_png(tmp_path / "secret.png", faces[0])
    program = (
        f"import os, sys\nos.symlink({str(tmp_path / 'secret.png')!r}, sys.argv[2] + '/000000.png')"
    )
    with pytest.raises(CommandError, match="wrote 0 pictures"):
        tool(program).restore(faces[:1])


def test_a_program_or_folder_that_is_gone_is_one_line(tool, faces, tmp_path):
    restorer = tool("")
    gone = dataclasses.replace(restorer, words=(str(tmp_path / "gone"), "{in}", "{out}"))
    with pytest.raises(CommandError, match="cannot be started"):
        gone.restore(faces)
    with pytest.raises(CommandError, match="cannot be started"):
        dataclasses.replace(restorer, folder=tmp_path / "nowhere").restore(faces)


def test_nothing_is_left_in_the_temporary_folder(tool, faces, tmp_path, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    with pytest.raises(CommandError):
        tool("").restore(faces)
    assert list(place.iterdir()) == []
