import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.speed import virtual
from bench.speed.timing import Ratio
from bench.speed.virtual import VirtualLine, VirtualReport, as_record, as_text, measure_virtual
from degrade.errors import UserError

REPOSITORY = Path(__file__).parents[3]
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
    text, record = as_text(report), json.loads(json.dumps(as_record(report)))
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
        code = f"from bench.cli import main\nmain({['speed', *arguments]!r})"
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY,
            check=False,
        )  # fmt: skip

    done = run("--only", "virtual", "--case", "kuaishou-128", "--runs", "8", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["lines"][0]["recipe"] == "kuaishou-128"
    assert run("--only", "virtual", "--case", "nothing").returncode == 2
    assert run("--only", "virtual", "--peer-python", sys.executable).returncode == 2
    assert run("--only", "build", "--case", "gif").returncode == 2
