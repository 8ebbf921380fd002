import importlib.util
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from skimage import data

from bench.cli import main
from bench.metrics.entry import Status
from bench.metrics.metric import PairMetric, Sample
from bench.metrics.no_reference.pyiqa_metric import (
    fetch_pyiqa,
    load_pyiqa,
    network_shut,
    pyiqa_entry,
)
from bench.metrics.registry import load_metric
from degrade.errors import UserError
from zoo.weights.files import WeightsMissing, WeightsRefused

HQ = data.astronaut()[:128, 100:228]
RESTORED = np.clip(HQ + np.random.default_rng(0).normal(0, 20, HQ.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    util = pytest.importorskip("pyiqa.utils.download_util")
    monkeypatch.setattr(util, "DEFAULT_CACHE_DIR", str(tmp_path))
    return tmp_path


def test_without_the_package_it_is_a_status(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pyiqa" else find_spec(name)
    )
    measured = load_metric("pyiqa:musiq").measure(Sample(HQ), Sample(HQ))
    assert (measured.value, measured.status) == (None, Status.PACKAGE_MISSING)
    assert "relume[pyiqa]" in measured.detail


def test_direction_and_signature_are_pyiqas():
    version = pytest.importorskip("pyiqa").__version__
    facts = {name: pyiqa_entry(f"pyiqa:{name}") for name in ("gmsd", "musiq", "niqe")}
    directions = {name: entry.direction for name, entry in facts.items()}
    assert directions == {"gmsd": "lower", "musiq": "higher", "niqe": "lower"}
    assert facts["musiq"].signature == f"pyiqa:musiq|{version}|rgb|u8|batch1|seed0"


def test_values_are_pyiqas_own():
    pyiqa = pytest.importorskip("pyiqa")
    metric = load_metric("pyiqa:gmsd")
    assert isinstance(metric, PairMetric)
    tensors = [torch.from_numpy(i.copy()).permute(2, 0, 1)[None] / 255 for i in (RESTORED, HQ)]
    expected = float(pyiqa.create_metric("gmsd", device="cpu")(*tensors))
    assert metric.measure(Sample(RESTORED), Sample(HQ)).value == expected
    sizes = metric.measure(Sample(RESTORED[:99]), Sample(HQ))
    assert sizes.status is Status.ERROR


def test_metrics_without_reference_read_no_truth_and_leave_generators_alone():
    pytest.importorskip("pyiqa")
    metric = load_metric("pyiqa:entropy")
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002 - the one meant
    one = metric.measure(Sample(RESTORED), Sample(HQ[:3, :5])).value
    assert one == metric.measure(Sample(RESTORED), Sample(HQ)).value
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002 - as above


@pytest.mark.parametrize(
    ("name", "told"), [("musik", "Did you mean 'musiq'"), ("fid", "take fid or kid")]
)
def test_names_that_cannot_be_used_are_one_line(name, told):
    pytest.importorskip("pyiqa")
    with pytest.raises(UserError, match=told) as caught:
        load_metric(f"pyiqa:{name}")
    assert "\n" not in str(caught.value)


def test_missing_weights_are_a_status_at_once_and_nothing_is_fetched(empty_cache, capsys):
    start = time.process_time()
    measured = load_metric("pyiqa:musiq").measure(Sample(HQ), Sample(HQ))
    assert (measured.value, measured.status) == (None, Status.WEIGHTS_MISSING)
    assert "bench metrics --fetch pyiqa:musiq" in measured.detail
    assert time.process_time() - start < 20
    assert list(empty_cache.iterdir()) == []
    assert capsys.readouterr() == ("", "")


def test_a_download_that_the_shut_network_refuses_is_not_announced(monkeypatch, capsys):
    """pyiqa announces its own by `print`, torch.hub those of backbones on standard error."""
    pytest.importorskip("pyiqa")

    def create(name):
        print("Downloading: one")  # noqa: T201 - what pyiqa does
        sys.stderr.write("Downloading: two\n")
        raise urllib.error.URLError("refused")

    monkeypatch.setattr("bench.metrics.no_reference.pyiqa_metric._create", create)
    assert load_pyiqa("pyiqa:musiq").measure(Sample(HQ), Sample(HQ)).status is (
        Status.WEIGHTS_MISSING
    )
    assert capsys.readouterr() == ("", "")
    with pytest.raises(WeightsMissing):
        fetch_pyiqa("pyiqa:musiq")
    assert capsys.readouterr() == ("", "Downloading: one\nDownloading: two\n")


def test_weights_that_would_run_code_are_refused(empty_cache):
    class Runs:
        def __reduce__(self):
            return (empty_cache.joinpath("ran").touch, ())

    name = "musiq_koniq_ckpt-e95806b9.pth"
    torch.save({"params": Runs()}, empty_cache / name)
    with pytest.raises(WeightsRefused, match="could run code"):
        load_pyiqa("pyiqa:musiq")
    assert not (empty_cache / "ran").exists()


def test_the_network_is_shut_within_and_open_again_afterwards():
    pytest.importorskip("huggingface_hub")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"

        def answer():
            connection = server.accept()[0]
            connection.recv(1000)
            connection.sendall(b"HTTP/1.0 204 No Content\r\n\r\n")
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        with network_shut(), pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(address, timeout=5)
        with urllib.request.urlopen(address, timeout=5) as found:
            assert found.status == 204


def test_fetching_is_for_pyiqas_names_and_consent_for_licences(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    wrong = CliRunner().invoke(main, ["metrics", "--fetch", "lpips"], standalone_mode=False)
    assert isinstance(wrong.exception, click.ClickException)
    assert "zoo fetch" in wrong.exception.message
    done = CliRunner().invoke(main, ["metrics", "--accept-licence", "ibug-68"])
    assert done.exit_code == 0
    assert "iBUG" in done.output
    assert "ibug-68" in (tmp_path / "relume" / "accepted-licences.txt").read_text()
