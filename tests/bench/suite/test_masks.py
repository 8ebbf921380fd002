from __future__ import annotations

import pickle

import numpy as np
import pytest

from bench.runner.restored_images import DegradedImage, match_size
from bench.runner.run import run
from bench.suite import masks as bench_masks
from bench.suite.masks import Masks, open_masks
from bench.suite.suite import Suite, SuiteError
from degrade.dataset.sources import open_source
from degrade.errors import UserError
from degrade.images import write_png
from zoo.portrait.align.alignment import ALIGNMENT_FILE, write_alignment
from zoo.portrait.parse.mesh_parser import MeshParser
from zoo.portrait.parse.parsing import FaceMask
from zoo.portrait.parse.template_parser import TemplateParser


class MeanColour(MeshParser):
    """Fills the channel of skin with the mean of the crop, which says whose mask it is."""

    def __init__(self, template):
        self.template = template

    def parse(self, crop):
        mask = np.zeros((19, *crop.shape[:2]), np.float32)
        mask[1] = crop.mean() / 255
        return FaceMask(mask, 1.0, "mesh")


@pytest.fixture(autouse=True)
def parser(monkeypatch):
    monkeypatch.setattr(bench_masks, "load_mesh_parser", MeanColour)


@pytest.fixture
def faces(tmp_path):
    source = np.random.Generator(np.random.Philox(1))
    pixels = {f"set/{name}.png": source.integers(0, 256, (64, 64, 3), np.uint8) for name in "abc"}
    for name, face in pixels.items():
        write_png(tmp_path / name, face)
    return tmp_path, list(pixels.values())


LQ = np.full((64, 64, 3), 7, np.uint8)


def mask_of(face):
    return MeanColour("tight").parse(face).probabilities


def test_a_right_mask_is_the_clean_faces_a_predicted_one_the_degraded_faces(faces):
    folder, (_, face, _) = faces
    source = open_source(folder)
    right, predicted = open_masks("right", source), open_masks("predicted", source)
    assert np.array_equal(right.of("set/b", face, LQ), mask_of(face))
    assert np.array_equal(predicted.of("set/b", face, LQ), mask_of(LQ))
    copy = pickle.loads(pickle.dumps(predicted))  # noqa: S301 - our own
    assert np.array_equal(copy.of("set/b", face, LQ), mask_of(LQ))


def test_a_wrong_mask_is_the_next_faces(faces):
    folder, pixels = faces
    masks = open_masks("wrong-face", open_source(folder))
    for name, own, other in (("set/a", 0, 1), ("set/b", 1, 2), ("set/c", 2, 0)):
        assert np.array_equal(masks.of(name, pixels[own], LQ), mask_of(pixels[other]))


def test_a_face_that_cannot_be_read_is_passed_over(faces):
    folder, pixels = faces
    source = open_source(folder)
    (folder / "set" / "b.png").write_bytes(b"no image")
    masks = Masks("wrong-face", MeanColour("tight"), source)
    assert np.array_equal(masks.of("set/a", pixels[0], LQ), mask_of(pixels[2]))


def test_no_masks_need_no_weights_and_others_name_the_command(faces, monkeypatch):
    monkeypatch.setattr(bench_masks, "load_mesh_parser", TemplateParser)
    source = open_source(faces[0])
    assert open_masks("none", source) is None
    with pytest.raises(SuiteError, match="`zoo fetch face-mesh`"):
        open_masks("predicted", source)


@pytest.mark.parametrize("template", ["tight", "ffhq"])
def test_the_masks_are_made_for_the_template_that_the_faces_have(faces, template):
    write_alignment(faces[0], template, 64)
    assert open_masks("right", open_source(faces[0])).parser.template == template


def test_a_damaged_alignment_file_is_one_line(faces):
    (faces[0] / ALIGNMENT_FILE).write_bytes(b"{")
    with pytest.raises(UserError, match="run `zoo align` again"):
        open_masks("right", open_source(faces[0]))


def test_one_face_has_no_other_face(faces):
    folder, _ = faces
    for name in "bc":
        (folder / "set" / f"{name}.png").unlink()
    with pytest.raises(SuiteError, match="a wrong face's mask needs two"):
        open_masks("wrong-face", open_source(folder))
    assert open_masks("right", open_source(folder)) is not None


@pytest.fixture
def seen(monkeypatch):
    """Return a list that fills with the (pair, mask) of every restoration."""
    original, calls = DegradedImage.as_input, []

    def watch(degraded):
        made = original(degraded)
        calls.append((degraded.pair, made.mask))
        return made

    monkeypatch.setattr(DegradedImage, "as_input", watch)
    return calls


def test_every_version_of_a_face_is_restored_with_the_faces_mask(faces, tmp_path, seen):
    folder, pixels = faces
    suite = Suite("x", (str(folder),), ("gfpgan-128",), ("input",), ("psnr",), variants=2)
    run(suite, tmp_path / "run", masks="right")
    assert [pair.key for pair, _ in seen] == [f"set/{n}-v0000{v}" for n in "abc" for v in range(2)]
    for (_, mask), face in zip(seen, (0, 0, 1, 1, 2, 2), strict=True):
        assert np.array_equal(mask, mask_of(pixels[face]))


HALF = "version: 1\nsteps:\n  - {operation: resize, divisor: 2}\n"


def test_the_mask_of_a_face_that_its_recipe_shrank_is_that_of_the_enlarged_face(
    faces, tmp_path, seen
):
    recipe = tmp_path / "half.yaml"
    recipe.write_text(HALF, encoding="utf-8")
    suite = Suite("x", (str(faces[0]),), (str(recipe),), ("input",), ("psnr",), limit=1)
    run(suite, tmp_path / "run", masks="predicted")
    ((pair, mask),) = seen
    assert pair.lq.shape == (32, 32, 3)
    assert np.array_equal(mask, mask_of(match_size(pair.lq, (64, 64))))


def test_faces_that_are_shrunk_on_reading_have_masks_of_their_size(faces, tmp_path, seen):
    suite = Suite("x", (str(faces[0]),), ("gfpgan-128",), ("input",), ("psnr",), size=32)
    assert run(suite, tmp_path / "run", masks="right").complete
    assert {mask.shape for _, mask in seen} == {(19, 32, 32)}
