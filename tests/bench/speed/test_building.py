import json

import pytest

from bench.speed.building import (
    BAR,
    BuildingLine,
    BuildingReport,
    as_record,
    as_text,
    measure_building,
)


def line(encoding="png", workers=1, rate=50.0, ratio=1.4, wall=1.3):
    return BuildingLine(encoding, workers, rate, 20.0, 14.0, ratio, 1.3, 1.6, wall, 185.0)


def report(*lines):
    facts = {"cpu": "CPU", "python": "3.11", "relume": "0.1.0", "libraries": {}}
    return BuildingReport(facts, "gfpgan", 512, 3, lines)


def test_the_bar_is_for_two_processes():
    assert BAR == 1.5
    assert line(workers=1, ratio=9.0).met is None
    assert line(workers=2, ratio=1.5).met is True
    assert line(workers=2, ratio=1.51).met is False


def test_the_table_says_how_much_of_two_processes_is_used():
    text = as_text(report(line(rate=50.0), line(workers=2, rate=90.0), line("qoi", 2, 80.0)))
    rows = [text_line.split() for text_line in text.splitlines()[3:]]
    assert [row[:4] for row in rows[1:]] == [
        ["png", "1", "50.0", "100%"],
        ["png", "2", "90.0", "90%"],
        ["qoi", "2", "80.0", "-"],
    ]
    assert "build of 512 pictures" in text
    assert "yes" in rows[2]


def test_the_record_is_json_with_the_bar_and_whether_it_is_met():
    record = json.loads(json.dumps(as_record(report(line(workers=2)))))
    assert (record["bar"], record["lines"][0]["met"]) == (1.5, True)


def test_both_sides_are_measured_and_nothing_is_left(tmp_path):
    told = []
    measured = measure_building(
        "gfpgan", images=3, rounds=2, workers=(1,), encodings=("qoi",), folder=tmp_path,
        tell=told.append,
    )  # fmt: skip
    (found,) = measured.lines
    assert told == ["qoi, 1"]
    assert found.codecs_ms > 0
    assert found.low <= found.ratio <= found.high
    assert found.ratio == pytest.approx(found.build_ms / found.codecs_ms, rel=0.7)
    assert 100 < found.kilobytes < 800
    assert found.pairs_per_second > 0
    assert list(tmp_path.iterdir()) == []
