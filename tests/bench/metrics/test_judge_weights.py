"""Which weights a metric says it was loaded from, against what loading it opens."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from bench.metrics.entry import MetricEntry, Status
from bench.metrics.judge_weights import TENSORS, judge_weights, other_weights
from bench.metrics.metric import RegisteredMetric, unavailable
from bench.metrics.no_reference.pyiqa_metric import PyiqaMetric
from bench.metrics.registry import entries, load_metric
from zoo.weights import files as finding
from zoo.weights.files import package_file
from zoo.weights.published import WeightFile

ENDINGS = (".pth", ".pt", ".dat", ".safetensors", ".onnx", ".npz")


@pytest.fixture
def opened():
    """Files of weights that were opened, by name; the hook cannot be taken out again."""
    names, listening = set(), [True]

    def hook(event, arguments):
        if listening and event == "open" and str(arguments[0]).endswith(ENDINGS):
            names.add(Path(arguments[0]).name)

    sys.addaudithook(hook)
    yield names
    listening.clear()


def entry(**changes):
    return MetricEntry("own", "pair", "lower", "", "own|1", "test", **changes)


@pytest.mark.parametrize(
    "name", ["psnr", "kd_efficientnet", "identity_dlib", "identity_arcface_small"]
)
def test_a_metric_tells_the_files_that_it_opens(name, opened):
    metric = load_metric(name)
    seen = set(opened)
    assert judge_weights([metric])[name].keys() == seen


def test_every_judge_of_a_package_that_is_here_has_its_files():
    """A name that is spelt wrong would stop each run."""
    declared = {each for row in entries().values() for each in row.packaged}
    assert len(declared) >= 8
    for package, filename in declared:
        assert package_file(package, filename).is_file()


def test_every_metric_with_a_network_tells_some_weights():
    silent = [
        name
        for name, row in entries().items()
        if row.judge and not (row.packaged or row.weights or row.file)
    ]
    assert silent == ["face_found"]  # dlib's own detector, which is no file


def test_the_digests_are_those_of_the_files(tmp_path, monkeypatch):
    monkeypatch.setenv("RELUME_WEIGHTS", str(tmp_path))
    for name in ("whole.pth", "short.pth", "mine.onnx"):
        (tmp_path / name).write_bytes(name.encode())
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()
    }
    table = {
        "whole": WeightFile("whole", "whole.pth", "", digests["whole.pth"].upper(), "", 0),
        "short": WeightFile("short", "short.pth", "", digests["short.pth"][:8], "", 0),
    }
    monkeypatch.setattr(finding, "KNOWN_WEIGHTS", table)
    for given, file in (
        ({"weights": "whole"}, "whole.pth"),
        ({"weights": "short"}, "short.pth"),
        ({"file": "mine.onnx"}, "mine.onnx"),
    ):
        found = judge_weights([RegisteredMetric(entry(**given))])
        assert found == {"own": {file: digests[file]}}


def test_a_file_is_read_once_however_many_metrics_share_it(tmp_path, monkeypatch):
    (tmp_path / "mine.onnx").write_bytes(b"weights")
    monkeypatch.setenv("RELUME_WEIGHTS", str(tmp_path))
    reads = []
    monkeypatch.setattr(
        "zoo.weights.download.sha256_of", lambda path: reads.append(path) or "d" * 64
    )
    judge_weights([RegisteredMetric(entry(file="mine.onnx")) for _ in range(3)])
    assert len(reads) == 1


def test_what_cannot_run_here_and_what_has_no_entry_tell_nothing(fakes):
    absent = unavailable(entry(weights="alexnet", status=Status.WEIGHTS_MISSING))
    assert judge_weights([absent]) == {"own": {}}
    assert judge_weights(fakes.metrics()) == {"error": {}, "set_distance": {}}


def test_of_pyiqas_metrics_the_loaded_tensors_are_told():
    def digest(state):
        model = SimpleNamespace(state_dict=lambda: state)
        return judge_weights([PyiqaMetric(entry(), model)])["own"]

    weights = torch.arange(6.0).reshape(2, 3)
    first = digest({"a": weights, "nothing": torch.empty(0)})
    assert digest({"a": weights.clone()}) == first
    assert first.keys() == {TENSORS}
    changed = weights.clone()
    changed[1, 2] += 1e-6
    others = [{"a": changed}, {"b": weights}, {"a": weights.double()}, {"a": weights.reshape(3, 2)},
              {"a": weights, "b": weights}]  # fmt: skip
    assert len({first[TENSORS], *(digest(state)[TENSORS] for state in others)}) == 6
    assert digest({"nothing": torch.empty(0)}) == {}


def test_the_first_file_that_differs_is_named():
    one, other = {"weights": {"a": "1" * 64, "b": "2" * 64}}, {"weights": {"a": "1" * 64}}
    assert other_weights(one, one) == ""
    assert other_weights(one, other) == "sha256 of b was 222222222222, now not there"
    for silent in ({}, {"weights": {}}, {"weights": None}):
        assert other_weights(one, silent) == other_weights(silent, one) == ""
