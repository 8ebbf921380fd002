import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from degrade.images import write_png  # noqa: E402
from degrade.sources import open_source  # noqa: E402
from zoo.networks.style import StyleConfig  # noqa: E402
from zoo.training.batches import LANDMARKS_FILE, FaceBatches  # noqa: E402
from zoo.training.config import TrainingConfig, TrainingError, list_configs, load_config  # noqa: E402
from zoo.training.losses import PerceptualLoss, fooling_loss, gradient_penalty, telling_loss  # noqa: E402
from zoo.training.run import train  # noqa: E402


def small(**changes):
    told = {
        "name": "tiny",
        "network": StyleConfig(64, {8: 16, 16: 16, 32: 12}, style=8),
        "families": {"kuaishou-128": 1, "gfpgan-128": 1},
        "seed": 5,
        "steps": 8,
        "batch_size": 4,
        "learning_rate": 2e-3,
        "warmup": 4,
        "perceptual": 0.0,
    }
    return TrainingConfig(**(told | changes))


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Sixteen crops of the sample photographs, 64 pixels, with made landmarks for all but one."""
    folder = tmp_path_factory.mktemp("faces")
    source = open_source("sample-photos", longest=256)
    keys = []
    for key in source.keys:
        photo = source.read(key)
        for left in range(0, photo.shape[1] - 64, 80):
            if len(keys) < 16:
                keys.append(f"{len(keys):02d}.png")
                write_png(folder / keys[-1], np.ascontiguousarray(photo[40:104, left : left + 64]))
    points = np.random.default_rng(1).uniform(8, 56, (len(keys) - 1, 68, 2)).astype(np.float32)
    np.savez(folder / LANDMARKS_FILE, keys=np.array(keys[1:]), landmarks=points)
    return folder


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_fifty_steps_lower_the_loss(faces, tmp_path):
    pale = tmp_path / "pale.yaml"
    pale.write_text(
        "name: pale\nversion: 1\nsummary: A pale print.\nsource: this test\nsteps:\n"
        "  - {operation: haze, alpha: 0.6, level: 230}\n"
        "  - {operation: gaussian_noise, sigma: {uniform: [2, 10]}}\n"
    )
    config = small(steps=50, decay=0.2, families={str(pale): 1})
    losses = []
    train(config, faces, tmp_path / "run", on_step=lambda done, told: losses.append(told["l1"]))
    batches = FaceBatches(config, faces)
    untouched = np.mean(
        [float((batches[s].hq - batches[s].lq).abs().mean()) for s in range(40, 50)]
    )
    assert np.mean(losses[-10:]) < 0.8 * untouched


@pytest.mark.parametrize("adversarial", [0.0, 0.01])
def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit(faces, tmp_path, adversarial):
    config = small(adversarial=adversarial, adversarial_from=0.25)
    whole = train(config, faces, tmp_path / "whole")
    train(config, faces, tmp_path / "parts", until=3)
    parts = train(config, faces, tmp_path / "parts")
    assert whole.read_bytes() == parts.read_bytes()
    first, second = (
        torch.load(tmp_path / name / "state.pt", weights_only=True) for name in ("whole", "parts")
    )
    assert first["done"] == second["done"] == 8
    for name, value in first["critic"].items():
        assert torch.equal(value, second["critic"][name])


def test_another_configuration_is_refused_in_a_begun_folder(faces, tmp_path):
    train(small(), faces, tmp_path, until=1)
    with pytest.raises(TrainingError, match="another configuration"):
        train(small(seed=6), faces, tmp_path)


def test_batches_depend_on_the_step_alone(faces):
    one, two = FaceBatches(small(), faces), FaceBatches(small(), faces)
    _ = one[0], one[1]
    for field in ("hq", "lq", "mask"):
        assert torch.equal(getattr(one[5], field), getattr(two[5], field))


def test_faces_come_with_their_mask_the_mean_one_or_none(faces):
    every = small(batch_size=16, no_mask=0.5, template_mask=0.25)
    batches = FaceBatches(every, faces)
    sums = torch.cat([batches[step].mask.sum(dim=(1, 2, 3)) for step in range(20)])
    assert 0.4 < float((sums == 0).float().mean()) < 0.6
    mean = batches._mean.sum()
    assert 0.15 < float((sums - mean).abs().lt(0.05).float().mean()) < 0.4


def test_faces_of_another_size_are_refused_in_one_line(faces):
    with pytest.raises(TrainingError, match="zoo align"):
        FaceBatches(small(network=StyleConfig(128, {16: 8, 32: 8, 64: 8})), faces)


def test_the_log_has_means_of_fifty_steps(faces, tmp_path):
    train(small(steps=50), faces, tmp_path)
    (line,) = (tmp_path / "losses.jsonl").read_text().splitlines()
    assert json.loads(line)["step"] == 50
    assert 0 < json.loads(line)["l1"] < 1


def test_the_weights_file_says_what_made_it(faces, tmp_path):
    from safetensors import safe_open

    path = train(small(), faces, tmp_path)
    with safe_open(path, framework="pt") as file:
        told = json.loads(file.metadata()["relume"])
        assert all(file.get_tensor(name).dtype == torch.float16 for name in file.keys())  # noqa: SIM118
    assert told["steps"] == 8
    assert told["config"]["seed"] == 5


def test_equal_images_have_no_perceptual_distance_and_others_have():
    loss = PerceptualLoss(stages=2)
    image = torch.rand(1, 3, 64, 64)
    assert float(loss(image, image)) == 0
    assert float(loss(image.flip(3), image)) > 0.01


def test_adversarial_losses_have_their_closed_forms():
    real, restored = torch.tensor([0.0, 2.0]), torch.tensor([0.0])
    assert float(fooling_loss(restored)) == pytest.approx(np.log(2))
    told = (np.log(2) + np.log1p(np.exp(-2))) / 2 + np.log(2)
    assert float(telling_loss(real, restored)) == pytest.approx(told)


def test_the_gradient_penalty_of_a_linear_score_is_its_squared_slope():
    real = torch.rand(2, 3, 4, 4, requires_grad=True)
    slope = torch.rand(3, 4, 4)
    penalty = gradient_penalty((real * slope).sum(dim=(1, 2, 3)), real)
    assert float(penalty) == pytest.approx(float(slope.square().sum()), rel=1e-5)


def test_every_shipped_configuration_loads_and_an_unknown_key_is_named(tmp_path):
    for name in list_configs():
        assert load_config(name).name == name
    path = tmp_path / "mine.yaml"
    path.write_text("name: a\nstepz: 3\n")
    with pytest.raises(TrainingError, match="Did you mean 'steps'"):
        load_config(path)
