import copy
import json

import numpy as np
import pytest
import torch

from degrade.images import read_image, write_png
from zoo.networks.stylegan.generator import GeneratorConfig
from zoo.synthesis.generators import load_generator
from zoo.training.base.config import TrainingError
from zoo.training.base.run import STATE_FILE, train
from zoo.training.data.face_pack import PackError
from zoo.training.data.packing import PackOptions, pack_faces
from zoo.training.tasks.generator.config import GeneratorTraining
from zoo.training.tasks.generator.faces import RealFaces
from zoo.training.tasks.generator.trainer import GeneratorTrainer

SMALL = GeneratorConfig(16, {4: 8, 8: 8, 16: 6}, latent=8, depth=2)


def config(**changed):
    values = {"name": "small", "network": SMALL, "steps": 6, "batch_size": 4, "r1_every": 2,
            "path_length_every": 2, "augment_images": 50}  # fmt: skip
    return GeneratorTraining(**{**values, **changed})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("faces")
    rng = np.random.default_rng(0)
    for index in range(10):
        level = rng.integers(10, 60, 3)
        face = np.clip(level + rng.normal(0, 8, (16, 16, 3)), 0, 255).astype(np.uint8)
        write_png(place / f"{index}.png", face)
    return place


def weights(path):
    from safetensors.torch import load_file

    return load_file(path)


@pytest.mark.parametrize("modulation", ["demodulated", "adain"])
def test_a_run_resumed_after_any_step_ends_with_the_same_bytes(folder, tmp_path, modulation):
    network = GeneratorConfig(16, {4: 8, 8: 8, 16: 6}, 8, 2, modulation=modulation)
    run = config(network=network)
    whole = train(run, folder, tmp_path / "whole").read_bytes()
    train(run, folder, tmp_path / "parts", until=3)
    assert train(run, folder, tmp_path / "parts").read_bytes() == whole


def test_a_run_leaves_losses_samples_and_a_generator_that_loads(folder, tmp_path):
    path = train(config(steps=50), folder, tmp_path)
    line = json.loads((tmp_path / "losses.jsonl").read_text().splitlines()[-1])
    assert line["step"] == 50
    assert {"generator", "discriminator", "r1", "path", "augmentation", "accuracy"} <= line.keys()
    loaded = load_generator(path)
    assert loaded.network.config == SMALL
    assert (loaded.name, loaded.template) == ("small", "tight")


def test_both_networks_and_the_average_learn(folder):
    trainer = GeneratorTrainer(config(), torch.device("cpu"))
    networks = {
        "generator": trainer.generator,
        "average": trainer.average,
        "discriminator": trainer.discriminator.network,
    }
    before = {name: copy.deepcopy(network.state_dict()) for name, network in networks.items()}
    real = RealFaces(folder, 16, 4, 0)
    for step in range(3):
        trainer.step(real[step])
    for name, tensors in before.items():
        now = networks[name].state_dict()
        moved = [key for key in tensors if not torch.equal(tensors[key], now[key])]
        assert any(key.endswith("weight") for key in moved), name
    assert trainer.average.average_code.abs().sum() > 0


def test_faces_are_learned_in_colour_within_a_few_hundred_steps(folder, tmp_path):
    """The drawn faces come to have the mean colour of the real ones."""
    run = config(steps=150, batch_size=8, path_length=0, augment_target=0.0,
                    learning_rate=0.01, average_images=50)  # fmt: skip
    trainer = GeneratorTrainer(run, torch.device("cpu"))
    real = RealFaces(folder, 16, 8, 0)
    truth = torch.cat([real[step] for step in range(10)]).mean().item()

    def apart():
        return abs(trainer.draw(64, truncation=1.0).mean().item() - truth)

    assert apart() > 0.25
    for step in range(150):
        trainer.step(real[step])
    assert apart() < 0.1


def test_without_a_target_nothing_is_augmented(folder):
    trainer = GeneratorTrainer(config(augment_target=0.0), torch.device("cpu"))
    real = RealFaces(folder, 16, 4, 0)
    assert [trainer.step(real[step])["augmentation"] for step in range(5)] == [0.0] * 5


def test_mixed_codes_change_once_and_only_as_often_as_told():
    trainer = GeneratorTrainer(config(mixing=1.0), torch.device("cpu"))
    codes = trainer._codes(32, torch.Generator().manual_seed(0))
    changes = (codes[:, 1:] != codes[:, :-1]).any(dim=2).sum(dim=1)
    assert changes.tolist() == [1] * 32
    trainer = GeneratorTrainer(config(mixing=0.0), torch.device("cpu"))
    codes = trainer._codes(32, torch.Generator().manual_seed(0))
    assert (codes == codes[:, :1]).all()


def test_the_average_s_half_life_is_that_of_the_configuration():
    trainer = GeneratorTrainer(config(average_images=8, average_ramp=1.0), torch.device("cpu"))
    trainer.done = 100
    with torch.no_grad():
        trainer.average.constant.zero_()
        trainer.generator.constant.fill_(1)
    for share in (0.293, 0.5):
        trainer._update_average()
        assert trainer.average.constant.mean().item() == pytest.approx(share, abs=0.01)


def test_every_face_is_shown_once_a_round_and_half_are_mirrored(folder):
    real = RealFaces(folder, 16, 5, seed=3)
    plain = {face.numpy().tobytes() for face in RealFaces(folder, 16, 10, 3)[0]}
    shown = torch.cat([real[step] for step in (0, 1)])
    either = [{f.numpy().tobytes(), f.flip(2).contiguous().numpy().tobytes()} for f in shown]
    assert len({frozenset(pair) for pair in either}) == 10
    assert len(plain) == 10
    many = [RealFaces(folder, 16, 10, seed)[0] for seed in range(20)]
    originals = {f.numpy().tobytes() for f in torch.cat(many)}
    assert len(originals) == 20


def test_of_a_pack_the_training_split_is_learned(folder, tmp_path):
    splits = tmp_path / "splits.csv"
    rows = [f"{index}.png,{'train' if index < 7 else 'test'}" for index in range(10)]
    splits.write_text("\n".join(["file,split", *rows]))
    options = PackOptions(parser="none", splits=(splits,))
    path = pack_faces([folder], tmp_path / "faces.pack", options).path
    real = RealFaces(path, 16, 7, seed=3)
    own = [read_image(folder / f"{index}.png") for index in range(7)]
    either = {face.tobytes() for one in own for face in (one, one[:, ::-1])}
    shown = (real[0] * 255).round().byte().permute(0, 2, 3, 1)
    assert len(real) == 7
    assert {face.contiguous().numpy().tobytes() for face in shown} <= either
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(PackError, match="cut short"):
        RealFaces(path, 16, 7, seed=3)


def test_a_part_of_a_batch_is_that_part_of_the_whole_one(folder):
    whole, part = (RealFaces(folder, 16, 4, 1, places) for places in (None, range(2, 4)))
    assert torch.equal(whole[7][2:4], part[7])


def test_another_configuration_does_not_go_on(folder, tmp_path):
    train(config(), folder, tmp_path, until=1)
    with pytest.raises(TrainingError, match=r"learning_rate 0.0025, now 0.1"):
        train(config(learning_rate=0.1), folder, tmp_path)


def test_a_state_that_is_damaged_or_of_another_run_says_so(folder, tmp_path):
    torch.save({"done": 3}, tmp_path / STATE_FILE)
    with pytest.raises(TrainingError, match="no state of a training run"):
        train(config(), folder, tmp_path)
    torch.save({"config": repr(config().as_record()), "done": 3}, tmp_path / STATE_FILE)
    with pytest.raises(TrainingError, match="damaged or of another version"):
        train(config(), folder, tmp_path)


def test_faces_of_another_size_and_missing_folders_are_refused(folder, tmp_path):
    with pytest.raises(TrainingError, match="16 × 16, not 32"):
        RealFaces(folder, 32, 4, 0)
    with pytest.raises(TrainingError, match="neither a folder"):
        RealFaces(tmp_path / "none", 16, 4, 0)


def test_a_generator_begins_from_nothing(folder, tmp_path):
    with pytest.raises(TrainingError, match="begins anew"):
        train(config(), folder, tmp_path, begin_from=tmp_path / "x.safetensors")
