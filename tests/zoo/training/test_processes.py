import os
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")

from training_stand_ins import one_thread, write_faces  # noqa: E402

from zoo.training.base.config import TrainingError  # noqa: E402
from zoo.training.base.distributed import Processes, joined  # noqa: E402
from zoo.training.base.run import train  # noqa: E402
from zoo.training.tasks.registry import load_training  # noqa: E402
from zoo.training.tasks.restorer.trainer import RestorerTrainer  # noqa: E402

CONFIG = """\
name: shared
network: {size: 64, channels: {8: 16, 16: 16, 32: 12}, style: 8}
families: {kuaishou-64: 1, gfpgan-64: 1}
steps: 3
batch_size: 4
warmup: 0
perceptual: 0
clean: 0.2
adversarial:
  channels: {4: 8, 8: 8, 16: 8, 32: 8}
  patch: 2
  alone: 10
"""


def test_parts_are_equal_and_cover_the_batch():
    parts = [Processes(rank, 3).part(12) for rank in range(3)]
    assert [place for part in parts for place in part] == list(range(12))
    with pytest.raises(TrainingError, match="a batch of 16 faces cannot be shared equally by 3"):
        Processes(0, 3).part(16)


def test_a_process_alone_changes_nothing():
    tensor = torch.rand(5)
    before = tensor.clone()
    Processes().average([tensor])
    assert torch.equal(tensor, before)
    with joined("cpu") as (processes, device):
        assert processes == Processes()
        assert device == torch.device("cpu")


@pytest.mark.parametrize("device", ["cuda", "mps", "gpu"])
@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_device_that_is_not_here_is_one_line(device):
    with (
        pytest.raises(TrainingError, match=f"no device '{device}' here: use --device cpu"),
        joined(device),
    ):
        pass


def test_two_processes_of_torchrun_learn_what_one_learns(tmp_path):
    faces = write_faces(tmp_path / "faces")
    path, out = tmp_path / "shared.yaml", tmp_path / "two"
    path.write_text(CONFIG)
    told = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
            *("-m", "zoo", "train", str(path), "--faces", str(faces), "--out", str(out)),
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "note: 2 processes share each batch of 4" in told.stderr
    assert told.stdout.count("shared.safetensors after") == 1
    config = load_training(path)
    with one_thread():
        losses = []
        train(config, faces, tmp_path / "one", on_step=lambda done, told: losses.append(told))
        begun = RestorerTrainer(config, torch.device("cpu"))
    one, two = (
        torch.load(tmp_path / name / "state.pt", weights_only=True) for name in ("one", "two")
    )
    face = begun.adversarial.discriminators["face"].network.state_dict()
    # A discriminator compares the faces of a group, and a process sees its own alone: it learns
    # much the same, not the same.
    for start, single, shared, most in (
        (begun.network.state_dict(), one["network"], two["network"], 1e-3),
        (face, *(state["adversarial"]["face"]["network"] for state in (one, two)), 0.9),
    ):
        start, single, shared = (
            torch.cat([value.flatten() for value in state.values()])
            for state in (start, single, shared)
        )
        learned = (single - start).norm()
        assert float(learned) > 0.01
        assert float((shared - single).norm() / learned) < most
    assert {"l1", "discriminator", "accuracy"} <= set(losses[-1])
    assert one["done"] == two["done"] == 3
