import json

import pytest

torch = pytest.importorskip("torch")

from training_stand_ins import face_pack, one_thread, small, write_faces  # noqa: E402

from degrade.images import read_image  # noqa: E402
from zoo.training.base.run import STATE_FILE, train  # noqa: E402
from zoo.training.tasks.restorer import trainer as restorer_trainer  # noqa: E402
from zoo.training.tasks.restorer import validation  # noqa: E402
from zoo.training.tasks.restorer.trainer import BEST_FILE  # noqa: E402
from zoo.training.tasks.restorer.validation import validation_faces  # noqa: E402
from zoo.weights.files import is_present, known_weights  # noqa: E402
from zoo.weights.header import read_trained_file  # noqa: E402


@pytest.fixture(autouse=True)
def _few_faces_and_one_thread(monkeypatch):
    for module in (restorer_trainer, validation):
        monkeypatch.setattr(module, "FEWEST", 2)
    with one_thread():
        yield


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = write_faces(tmp_path_factory.mktemp("validated") / "faces")
    splits = folder.parent / "splits.csv"
    rows = [f"{place:02d}.png,{'val' if place % 2 else 'train'}" for place in range(16)]
    splits.write_text("\n".join(["file,split", *rows]))
    return face_pack(folder, splits=(splits,), parser="template")


def lines(folder):
    return [json.loads(line) for line in (folder / "validation.jsonl").read_text().splitlines()]


def test_a_run_is_validated_keeps_its_best_and_shows_the_same_faces_each_time(pack, tmp_path):
    train(small(steps=8, validate_every=4), pack.path, tmp_path)
    first, second = lines(tmp_path)
    assert (first["step"], second["step"]) == (4, 8)
    assert {"psnr", "perceptual_lite2", "kernel_distance", "identity"} <= first.keys()
    has_mobilenet = is_present(known_weights("mobilenet-v2"))
    assert ("perceptual_mobilenet" in first) == has_mobilenet
    assert first["input_psnr"] == second["input_psnr"]
    if (tmp_path / BEST_FILE).is_file():
        assert read_trained_file(tmp_path / BEST_FILE).steps in (4, 8)
    one, other = (read_image(tmp_path / f"samples-{done:06d}.png") for done in (4, 8))
    assert (one[:64] == other[:64]).all()
    assert (one[128:] == other[128:]).all()


def test_the_best_is_kept_when_the_rule_says_so(pack, tmp_path, monkeypatch):
    monkeypatch.setattr(restorer_trainer, "is_best", lambda lines: len(lines) == 1)
    train(small(steps=8, validate_every=4), pack.path, tmp_path)
    assert read_trained_file(tmp_path / BEST_FILE).steps == 4


def test_a_run_without_a_better_validation_ends_early_and_stays_ended(pack, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.training.tasks.restorer.validation.is_best", lambda lines: False)
    config = small(steps=20, validate_every=2, patience=2)
    for _ in "12":
        train(config, pack.path, tmp_path)
        assert torch.load(tmp_path / STATE_FILE, weights_only=True)["done"] == 6
    assert len(lines(tmp_path)) == 3


def test_a_resumed_run_has_the_same_validations(pack, tmp_path):
    config = small(steps=8, validate_every=4)
    train(config, pack.path, tmp_path / "whole")
    train(config, pack.path, tmp_path / "parts", until=5)
    train(config, pack.path, tmp_path / "parts")
    assert lines(tmp_path / "whole") == lines(tmp_path / "parts")


def test_validation_pairs_depend_on_the_faces_and_recipes(pack):
    one = validation_faces(small().families, pack, 4)
    other = validation_faces(small().families, pack, 8)
    assert (one.lq == other.lq[:4]).all()
    assert one.mask.shape == (len(one.hq), 19, 32, 32)
    trained = set(pack.keys("train"))
    assert trained.isdisjoint(pack.keys("val"))
    assert validation_faces(small().families, pack, 1) is None
