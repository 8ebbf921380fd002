import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.speed import virtual
from bench.speed.timing import Ratio
from bench.speed.virtual import VirtualLine, VirtualReport, measure_virtual
from degrade.errors import UserError

FACTS = {"cpu": "c", "python": "3", "relume": "0", "libraries": {}}


def line(recipe, ours, reference):
    return VirtualLine(recipe, Ratio.of([ours] * 3, [reference] * 3), 512, 400, 300, 25_000)


def test_the_bar_is_for_gfpgan_and_met_when_computing_takes_no_longer():
    assert line("gfpgan", 0.006, 0.008).met is True
    assert line("gfpgan", 0.009, 0.008).met is False
    assert line("kuaishou", 0.009, 0.008).met is None
    assert line("gfpgan", 0.006, 0.008).share == pytest.approx(0.75)


def test_the_table_and_the_record_say_the_same():
    report = VirtualReport(FACTS, 1, 120, (line("gfpgan", 0.006, 0.008), line("x", 0.003, 0.001)))
    text, record = report.text(), json.loads(json.dumps(report.record()))
    assert "0.75×" in text and "3.00×" in text and "40 s" in text
    assert [entry["share"] for entry in record["lines"]] == pytest.approx([0.75, 3.0])
    assert [entry["met"] for entry in record["lines"]] == [True, None]


@pytest.fixture(scope="module")
def measured():
    return measure_virtual(["gfpgan", "bsrgan"], pairs=8, plans=50)


def test_both_recipes_are_measured_on_stored_pairs_of_their_own_size(measured):
    assert [line.recipe for line in measured.lines] == ["gfpgan", "bsrgan"]
    assert [line.lq_side for line in measured.lines] == [512, 128]
    assert measured.pairs == 8
    for line in measured.lines:
        assert line.ratio.runs == 8
        assert line.ratio.ours_ms > 0 and line.ratio.reference_ms > 0
        assert line.lq_kilobytes < line.hq_kilobytes
        assert line.plans_per_second > 100


def test_a_computed_pair_that_is_not_the_stored_one_stops_the_measurement():
    computed = np.zeros((2, 2, 3), np.uint8)
    with pytest.raises(UserError, match="not the stored one"):
        virtual._check_equal(computed, computed + np.uint8(1), "a")


def test_too_few_pairs_are_refused():
    with pytest.raises(UserError, match="7 pairs are too few"):
        measure_virtual(["gfpgan"], pairs=7)


def test_the_command_prints_the_table_and_refuses_what_it_does_not_know():
    def run(*arguments):
        return CliRunner().invoke(main, ["speed", *arguments])

    done = run("--only", "virtual", "--case", "kuaishou-128", "--runs", "8", "--memory", "system",
               "--json")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["lines"][0]["recipe"] == "kuaishou-128"
    assert run("--only", "virtual", "--case", "nothing", "--memory", "system").exit_code == 2
    assert run("--only", "virtual", "--peer-python", sys.executable).exit_code == 2
    assert run("--only", "build", "--case", "gif", "--memory", "system").exit_code == 2
