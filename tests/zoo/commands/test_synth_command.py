import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from degrade.images import read_image, write_png
from zoo.cli import main
from zoo.networks.stylegan.generator import GeneratorConfig, StyleGenerator
from zoo.training.tasks.generator.config import GeneratorTraining
from zoo.weights.header import write_trained_file


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    path = tmp_path_factory.mktemp("generator") / "tiny.safetensors"
    network = GeneratorConfig(32, {4: 8, 8: 8, 16: 6, 32: 4}, latent=8, depth=2)
    header = {"config": GeneratorTraining("tiny", network).as_record(), "steps": 0}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return write_trained_file(StyleGenerator(network), path, header)


def synth(*arguments):
    return CliRunner().invoke(main, ["synth", *map(str, arguments)])


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


def test_faces_are_the_same_for_the_same_seed_however_many_and_in_any_run(generator, tmp_path):
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        done = synth(tmp_path / name, "--model", generator, "--count", 5, "--seed", seed)
        assert done.exit_code == 0, done.output
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    assert bytes_of(tmp_path / "one") != bytes_of(tmp_path / "other")
    synth(tmp_path / "few", "--model", generator, "--count", 2, "--seed", 3)
    synth(tmp_path / "few", "--model", generator, "--count", 5, "--seed", 3)
    assert bytes_of(tmp_path / "few") == bytes_of(tmp_path / "one")


def test_a_face_that_was_lost_is_drawn_again(generator, tmp_path):
    synth(tmp_path, "--model", generator, "--count", 3)
    before = bytes_of(tmp_path)
    (tmp_path / "000001.png").unlink()
    assert synth(tmp_path, "--model", generator, "--count", 3).exit_code == 0
    assert bytes_of(tmp_path) == before


def test_every_face_says_in_its_file_who_drew_it_and_if_that_was_checked_that_it_is_nobody(
    generator, tmp_path
):
    synth(tmp_path, "--model", generator, "--count", 1)
    assert b"drawn with seed 0 by tiny" in (tmp_path / "000000.png").read_bytes()
    assert b"no real person" not in (tmp_path / "000000.png").read_bytes()
    synth(tmp_path / "ours", "--count", 1)
    assert b"stylegan2-64: of no real person" in (tmp_path / "ours" / "000000.png").read_bytes()
    record = json.loads((tmp_path / "synth.json").read_text())
    assert (record["generator"], record["seed"], record["size"]) == ("tiny", 0, 32)
    assert len(record["sha256"]) == 64


def test_other_faces_are_not_put_among_those_of_a_folder(generator, tmp_path):
    synth(tmp_path / "a", "--model", generator, "--count", 1)
    done = synth(tmp_path / "a", "--model", generator, "--count", 1, "--seed", 9)
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert "holds other faces" in done.output
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine.txt").write_text("x")
    assert "is not empty" in synth(tmp_path / "b", "--model", generator).output
    (tmp_path / "a" / "synth.json").write_text("{cut")
    assert "holds other faces" in synth(tmp_path / "a", "--model", generator).output


def test_the_closest_pairs_are_told_and_drawn(generator, tmp_path):
    pytest.importorskip("dlib")
    synth(tmp_path / "drawn", "--model", generator, "--count", 6)
    learned = tmp_path / "learned"
    rng = np.random.default_rng(0)
    for index in range(5):
        write_png(learned / f"{index}.png", rng.integers(0, 255, (64, 64, 3), np.uint8))
    # One face was learned by heart.
    copied = read_image(tmp_path / "drawn" / "000002.png")
    write_png(learned / "copy.png", np.ascontiguousarray(copied))
    held_out = tmp_path / "held-out"
    for index in range(3):
        write_png(held_out / f"{index}.png", rng.integers(0, 255, (64, 64, 3), np.uint8))
    write_png(held_out / "known.png", read_image(learned / "0.png"))
    done = synth(tmp_path / "drawn", "--model", generator, "--count", 6,
                 "--against", learned, "--held-out", held_out)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "1 held-out faces are photographs that it learned from too" in done.output
    rows = [line.split() for line in done.output.splitlines()]
    table = {row[0]: row for row in rows if row and row[0] in ("descriptor", "pixels")}
    for row in table.values():
        assert float(row[2]) == pytest.approx(0, abs=1e-3)
    assert not (tmp_path / "drawn" / "nearest.png").exists()
    sheet = read_image(tmp_path / "drawn.nearest.png")
    assert sheet.shape[0] > 200


def test_a_sheet_shows_the_faces(generator, tmp_path):
    synth(tmp_path / "f", "--model", generator, "--count", 10, "--sheet", tmp_path / "s.png")
    sheet = read_image(tmp_path / "s.png")
    assert sheet.shape == (2 * 32, 8 * 32, 3)
    assert (sheet[32:, 2 * 32 :] == 255).all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--model", "stylegan3-64"), "no generator is called 'stylegan3-64'"),
        (("--model", "nowhere.safetensors"), "cannot be read"),
        (("--held-out", "."), "give both"),
        (("--truncation", "nan"), "is no number from 0 to 1"),
        (("--sheet", "faces.jpg"), "end its name with .png"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, arguments, said):
    done = synth(tmp_path / "x", *arguments)
    assert done.exit_code in (1, 2)
    assert said in done.output
    assert done.output.count("\n") == 1


def test_faces_of_another_alignment_or_shape_are_not_compared(generator, tmp_path):
    synth(tmp_path / "drawn", "--model", generator, "--count", 1)
    flat = tmp_path / "flat"
    write_png(flat / "a.png", np.zeros((32, 40, 3), np.uint8))
    words = (tmp_path / "drawn", "--model", generator, "--count", 1, "--against")
    assert "is not square" in synth(*words, flat).output
    assert "not OUT" in synth(*words, tmp_path / "drawn").output
    np.savez(flat / "landmarks68.npz", landmarks=np.zeros((1, 68, 2)), keys=["a.png"],
             template="ffhq")  # fmt: skip
    assert "of the template ffhq" in synth(*words, flat).output


def test_a_sheet_does_not_lie_among_the_faces(generator, tmp_path):
    done = synth(tmp_path / "f", "--model", generator, "--sheet", tmp_path / "f" / "s.png")
    assert "would lie among the faces" in done.output


def test_a_restorer_s_weights_are_no_generator(tmp_path):
    from zoo.weights.builtin import weights_path

    done = synth(tmp_path / "x", "--model", weights_path("style-128"))
    assert done.exit_code in (1, 2)
    assert "holds no generator" in done.output
