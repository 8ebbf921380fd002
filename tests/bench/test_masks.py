from __future__ import annotations

import numpy as np
import pytest

from bench.masks import LANDMARKS_FILE, open_masks
from bench.runner import run
from bench.suite import Suite, SuiteError
from degrade.images import write_png
from degrade.sources import open_source
from zoo.portrait.landmark_regions import landmark_regions


@pytest.fixture
def faces(tmp_path):
    source = np.random.Generator(np.random.Philox(1))
    marks = source.uniform(10, 54, (3, 68, 2)).astype(np.float32)
    names = [f"set/{name}.png" for name in "abc"]
    for name in names:
        write_png(tmp_path / name, source.integers(0, 256, (64, 64, 3), np.uint8))
    np.savez(tmp_path / LANDMARKS_FILE, keys=np.array(names[:2]), landmarks=marks[:2])
    return tmp_path, marks


def test_a_right_mask_is_drawn_from_the_faces_own_landmarks(faces):
    folder, marks = faces
    masks = open_masks("right", open_source(folder))
    face = np.zeros((64, 64, 3), np.uint8)
    assert np.array_equal(masks.of("set/b", face), landmark_regions(marks[1], 64))
    assert masks.of("set/c", face) is None


def test_a_wrong_mask_is_the_next_faces(faces):
    folder, marks = faces
    masks = open_masks("wrong-face", open_source(folder))
    face = np.zeros((64, 64, 3), np.uint8)
    assert np.array_equal(masks.of("set/a", face), landmark_regions(marks[1], 64))
    assert np.array_equal(masks.of("set/b", face), landmark_regions(marks[0], 64))


def test_no_masks_need_no_landmarks(faces):
    folder, _ = faces
    (folder / LANDMARKS_FILE).unlink()
    assert open_masks("none", open_source(folder)) is None
    with pytest.raises(SuiteError, match="make the faces with `zoo align`"):
        open_masks("right", open_source(folder))


def test_a_damaged_and_a_foreign_file_of_landmarks_are_one_line(faces):
    folder, marks = faces
    np.savez(folder / LANDMARKS_FILE, keys=np.array(["other.png"]), landmarks=marks[:1])
    with pytest.raises(SuiteError, match="none of the images beside it"):
        open_masks("right", open_source(folder))
    (folder / LANDMARKS_FILE).write_bytes(b"nothing")
    with pytest.raises(SuiteError, match="does not hold 68 landmarks"):
        open_masks("right", open_source(folder))


def test_every_version_of_a_face_is_restored_with_the_faces_mask(faces, tmp_path, monkeypatch):
    folder, marks = faces
    seen = []

    def watch(restorer, condition, pair, errors, mask=None):
        seen.append((pair.key, mask))
        return original(restorer, condition, pair, errors, mask)

    from bench import worker

    original = worker.restore_one
    monkeypatch.setattr(worker, "restore_one", watch)
    suite = Suite("x", (str(folder),), ("gfpgan-128",), ("input",), ("psnr",), variants=2)
    run(suite, tmp_path / "run", masks="right")
    assert [key for key, _ in seen] == [f"set/{n}-v0000{v}" for n in "abc" for v in range(2)]
    for (_, mask), expected in zip(seen[:4], (0, 0, 1, 1), strict=True):
        assert np.array_equal(mask, landmark_regions(marks[expected], 64))
    assert seen[4][1] is None
