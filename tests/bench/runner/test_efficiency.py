import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from bench.runner.efficiency import Calls, Efficiency, count_parameters, efficiencies
from bench.runner.run import execute

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of a block")


PEAKS = """
import numpy as np
from bench.runner.efficiency import Meter

with Meter() as grown:
    for size in (1, 5, 2):
        np.ones(size * 10_000_000, np.uint8)
with Meter() as idle:
    pass
print(grown.memory, idle.memory)
"""


@LINUX
def test_a_blocks_peak_is_what_it_took_at_most_not_what_it_kept():
    # A process of its own: an allocator that kept room from before would give that first.
    told = subprocess.run([sys.executable, "-c", PEAKS], capture_output=True, check=True)
    grown, idle = map(int, told.stdout.split())
    assert grown == pytest.approx(50e6, rel=0.1)
    assert idle < 5e6  # the peak of before is forgotten


def test_the_largest_of_all_calls_and_processes_counts_and_the_fewest_at_once():
    one, other = Calls(), Calls()
    one.add("a", 3, 8, "cpu")
    other.add("a", 5, 4, "a GPU")
    other.add("b", 1)
    one.take(other)
    one.add("a", 4, 8, "cpu")
    one.add("b", None)
    assert one.memory == {"a": 5, "b": 1}
    assert one.batches == {"a": 4, "b": 1}
    assert one.devices == {"a": {"cpu", "a GPU"}, "b": {"cpu"}}
    assert one.copy().__dict__ == one.__dict__


def test_what_an_earlier_session_recorded_is_taken_in(fakes):
    calls = Calls()
    calls.add("input", 7, 4, "a GPU, CUDA 1")
    timed = [fakes.row(0.1, metric="seconds", restorer="input")]
    record = [each.as_record() for each in efficiencies(timed, fakes.restorers(), calls)]
    again = Calls.of(json.loads(json.dumps(record)))
    assert (again.memory, again.batches["input"]) == ({"input": 7}, 4)
    assert again.devices == {"input": {"a GPU, CUDA 1"}}  # the other one was never called


def test_an_entry_of_before_there_were_batches_is_of_one_face_on_the_processor(fakes):
    entry = efficiencies([], fakes.restorers(), Calls())[0].as_record()
    del entry["batch"], entry["devices"]
    assert (Efficiency.from_record(entry).batch, Efficiency.from_record(entry).devices) == (
        1,
        ("cpu",),
    )


def test_quantiles_are_those_of_the_calls_that_were_timed(fakes):
    times = [0.5, 0.1, 0.2, 0.4, 0.3]
    rows = [
        fakes.row(value, key=str(number), metric="seconds", restorer="input")
        for number, value in enumerate(times)
    ]
    rows += [fakes.row(None, key="failed", metric="seconds", status="error")]
    rows += [fakes.row(9.0, key="0", metric="psnr")]
    calls = Calls()
    calls.add("input", 7)
    timed, never = efficiencies(rows, fakes.restorers(), calls)
    assert (timed.restorer, timed.faces, timed.memory, timed.parameters) == ("input", 5, 7, 0)
    assert (timed.p50, timed.p95) == pytest.approx((0.3, 0.48))
    assert (never.faces, never.p50, never.p95, never.memory) == (0, None, None, None)


def test_parameters_are_counted_once_wherever_a_restorer_keeps_its_networks(fakes):
    shared = torch.nn.Linear(3, 4)  # 12 + 4
    holder = type("Holder", (), {"__module__": "zoo.test"})()
    holder.first, holder.second = shared, torch.nn.Sequential(shared, torch.nn.Linear(4, 1))
    restorer = type("Restorer", (), {"__module__": "zoo.test"})()
    restorer.card = fakes.card("net", kind="network")
    restorer.inner, restorer.again = holder, shared
    assert count_parameters(restorer) == 16 + 5
    restorer.card = fakes.card("net", kind="command")
    assert count_parameters(restorer) is None


def test_the_shipped_network_has_as_many_as_its_file():
    from safetensors import safe_open

    from zoo.registry.registry import load
    from zoo.weights.builtin import weights_path

    with safe_open(weights_path("unet-128"), "pt") as file:
        stored = sum(int(np.prod(file.get_slice(name).get_shape())) for name in file.keys())  # noqa: SIM118
    assert count_parameters(load("unet-128")) == stored


def test_a_run_records_it_beside_the_machine_and_not_among_the_scores(tmp_path, fakes):
    for _ in range(2):  # a second session restores nothing, and forgets nothing
        run = execute(
            fakes.suite(), [[fakes.condition()]], fakes.restorers(), fakes.metrics(), tmp_path / "x"
        )
        told = {each["restorer"]: each for each in run.record["efficiency"]}
        assert list(told) == ["input", "brighter"]
        assert told["brighter"]["faces"] == 3
        assert 0 < told["brighter"]["p50"] <= told["brighter"]["p95"]
        if sys.platform == "linux":
            assert told["brighter"]["memory"] >= 0
    json.dumps(run.record)
    assert "memory" not in (tmp_path / "x" / "rows.csv").read_text()


def test_a_run_goes_on_where_an_entry_of_its_costs_is_none_of_ours(tmp_path, fakes):
    def again():
        return execute(
            fakes.suite(), [[fakes.condition()]], fakes.restorers(), fakes.metrics(), tmp_path / "x"
        )

    again()
    path = tmp_path / "x" / "run.json"
    record = json.loads(path.read_text())
    del record["efficiency"][0]["memory"], record["efficiency"][1]["restorer"]
    path.write_text(json.dumps(record))
    assert [each["restorer"] for each in again().record["efficiency"]] == ["input", "brighter"]


@pytest.mark.parametrize("records", [None, 3, [None], [{"restorer": "a"}], {"restorer": "a"}])
def test_peaks_of_what_is_none_of_ours_are_left_out(records):
    assert Calls.of(records).memory == {}
