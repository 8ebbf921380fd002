"""The training of a parser, from its configuration to its file."""

import dataclasses
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training_stand_ins import one_thread  # noqa: E402

from zoo.labels import UNKNOWN  # noqa: E402
from zoo.networks.restoration.unet import UNetConfig  # noqa: E402
from zoo.portrait.parse.network_parser import load_network_parser  # noqa: E402
from zoo.templates import TIGHT_CENTRE, TIGHT_ZOOM  # noqa: E402
from zoo.training.base.config import TrainingError  # noqa: E402
from zoo.training.base.run import STATE_FILE, train  # noqa: E402
from zoo.training.data.batches import FaceBatch, FaceBatches  # noqa: E402
from zoo.training.data.face_pack import FacePack, PackIndex, PackWriter  # noqa: E402
from zoo.training.tasks.parser.config import ParserTraining  # noqa: E402
from zoo.training.tasks.parser.trainer import mean_iou, parsing_loss  # noqa: E402
from zoo.training.tasks.parser.views import degraded_views  # noqa: E402
from zoo.weights.files import WeightsRefused  # noqa: E402
from zoo.weights.header import read_trained_file  # noqa: E402

CPU = torch.device("cpu")
EXACT = {"turn": 0.0, "zoom": 0.0, "shift": 0.0, "grey": 0.0}


def small(**changes):
    values = {
        "name": "tiny",
        "network": UNetConfig(32, {4: 16, 8: 12, 16: 8}, patch=2),
        "families": {"kuaishou-64": 1},
        "face_size": 64,
        "steps": 10,
        "batch_size": 4,
        "learning_rate": 0.01,
        "warmup": 1,
        "validate_every": 5,
    }
    return ParserTraining(**(values | changes))


def made_up_face(number):
    """Return a face of flat regions, uint8 (64, 64, 3), and its label map at half the side."""
    random = np.random.default_rng(number)
    rows, columns = np.mgrid[:64, :64]
    labels = np.where(rows < 14 + random.integers(6), 13, 0)
    inside = np.hypot(rows - 36, columns - 32) < 22
    labels[inside] = 1
    labels[30:34, 20:27], labels[30:34, 37:44], labels[46:50, 25:39] = 4, 5, 10
    colours = np.zeros((19, 3))
    colours[[0, 1, 4, 5, 10, 13]] = [
        (90, 120, 160), (220, 170, 140), (30, 30, 30), (40, 40, 60), (150, 40, 50), (60, 40, 30)
    ]  # fmt: skip
    face = colours[labels] + random.normal(0, 6, (64, 64, 3))
    return face.clip(0, 255).astype(np.uint8), labels[::2, ::2].astype(np.uint8)


def write_pack(path, template="ffhq", count=16):
    boxes, records = np.zeros((3, 3), np.float32), []
    with path.open("wb") as file:
        writer = PackWriter(file, "raw")
        for number in range(count):
            records.append(writer.add(*writer.encode(*made_up_face(number)), boxes))
        keys = tuple(f"{number:02d}.png" for number in range(count))
        splits = ("train",) * (count // 2) + ("val",) * (count - count // 2)
        ones = (1,) * count
        writer.close(
            PackIndex(64, template, "mesh", "raw", "", 0, keys, splits, ones, tuple(records))
        )
    return path


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return write_pack(tmp_path_factory.mktemp("pack") / "faces.pack")


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def test_the_loss_is_the_entropy_and_what_dice_says_by_hand():
    labels = torch.tensor([[[0, 0, 1, UNKNOWN]]], dtype=torch.uint8)
    logits = torch.zeros(1, 19, 1, 4)
    losses = parsing_loss(logits, labels, 0.5)
    # Each region has 1/19 of three pixels; two of them are background, one is skin.
    apart = 1 - (2 * (2 / 19) / (3 / 19 + 2) + 2 * (1 / 19) / (3 / 19 + 1)) / 2
    assert float(losses["entropy"]) == pytest.approx(np.log(19), rel=1e-5)
    assert float(losses["dice"]) == pytest.approx(apart, rel=1e-5)
    assert float(losses["loss"]) == pytest.approx(np.log(19) + 0.5 * apart, rel=1e-5)


def test_the_iou_counts_what_is_known():
    labels = torch.tensor([[[0, 0, 1, UNKNOWN]]], dtype=torch.uint8)
    each = mean_iou(torch.tensor([[[0, 1, 1, 5]]], dtype=torch.uint8), labels)
    assert each[:2].tolist() == [0.5, 0.5] and each[2:].isnan().all()


def one_batch(image, labels, flip=False):
    faces = torch.from_numpy(image)[None]
    maps = torch.from_numpy(labels)[None]
    parts, flips = torch.zeros(1, 3, 3), torch.tensor([flip])
    return FaceBatch(0, range(1), faces, faces, maps, maps, parts, flips, ("a",))


def test_a_view_without_errors_is_the_face_shrunk_and_its_labels():
    image, labels = made_up_face(1)
    config = small(tight=0.0, **EXACT)
    faces, seen = degraded_views(one_batch(image, labels), config, CPU)
    shrunk = image.astype(np.float32).reshape(32, 2, 32, 2, 3).mean(axis=(1, 3)) / 255
    assert np.abs(faces[0].permute(1, 2, 0).numpy() - shrunk).max() < 1e-5
    assert np.array_equal(seen[0].numpy(), labels)


def test_a_mirrored_view_has_left_and_right_changed():
    image, labels = made_up_face(1)
    _, seen = degraded_views(one_batch(image, labels, flip=True), small(tight=0.0, **EXACT), CPU)
    turned = labels[:, ::-1].copy()
    turned[labels[:, ::-1] == 4], turned[labels[:, ::-1] == 5] = 5, 4
    assert np.array_equal(seen[0].numpy(), turned)


def test_a_tight_view_shows_what_the_template_does():
    rows, columns = np.mgrid[:64, :64]
    image = np.stack((columns, rows, rows), axis=2).astype(np.uint8)
    faces, _ = degraded_views(one_batch(image, made_up_face(1)[1]), small(tight=1.0, **EXACT), CPU)
    middle = faces[0, :2, 15:17, 15:17].mean(dim=(1, 2)) * 255 + 0.5
    assert middle.tolist() == pytest.approx([64 * at for at in TIGHT_CENTRE], abs=0.01)
    across = (faces[0, 0, 16, 24] - faces[0, 0, 16, 8]) * 255
    assert float(across) == pytest.approx(32 / TIGHT_ZOOM, abs=0.01)


def test_ten_steps_lower_the_loss_on_made_up_faces_and_the_scores_are_logged(pack, tmp_path):
    losses = []
    train(small(), pack, tmp_path, on_step=lambda _, metrics: losses.append(metrics["loss"]))
    assert losses[-1] < 0.8 * losses[0]
    lines = (tmp_path / "validation.jsonl").read_text().splitlines()
    scores = [json.loads(line) for line in lines]
    assert [line["step"] for line in scores] == [5, 10]
    assert 0 < scores[0]["iou"] < scores[1]["iou"] < 1


def test_a_run_that_was_stopped_ends_with_the_same_bytes(pack, tmp_path):
    whole = train(small(), pack, tmp_path / "whole")
    train(small(), pack, tmp_path / "parts", until=4)
    parts = train(small(), pack, tmp_path / "parts")
    assert whole.read_bytes() == parts.read_bytes()
    with pytest.raises(TrainingError, match="steps 10, now 12"):
        train(small(steps=12), pack, tmp_path / "parts")


def test_batches_depend_on_their_step_alone(pack):
    config = small()
    batches = FaceBatches(config, FacePack(pack), size=64)
    one, again = (degraded_views(batches[3], config, CPU) for _ in range(2))
    assert all(torch.equal(*pair) for pair in zip(one, again, strict=True))


def test_what_cannot_be_learned_from_is_one_line(pack, tmp_path):
    with pytest.raises(TrainingError, match="leave --from out"):
        train(small(), pack, tmp_path, begin_from=pack)
    with pytest.raises(TrainingError, match="aligned to ffhq"):
        train(small(), write_pack(tmp_path / "tight.pack", "tight"), tmp_path)
    with pytest.raises(TrainingError, match="holds faces of 64"):
        train(small(face_size=128), pack, tmp_path)
    assert not (tmp_path / STATE_FILE).exists()


def test_a_trained_parser_parses(pack, tmp_path):
    file = read_trained_file(train(small(steps=2), pack, tmp_path))
    mask = load_network_parser(file).parse(made_up_face(3)[0])
    assert mask.probabilities.shape == (19, 64, 64) and mask.parser == "tiny"
    other = dataclasses.replace(file, config={**file.config, "network": {"size": 32}})
    with pytest.raises(WeightsRefused, match="holds no parser"):
        load_network_parser(other)
