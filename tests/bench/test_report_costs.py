import pytest

from bench.efficiency import Efficiency
from bench.report.costs import cost_facts, costs_markdown, costs_text
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


WHOLE = Efficiency("net", 3, 0.1, 0.2, 7, None).as_record()


@pytest.mark.parametrize("told", [cost_facts, costs_text, costs_markdown])
@pytest.mark.parametrize("field", WHOLE)
def test_an_entry_without_a_field_is_refused_in_one_line_that_names_it(told, field):
    entry = {name: value for name, value in WHOLE.items() if name != field}
    with pytest.raises(DatasetError, match=rf"has no usable {field}: repeat its `bench run`") as no:
        told({"environment": {"cpu": "x"}, "efficiency": [WHOLE, entry]})
    assert "\n" not in str(no.value)


@pytest.mark.parametrize(
    "entries", [[3], [None], None, 7, {"p50": 1}, "p50", [WHOLE | {"p50": "1"}]]
)
def test_what_is_no_list_of_costs_is_refused(entries):
    with pytest.raises(DatasetError, match="efficiency"):
        costs_text({"environment": {"cpu": "x"}, "efficiency": entries})
