import csv
import io
from pathlib import Path

import pytest

from bench.report.costs import (
    cost_facts,
    costs_csv,
    costs_markdown,
    costs_of,
    costs_text,
    machine_of,
)
from bench.report.model import Report
from bench.runner.efficiency import Efficiency
from bench.store.record import Run
from degrade.errors import DatasetError

RECORD = {
    "environment": {"cpu": "a | b"},
    "efficiency": [
        Efficiency("input", 3, 2e-5, 4e-5, 0, 0).as_record(),
        Efficiency("net|1", 3, 0.0314, 0.0471, 12_345_678, 1_924_688).as_record(),
        Efficiency("program", 0, None, None, None, None).as_record(),
    ],
}


def test_every_number_has_its_unit_and_what_is_not_known_is_a_dash():
    text = costs_text(RECORD).splitlines()
    assert text[0].split() == [
        "restorer",
        "p50",
        "ms",
        "p95",
        "ms",
        "memory",
        "MB",
        "parameters",
        "n",
    ]
    assert text[1].split() == ["input", "0.02", "0.04", "0.0", "0", "3"]
    assert text[2].split() == ["net|1", "31.4", "47.1", "12.3", "1,924,688", "3"]
    assert text[3].split() == ["program", "-", "-", "-", "-", "0"]


def test_markdown_escapes_names_and_names_the_machine():
    text = costs_markdown(RECORD)
    assert r"| net\|1 | 31.4 | 47.1 | 12.3 | 1,924,688 | 3 |" in text
    assert text.endswith(r"a \| b.")


def test_a_run_that_is_not_finished_has_no_costs():
    record = {"environment": {"cpu": "x"}}
    assert (cost_facts(record), costs_text(record), costs_markdown(record)) == ([], "", "")


MANIFEST = RECORD | {
    "suite": {"name": "@suite"},
    "started": "2026-01-01",
    "environment": {"cpu": "=cpu", "cpus": 2, "torch_threads": 1, "relume": "0"},
}


def report_of(record):
    return Report(Run(Path("none"), record, ()), (), (), {}, ())


def test_the_csv_is_in_seconds_and_bytes_and_runs_no_formula():
    hostile = Efficiency("-net", 1, 0.5, 0.5, 7, 8, 32, ("GPU one", "cpu")).as_record()
    entries = [*RECORD["efficiency"], hostile]
    lines = list(
        csv.DictReader(io.StringIO(costs_csv(report_of(MANIFEST | {"efficiency": entries}))))
    )
    assert [line["restorer"] for line in lines] == ["input", "net|1", "program", "'-net"]
    assert {(line["suite"], line["cpu"]) for line in lines} == {("'@suite", "'=cpu")}
    assert float(lines[1]["p95_seconds"]) == 0.0471
    assert (lines[1]["memory_bytes"], lines[1]["parameters"]) == ("12345678", "1924688")
    assert (lines[3]["batch"], lines[3]["devices"]) == ("32", "GPU one; cpu")
    unknown = ("p50_seconds", "p95_seconds", "memory_bytes", "parameters")
    assert [lines[2][name] for name in unknown] == [""] * 4


def test_the_csv_of_a_run_that_is_not_finished_has_only_its_head():
    (head,) = costs_csv(report_of({"environment": MANIFEST["environment"]})).splitlines()
    assert head.startswith("suite,restorer,p50_seconds,p95_seconds,memory_bytes,parameters,")


def test_who_computed_elsewhere_or_in_batches_is_named_with_the_machine():
    assert machine_of(MANIFEST) == "=cpu, 1 thread"
    on_gpu = [
        Efficiency(name, 1, 0.5, 0.5, 7, 8, 32, ("GPU one",)).as_record() for name in ("a", "b")
    ]
    record = MANIFEST | {"efficiency": [*RECORD["efficiency"], *on_gpu]}
    assert machine_of(record) == "=cpu, 1 thread; a, b: GPU one, 32 faces a call"
    assert len(costs_of(record)) == 5


WHOLE = Efficiency("net", 3, 0.1, 0.2, 7, None).as_record()
REQUIRED = [name for name in WHOLE if name not in ("batch", "devices")]


@pytest.mark.parametrize("told", [cost_facts, costs_text, costs_markdown])
@pytest.mark.parametrize("field", REQUIRED)
def test_an_entry_without_a_field_is_refused_in_one_line_that_names_it(told, field):
    entry = {name: value for name, value in WHOLE.items() if name != field}
    with pytest.raises(DatasetError, match=rf"efficiency.*`{field}`: repeat its `bench run`") as no:
        told({"environment": {"cpu": "x"}, "efficiency": [WHOLE, entry]})
    assert "\n" not in str(no.value)


@pytest.mark.parametrize(
    "entries", [[3], [None], None, 7, {"p50": 1}, "p50", [WHOLE | {"p50": "1"}]]
)
def test_what_is_no_list_of_costs_is_refused(entries):
    with pytest.raises(DatasetError, match="efficiency"):
        costs_text({"environment": {"cpu": "x"}, "efficiency": entries})
