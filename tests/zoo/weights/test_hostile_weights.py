"""Files that would run code when they are opened, by every way on which weights come in."""

import ast
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from degrade.images import write_png
from zoo.cli import main
from zoo.weights.files import KNOWN_WEIGHTS, WeightsRefused, load_state_dict

ROOT = Path(__file__).parents[3]


class Hostile:
    """Writes a file when it is unpickled without care."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return (open, (self.mark, "w"))


@pytest.fixture
def mark(tmp_path):
    return tmp_path / "ran"


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    write_png(path, np.full((40, 50, 3), 90, np.uint8))
    return path


@pytest.fixture(params=["torch", "torch-legacy", "pickle", "named-safetensors"])
def hostile(request, tmp_path, mark):
    """Return a hostile file in each of the guises that a checkpoint can have."""
    safe_name = request.param == "named-safetensors"
    path = tmp_path / ("model.safetensors" if safe_name else "model.pth")
    if request.param == "torch":
        torch.save({"params": Hostile(mark)}, path)
    elif request.param == "torch-legacy":
        torch.save({"params": Hostile(mark)}, path, _use_new_zipfile_serialization=False)
    else:
        path.write_bytes(pickle.dumps({"params": Hostile(mark)}))
    return path


def run(*words):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result
    return result


def test_the_files_of_these_tests_do_run_code_when_opened_without_care(tmp_path, mark):
    path = tmp_path / "model.pth"
    torch.save({"params": Hostile(mark)}, path)
    torch.load(path, weights_only=False)["params"].close()
    assert mark.exists()


def test_the_loader_refuses_it_in_one_line(hostile, mark):
    with pytest.raises(WeightsRefused) as refused:
        load_state_dict(hostile)
    assert "\n" not in str(refused.value) and str(hostile) in str(refused.value)
    assert not mark.exists()


def test_as_a_background_model_it_is_refused_in_one_line(hostile, mark, photo, tmp_path):
    words = ("restore", photo, tmp_path / "out.png", "--model", "bilateral")
    result = run(*words, "--background", hostile)
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("Error: ") and str(hostile) in line
    assert not mark.exists()
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("name", sorted(KNOWN_WEIGHTS))
def test_in_the_place_of_published_weights_its_checksum_gives_it_away(
    name, mark, tmp_path, monkeypatch
):
    place = tmp_path / "weights"
    place.mkdir()
    torch.save({"params": Hostile(mark)}, place / KNOWN_WEIGHTS[name].filename)
    monkeypatch.setenv("RELUME_WEIGHTS", str(place))
    result = run("fetch", name, "--offline")
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert "has sha256" in line and f"zoo fetch {name}" in line
    assert not mark.exists()


def test_a_parser_and_a_detector_with_such_weights_are_refused(mark, photo, tmp_path, monkeypatch):
    monkeypatch.setenv("RELUME_WEIGHTS", str(tmp_path))
    for option, value, name in (
        ("--parser", "bisenet", "bisenet"),
        ("--detector", "yunet", "yunet"),
    ):
        torch.save({"params": Hostile(mark)}, tmp_path / KNOWN_WEIGHTS[name].filename)
        result = run(
            "restore",
            photo,
            tmp_path / "out.png",
            "--model",
            "bilateral",
            option,
            value,
            "--offline",
        )
        assert result.exit_code == 2
        assert "has sha256" in result.stderr
    assert not mark.exists() and not (tmp_path / "out.png").exists()


def opening_calls():
    """Yield ``(file, call)`` of every call in the packages that opens a file of objects."""
    for package in ("degrade", "zoo", "bench"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield path.relative_to(ROOT), node, ast.unparse(node.func)


def may_run_code(call, name):
    options = {word.arg: ast.unparse(word.value) for word in call.keywords}
    if name == "torch.load":
        return options.get("weights_only") != "True"
    if name in ("np.load", "numpy.load"):
        return options.get("allow_pickle", "False") != "False"
    known = {"pickle.load", "pickle.loads", "pickle.Unpickler", "joblib.load", "torch.jit.load"}
    return name in known or name.endswith(("load_from_file", "load_state_dict_from_url"))


def test_no_code_of_ours_opens_a_pickle_that_may_run_code():
    calls = list(opening_calls())
    assert any(name == "torch.load" for _, _, name in calls)
    found = [
        f"{path}:{call.lineno} {name}" for path, call, name in calls if may_run_code(call, name)
    ]
    assert found == []
