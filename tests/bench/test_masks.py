from __future__ import annotations

import numpy as np
import pytest

from bench import supply
from bench.masks import LANDMARKS_FILE, open_masks
from bench.restoring import match_size
from bench.runner import run
from bench.suite import Suite, SuiteError
from degrade.images import write_png
from degrade.sources import open_source
from zoo.licences import ConsentError, accept_licence
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


@pytest.fixture
def seen(monkeypatch):
    """Return a list that fills with the (pair, mask) of every restoration."""
    original, calls = supply._job, []

    def watch(place):
        job = original(place)
        calls.append((place.pair, job.mask))
        return job

    monkeypatch.setattr(supply, "_job", watch)
    return calls


def test_every_version_of_a_face_is_restored_with_the_faces_mask(faces, tmp_path, seen):
    folder, marks = faces
    suite = Suite("x", (str(folder),), ("gfpgan-128",), ("input",), ("psnr",), variants=2)
    run(suite, tmp_path / "run", masks="right")
    assert [pair.key for pair, _ in seen] == [f"set/{n}-v0000{v}" for n in "abc" for v in range(2)]
    for (_, mask), expected in zip(seen[:4], (0, 0, 1, 1), strict=True):
        assert np.array_equal(mask, landmark_regions(marks[expected], 64))
    assert seen[4][1] is None


HALF = "version: 1\nsteps:\n  - {operation: resize, divisor: 2}\n"


@pytest.fixture
def smaller(tmp_path):
    """Return a recipe that leaves pictures at half their size."""
    path = tmp_path / "half.yaml"
    path.write_text(HALF, encoding="utf-8")
    return str(path)


def test_the_mask_of_a_face_that_its_recipe_shrank_has_the_enlarged_faces_size(
    faces, tmp_path, smaller, seen
):
    folder, marks = faces
    suite = Suite("x", (str(folder),), (smaller,), ("input",), ("psnr",), limit=1)
    run(suite, tmp_path / "run", masks="right")
    ((pair, mask),) = seen
    assert pair.lq.shape == (32, 32, 3)
    assert np.array_equal(mask, landmark_regions(marks[0], 64))


def test_landmarks_are_looked_for_in_the_face_that_the_restorer_gets(
    faces, tmp_path, smaller, seen, monkeypatch
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    accept_licence("ibug-68")
    shown = []
    monkeypatch.setattr(
        "zoo.training.wrong_masks.predicted_mask", lambda lq, template: shown.append(lq)
    )
    suite = Suite("x", (str(faces[0]),), (smaller,), ("input",), ("psnr",), limit=1)
    run(suite, tmp_path / "run", masks="predicted")
    (pair, _), (face,) = seen[0], shown
    assert np.array_equal(face, match_size(pair.lq, (64, 64)))


def test_masks_are_refused_where_the_faces_are_shrunk_on_reading(faces, tmp_path):
    suite = Suite("x", (str(faces[0]),), ("gfpgan-128",), ("input",), ("psnr",), size=32)
    with pytest.raises(SuiteError, match="leave out 'size'"):
        run(suite, tmp_path / "run", masks="right")
    assert not (tmp_path / "run").exists()
    assert run(suite, tmp_path / "run").complete


def test_predicted_masks_need_the_licence_before_anything_runs(faces, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    suite = Suite("x", (str(faces[0]),), ("gfpgan-128",), ("input",), ("psnr",))
    with pytest.raises(ConsentError, match="ibug-68"):
        run(suite, tmp_path / "run", masks="predicted")
    assert not (tmp_path / "run").exists()
    accept_licence("ibug-68")
    assert open_masks("predicted", open_source(faces[0])).kind == "predicted"


@pytest.mark.parametrize(("stored", "expected"), [(None, "tight"), ("tight",) * 2, ("ffhq",) * 2])
def test_landmarks_are_predicted_for_the_template_that_the_faces_have(
    faces, tmp_path, monkeypatch, stored, expected
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    accept_licence("ibug-68")
    folder, marks = faces
    entry = {} if stored is None else {"template": np.array(stored)}
    np.savez(folder / LANDMARKS_FILE, keys=np.array(["set/a.png"]), landmarks=marks[:1], **entry)
    asked = []
    monkeypatch.setattr(
        "zoo.training.wrong_masks.predicted_mask", lambda lq, template: asked.append(template)
    )
    open_masks("predicted", open_source(folder)).of("set/a", np.zeros((64, 64, 3), np.uint8))
    assert asked == [expected]


def test_a_template_that_is_none_is_one_line(faces):
    folder, marks = faces
    np.savez(
        folder / LANDMARKS_FILE,
        keys=np.array(["set/a.png"]), landmarks=marks[:1], template=np.array("loose"),
    )  # fmt: skip
    with pytest.raises(SuiteError, match="does not hold 68 landmarks"):
        open_masks("right", open_source(folder))


def test_one_face_has_no_other_face(faces):
    folder, marks = faces
    np.savez(folder / LANDMARKS_FILE, keys=np.array(["set/a.png"]), landmarks=marks[:1])
    with pytest.raises(SuiteError, match="a wrong face's mask needs two"):
        open_masks("wrong-face", open_source(folder))
    assert open_masks("right", open_source(folder)) is not None
