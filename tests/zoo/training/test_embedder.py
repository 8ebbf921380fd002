"""The training of a face descriptor, from its configuration to its file."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

torch = pytest.importorskip("torch")

from describing_stand_ins import tiny  # noqa: E402
from training_stand_ins import one_thread, write_faces  # noqa: E402

from zoo.cli import main  # noqa: E402
from zoo.networks.faces.face_descriptor import load_descriptor, save_descriptor  # noqa: E402
from zoo.training.base.config import TrainingError  # noqa: E402
from zoo.training.base.run import STATE_FILE, train  # noqa: E402
from zoo.training.tasks.embedder.batches import IdentityBatches  # noqa: E402
from zoo.training.tasks.embedder.config import ViewConfig  # noqa: E402
from zoo.training.tasks.embedder.trainer import DescriptorTrainer  # noqa: E402
from zoo.weights.files import WeightsMissing, WeightsRefused  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return write_faces(tmp_path_factory.mktemp("faces"))


def test_a_batch_is_a_function_of_its_step_and_holds_two_views_of_each(faces):
    config = tiny()
    batches = IdentityBatches(config, faces)
    assert batches.classes == 16 and len(batches) == 8
    one, again = batches[3], IdentityBatches(config, faces)[3]
    assert torch.equal(one.degraded, again.degraded) and torch.equal(one.clean, again.clean)
    assert torch.equal(one.labels, again.labels)
    assert one.degraded.shape == one.clean.shape == (4, 3, 32, 32)
    assert not torch.equal(one.degraded, one.clean)
    assert sorted(torch.cat([batches[step].labels for step in range(4)]).tolist()) == list(
        range(16)
    )


def test_without_augmentation_and_degradation_both_views_are_the_photograph(faces):
    none = ViewConfig(0, 0, 1, 0, 0, 0, 0, 0, 0, surroundings=0)
    batch = IdentityBatches(tiny(augmentation=none, clean=1.0), faces)[0]
    torch.testing.assert_close(batch.degraded, batch.clean)
    degraded = IdentityBatches(tiny(augmentation=none, clean=0.0), faces)[0]
    torch.testing.assert_close(degraded.clean, batch.clean)
    assert not torch.allclose(degraded.degraded, batch.clean, atol=0.02)


@pytest.mark.parametrize(
    ("size", "words"), [(128, "takes squares of at least 128"), (None, "is no folder")]
)
def test_faces_that_cannot_be_trained_on_are_one_line(faces, tmp_path, size, words):
    from zoo.networks.faces.face_descriptor import DescriptorConfig

    config = tiny(network=DescriptorConfig(size or 32, (8,), 4))
    with pytest.raises(TrainingError, match=words):
        IdentityBatches(config, faces if size else tmp_path / "none")


def test_training_lowers_the_loss_and_tells_the_faces_apart(faces):
    config = tiny(steps=48, learning_rate=0.01, margin=0.1, scale=12.0, batch_size=8, warmup=5)
    batches, trainer = IdentityBatches(config, faces), DescriptorTrainer(config, CPU)
    with one_thread():
        metrics = [trainer.step(batches[step % 6]) for step in range(48)]
    first, last = metrics[:6], metrics[-6:]
    assert sum(t["loss"] for t in last) < 0.6 * sum(t["loss"] for t in first)
    assert sum(t["right"] for t in last) / 6 > 0.7


def test_the_rate_rises_and_falls_and_the_margin_grows():
    trainer = DescriptorTrainer(tiny(steps=100, warmup=10, margin=0.4, margin_warmup=0.5), CPU)
    rates, margins = [], []
    for trainer.done in range(100):
        rates.append(trainer.learning_rate)
        margins.append(trainer.margin)
    assert rates[0] == pytest.approx(0.0002) and max(rates) == rates[10] == pytest.approx(0.002)
    assert rates[55] == pytest.approx(0.001) and rates[-1] < 1e-5
    assert (
        margins[0] == 0 and margins[25] == pytest.approx(0.2) and margins[50] == margins[99] == 0.4
    )


def test_a_run_that_was_stopped_ends_with_the_same_bytes(faces, tmp_path):
    with one_thread():
        whole = train(tiny(), faces, tmp_path / "whole")
        train(tiny(), faces, tmp_path / "parts", until=3)
        parts = train(tiny(), faces, tmp_path / "parts")
    assert whole.read_bytes() == parts.read_bytes()
    assert not load_descriptor(whole).training
    assert [path.name for path in sorted((tmp_path / "whole").iterdir())].count(STATE_FILE) == 1


def test_another_configuration_or_file_is_refused_in_one_line(faces, tmp_path):
    train(tiny(), faces, tmp_path, until=1)
    with pytest.raises(TrainingError, match=r"scale 24.0, now 30"):
        train(tiny(scale=30), faces, tmp_path)
    state = torch.load(tmp_path / STATE_FILE, weights_only=True)
    state["network"].pop("last.weight")
    torch.save(state, tmp_path / STATE_FILE)
    with pytest.raises(TrainingError, match=r"differs at last\.weight"):
        train(tiny(), faces, tmp_path)
    (tmp_path / STATE_FILE).write_bytes(b"cut")
    with pytest.raises(WeightsRefused, match=r"not loaded|damaged"):
        train(tiny(), faces, tmp_path)


def test_a_run_begins_from_anothers_weights_of_the_same_sizes(faces, tmp_path):
    start = train(tiny(), faces, tmp_path / "start", until=2)
    path = train(tiny(seed=6), faces, tmp_path / "next", until=0, begin_from=start)
    ours, theirs = (load_descriptor(each).state_dict() for each in (path, start))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    other = train(tiny(seed=7), faces, tmp_path / "other", until=1)
    with pytest.raises(TrainingError, match="was not begun from"):
        train(tiny(seed=6), faces, tmp_path / "next", begin_from=other)
    with pytest.raises(TrainingError, match="same sizes"):
        from zoo.networks.faces.face_descriptor import DescriptorConfig, FaceDescriptor

        save_descriptor(
            FaceDescriptor(DescriptorConfig(32, (8,), 4)), tmp_path / "small.safetensors"
        )
        train(tiny(), faces, tmp_path / "new", begin_from=tmp_path / "small.safetensors")


def test_weights_to_begin_with_that_cannot_be_read_are_missing(faces, tmp_path):
    for path in (tmp_path / "nofile.safetensors", tmp_path):
        with pytest.raises(WeightsMissing, match=r"cannot be read \(.*name a \.safetensors file"):
            train(tiny(), faces, tmp_path / "run", until=0, begin_from=path)


def test_zoo_train_takes_a_descriptors_configuration(faces, tmp_path):
    told = tiny().as_record() | {"task": "descriptor", "steps": 2}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(told))
    result = CliRunner().invoke(
        main,
        ["train", str(tmp_path / "tiny.yaml"), "--faces", str(faces), "--out", str(tmp_path / "r")],
    )
    assert result.exit_code == 0, result.output
    assert Path(result.stdout.split(" after ")[0]) == tmp_path / "r" / "tiny.safetensors"
    assert "each a person of its own" in result.stderr
