import json

import pytest

from bench.speed import scoring
from bench.speed.harness import HarnessLine, measure_harness
from bench.speed.scoring import CASES, ScoringLine, ScoringReport, measure_scoring
from bench.speed.timing import Ratio
from degrade.errors import UserError

FACTS = {"cpu": "c", "python": "3", "relume": "0", "libraries": {"pyiqa": "1"}}


def report(theirs=0.3, run=21.0):
    line = ScoringLine(CASES[0], Ratio.of([0.1] * 3, [theirs] * 3))
    harness = tuple(HarnessLine(name, run, 20.0, 6) for name in ("no cache", "full cache"))
    return ScoringReport(FACTS, 1, 3, (line,), harness)


def test_the_bars_are_a_third_of_the_time_and_a_tenth_of_a_run():
    assert report(theirs=0.31).lines[0].met is True
    assert report(theirs=0.29).lines[0].met is False
    assert report(run=22.0).text().splitlines()[-2].split()[-1] == "yes"
    assert report(run=22.5).text().splitlines()[-2].split()[-1] == "no"
    assert report(run=22.0).text().splitlines()[-1].split()[-1] == "9.1%"  # no bar for it


def test_the_table_and_the_record_say_the_same():
    text, record = report().text(), json.loads(json.dumps(report().record()))
    assert "n = 3 pairs" in text and "n = 6 restored images" in text and "3.0×" in text
    assert record["lines"][0]["ratio"]["median"] == pytest.approx(3.0)
    assert record["harness"][0]["share"] == pytest.approx(1 / 21)


def test_both_sides_score_the_same_pairs_with_equal_values():
    pytest.importorskip("pyiqa")
    measured = measure_scoring(["luma"], pairs=1)
    assert measured.lines[0].ratio.runs == 1
    assert measured.harness == ()


def test_other_values_stop_the_measurement():
    with pytest.raises(UserError, match=r"psnr_eps is 30\.0+ and pyiqa's psnr 30\.1"):
        scoring._check_equal(CASES[0], [30.0, 0.9], [30.1, 0.9])


def test_the_harness_is_timed_on_runs_of_every_kind(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.speed.harness._ROUNDS", 1)
    scoring._write_pairs(tmp_path, 1)
    lines = measure_harness(tmp_path / "hq", tmp_path / "runs")
    assert [line.name for line in lines] == ["no cache", "empty cache", "full cache"]
    assert all(line.images == 4 and line.run_ms > 0 and line.work_ms > 0 for line in lines)
    assert len(list((tmp_path / "runs").glob("*/rows.csv"))) == 3 * 2
