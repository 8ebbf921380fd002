import dataclasses
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from trained_weights import as_file  # noqa: E402
from training_stand_ins import (  # noqa: E402
    ADVERSARIAL,
    NETWORK,
    face_pack,
    one_thread,
    small,
    write_faces,
    write_template,
)

import zoo  # noqa: E402
from degrade.errors import DatasetError  # noqa: E402
from degrade.images import read_image  # noqa: E402
from zoo.training.base.config import TrainingError  # noqa: E402
from zoo.training.base.run import STATE_FILE, train  # noqa: E402
from zoo.training.data.batches import FaceBatches  # noqa: E402
from zoo.training.tasks.restorer import trainer as restorer_trainer  # noqa: E402
from zoo.training.tasks.restorer.config import RestorerTraining  # noqa: E402
from zoo.training.tasks.restorer.trainer import RestorerTrainer  # noqa: E402
from zoo.weights.download import sha256_of  # noqa: E402
from zoo.weights.files import WeightsMissing, WeightsRefused, load_safetensors  # noqa: E402
from zoo.weights.header import read_trained_file  # noqa: E402


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return write_faces(tmp_path_factory.mktemp("faces"))


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def states(*folders):
    return [torch.load(folder / STATE_FILE, weights_only=True) for folder in folders]


def same_state(one, other):
    first, second = states(one, other)
    assert first["done"] == second["done"]
    return all(
        torch.equal(value, second[part][name])
        for part in ("network", "average")
        for name, value in first[part].items()
    )


def lines(folder):
    return [json.loads(line) for line in (folder / "losses.jsonl").read_text().splitlines()]


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
    batches = FaceBatches(config, face_pack(faces))
    apart = [(batches[s].hq.float() - batches[s].lq.float()).abs() / 255 for s in range(40, 50)]
    untouched = np.mean([float(each.mean()) for each in apart])
    assert np.mean(losses[-10:]) < 0.8 * untouched


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"adversarial": dataclasses.replace(ADVERSARIAL, start=2, alone=1, augment_images=8)},
        {"adversarial": ADVERSARIAL, "precision": "bfloat16", "clean": 0.2},
        {"mask_errors": 0.5, "consistency": 0.5},
    ],
)
def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit(faces, tmp_path, changes):
    config = small(**changes)
    whole = train(config, faces, tmp_path / "whole")
    train(config, faces, tmp_path / "parts", until=3)
    parts = train(config, faces, tmp_path / "parts")
    assert whole.read_bytes() == parts.read_bytes()
    assert same_state(tmp_path / "whole", tmp_path / "parts")


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
sys.path.insert(0, {tests!r})
from training_stand_ins import small
from zoo.training.base import run

torch.set_num_threads(1)
run._SAVE_EVERY = 1
moment = {moment!r}
if moment:
    module, name, count = moment
    real, seen = getattr(sys.modules[module], name), [0]

    def dying(*arguments, **keywords):
        seen[0] += 1
        if seen[0] == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **keywords)

    setattr(sys.modules[module], name, dying)
run.train(small(steps=12), Path({faces!r}), Path({out!r}))
"""


def killed(faces, out, moment):
    """Train in another process, which kills itself in a call, or is killed from here."""
    tests = str(Path(__file__).parents[1])
    script = KILLED.format(tests=tests, moment=moment, faces=str(faces), out=str(out))
    return subprocess.Popen([sys.executable, "-c", script])


def test_a_run_killed_while_it_writes_its_state_goes_on_bit_for_bit(faces, tmp_path):
    config, out = small(steps=12), tmp_path / "killed"
    # The sixth rename, the first being that of the faces: the state is not yet under its name.
    assert killed(faces, out, ("os", "replace", 6)).wait() == -signal.SIGKILL
    assert states(out)[0]["done"] == 4
    assert len(list(out.glob(".*.part"))) == 1
    train(config, faces, out)
    train(config, faces, tmp_path / "whole")
    assert same_state(out, tmp_path / "whole")
    assert not list(out.glob(".*.part"))


@pytest.mark.slow
def test_a_run_killed_at_any_moment_goes_on_bit_for_bit(faces, tmp_path):
    config, out = small(steps=12), tmp_path / "killed"
    draw = random.Random(3)
    for _ in range(6):
        process = killed(faces, out, None)
        before = states(out)[0]["done"] if (out / STATE_FILE).is_file() else -1
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if (out / STATE_FILE).is_file() and states(out)[0]["done"] > before:
                break
            time.sleep(0.02)
        time.sleep(draw.uniform(0, 0.3))
        process.kill()
        process.wait()
    train(config, faces, out)
    train(config, faces, tmp_path / "whole")
    assert same_state(out, tmp_path / "whole")


def test_another_configuration_is_refused_in_a_begun_folder(faces, tmp_path):
    train(small(), faces, tmp_path, until=1)
    with pytest.raises(TrainingError, match=r"another configuration \(seed 5, now 6\)"):
        train(small(seed=6), faces, tmp_path)


def test_the_log_has_means_of_fifty_steps_and_their_speed(faces, tmp_path):
    losses = []
    train(small(steps=50), faces, tmp_path, on_step=lambda done, told: losses.append(told["l1"]))
    (line,) = lines(tmp_path)
    assert line["step"] == 50
    assert line["l1"] == pytest.approx(np.mean(losses))
    assert line["images_per_second"] > 0
    assert 0 < line["learning_rate"] < 2e-3


def test_lines_of_steps_that_come_again_are_taken_back(faces, tmp_path):
    train(small(steps=60), faces, tmp_path, until=52)
    log = tmp_path / "losses.jsonl"
    before = log.read_text()
    log.write_text(before + '{"step": 100, "l1": 1}\n{"step": 150, "l1": ')
    train(small(steps=60), faces, tmp_path)
    assert log.read_text() == before


def test_the_sheet_shows_inputs_results_and_truths_and_reaches_tensorboard(
    faces, tmp_path, monkeypatch
):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    monkeypatch.setattr(restorer_trainer, "_SHEET_EVERY", 25)
    train(small(steps=50), faces, tmp_path)
    sheet = read_image(tmp_path / "samples-000025.png")
    assert sheet.shape == (3 * 64, 4 * 64, 3)
    batch = FaceBatches(small(), face_pack(faces))[0]
    for row, images in ((0, batch.lq), (2, batch.hq)):
        wanted = (images[1].flip(1) if batch.flips[1] else images[1]).numpy()
        assert np.array_equal(sheet[64 * row : 64 * row + 64, 64:128], wanted)
    assert not np.array_equal(sheet[:64], sheet[64:128])
    told = events.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    (line,) = lines(tmp_path)
    for name in ("l1", "learning_rate", "images_per_second"):
        (point,) = told.Scalars(name)
        assert point.step == 50
        assert point.value == pytest.approx(line[name], rel=1e-5)
    assert [image.step for image in told.Images("samples")] == [25, 50]


def test_without_tensorboard_and_without_label_maps_the_run_says_so_and_goes_on(
    tmp_path, monkeypatch
):
    pack = face_pack(write_faces(tmp_path / "faces"), parser="none")
    monkeypatch.setattr("zoo.training.base.metrics_log.open_tensorboard", lambda folder, done: None)
    notes = []
    train(
        small(), pack.path, tmp_path / "run", on_start=lambda done, told: notes.append((done, told))
    )
    ((done, (masks, validation, events)),) = notes
    assert done == 0
    assert masks.startswith("masks are off")
    assert validation.startswith("no validation")
    assert "pip install 'relume[train]'" in events


def test_the_weights_file_says_what_made_it(faces, tmp_path):
    path = train(small(), faces, tmp_path)
    told = read_trained_file(path)
    assert all(tensor.dtype == torch.float16 for tensor in load_safetensors(path).values())
    assert told.steps == 8
    assert RestorerTraining.from_record(told.config) == small()
    assert told.begun_from == ""
    assert (told.template, told.loss_networks) == ("tight", ())


def test_the_weights_file_says_how_its_faces_are_aligned(tmp_path):
    folder = write_faces(tmp_path / "faces")
    write_template(folder, "ffhq")
    path = train(small(steps=1), folder, tmp_path / "run")
    assert zoo.card(str(path)).template == "ffhq"


def test_networks_that_were_trained_against_stay_on_the_card_of_all_that_begins_there(
    faces, tmp_path
):
    told = {"perceptual": 0.05, "stages": 1, "steps": 1}
    first = train(small(**told), faces, tmp_path / "first")
    assert zoo.card(str(first)).loss_networks == ("efficientnet-lite0",)
    second = train(small(steps=2), faces, tmp_path / "second", begin_from=first, until=1)
    # The run goes on from its own state, without the weights it began from.
    second = train(small(steps=2), faces, tmp_path / "second")
    third = train(small(steps=1), faces, tmp_path / "third", begin_from=second)
    assert zoo.card(str(third)).loss_networks == ("efficientnet-lite0",)


def test_a_run_begins_from_exported_weights_and_says_so(faces, tmp_path):
    begun = train(small(), faces, tmp_path / "first")
    config = small(seed=9, learning_rate=0.0)
    later = train(config, faces, tmp_path / "second", begin_from=begun)
    assert read_trained_file(later).begun_from == sha256_of(begun)
    tensors = load_safetensors(later)
    for name, tensor in load_safetensors(begun).items():
        assert torch.equal(tensors[name], tensor)
    # The same command goes on, and other weights are not mixed in.
    train(config, faces, tmp_path / "second", begin_from=begun)
    train(config, faces, tmp_path / "second")
    with pytest.raises(TrainingError, match="was not begun from"):
        train(config, faces, tmp_path / "second", begin_from=later)


def test_weights_that_do_not_fit_are_one_line(faces, tmp_path):
    begun = train(small(), faces, tmp_path / "first")
    other = small(network=dataclasses.replace(NETWORK, channels={8: 20, 16: 20, 32: 20}))
    out = tmp_path / "second"
    with pytest.raises(TrainingError, match=r"than tiny: network\.channels .*, now"):
        train(other, faces, out, begin_from=begun)
    odd = tmp_path / "odd.safetensors"
    network = {"design": "style", "size": 64, "channels": [8, 16]}
    as_file(odd, {}, {"config": {"network": network}, "steps": 1})
    with pytest.raises(WeightsRefused, match="does not say what network it holds"):
        train(small(), faces, out, begin_from=odd)
    with pytest.raises(WeightsMissing, match="cannot be read"):
        train(small(), faces, out, begin_from=tmp_path / "none.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(begun.read_bytes()[:500])
    with pytest.raises(WeightsRefused, match=r"cut one|cannot be read"):
        train(small(), faces, out, begin_from=cut)
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, cut)
    with pytest.raises(WeightsRefused, match="only files that `zoo train` wrote"):
        train(small(), faces, out, begin_from=cut)
    assert not out.exists()


def test_a_larger_network_begins_as_the_smaller_one_seen_through_its_patch(faces, tmp_path):
    begun = train(small(steps=3), faces, tmp_path / "first")
    network = dataclasses.replace(NETWORK, size=128, patch=4)
    larger = RestorerTrainer(small(network=network), torch.device("cpu"))
    assert larger.begin_from(begun) == []
    smaller = RestorerTrainer(small(), torch.device("cpu"))
    smaller.begin_from(begun)
    coarse = torch.rand(1, 3, 64, 64)
    wide = coarse.repeat_interleave(2, 2).repeat_interleave(2, 3)
    with torch.no_grad():
        restored = smaller.network(coarse).repeat_interleave(2, 2).repeat_interleave(2, 3)
        difference = larger.network(wide) - restored
    # Outputs of coarse levels are doubled smoothly, which sees the larger patches' pixels.
    change = restored - wide
    assert float(difference.square().mean()) < 0.05 * float(change.square().mean())


def test_layers_of_another_shape_begin_anew_and_a_line_says_so(faces, tmp_path):
    begun = train(small(steps=1), faces, tmp_path / "first")
    config = small(network=dataclasses.replace(NETWORK, masked=False))
    notes = []
    train(
        config, faces, tmp_path / "second", begin_from=begun, until=1,
        on_start=lambda done, lines: notes.extend(lines),
    )  # fmt: skip
    assert any("of the parameters come from tiny.safetensors" in note for note in notes)


@pytest.mark.parametrize("moment", [3, 50])
def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_last_state(
    faces, tmp_path, monkeypatch, moment
):
    train(small(steps=60), faces, tmp_path, until=2)
    before = (tmp_path / STATE_FILE).read_bytes()
    real = RestorerTrainer.step

    def step(self, batch):
        metrics = real(self, batch)
        return metrics | {"l1": metrics["l1"] * float("nan")} if self.done == moment else metrics

    monkeypatch.setattr(RestorerTrainer, "step", step)
    with pytest.raises(TrainingError, match="l1 is not finite between steps 3 and ") as caught:
        train(small(steps=60), faces, tmp_path, until=max(moment, 5))
    assert caught.value.exit_code == 1
    assert (tmp_path / STATE_FILE).read_bytes() == before


def test_of_two_trainings_in_one_folder_the_second_is_refused(faces, tmp_path):
    def second(notes, done):
        with pytest.raises(DatasetError, match="another process works"):
            train(small(), faces, tmp_path)

    train(small(), faces, tmp_path, until=2, on_start=second)
    train(small(), faces, tmp_path, until=3)
