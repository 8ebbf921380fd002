import json

import pytest

from bench.speed.build import BAR, BuildLine, BuildReport, measure_build


def line(encoding="png", workers=1, rate=50.0, ratio=1.4, wall=1.3):
    return BuildLine(encoding, workers, rate, 20.0, 14.0, ratio, 1.3, 1.6, wall, 185.0)


def report(*lines):
    facts = {"cpu": "CPU", "python": "3.11", "relume": "0.1.0", "libraries": {}}
    return BuildReport(facts, "gfpgan", 512, 3, lines)


def test_the_bar_is_for_two_processes():
    assert BAR == 1.5
    assert line(workers=1, ratio=9.0).met is None
    assert line(workers=2, ratio=1.5).met is True
    assert line(workers=2, ratio=1.51).met is False


def test_the_table_says_how_much_of_two_processes_is_used():
    text = report(line(rate=50.0), line(workers=2, rate=90.0), line("qoi", 2, 80.0)).text()
    rows = [text_line.split() for text_line in text.splitlines()[3:]]
    assert [row[:4] for row in rows[1:]] == [
        ["png", "1", "50.0", "100%"],
        ["png", "2", "90.0", "90%"],
        ["qoi", "2", "80.0", "-"],
    ]
    assert "build of 512 pictures" in text
    assert "yes" in rows[2]


def test_the_record_is_json_with_the_bar_and_whether_it_is_met():
    record = json.loads(json.dumps(report(line(workers=2)).record()))
    assert (record["bar"], record["lines"][0]["met"]) == (1.5, True)


def test_both_sides_are_measured_and_nothing_is_left(tmp_path):
    titles = []
    measured = measure_build(
        "gfpgan", images=3, rounds=2, workers=(1,), encodings=("qoi",), folder=tmp_path,
        tell=titles.append,
    )  # fmt: skip
    (line_,) = measured.lines
    assert titles == ["qoi, 1"]
    assert line_.codecs_ms > 0
    assert line_.low <= line_.ratio <= line_.high
    assert line_.ratio == pytest.approx(line_.build_ms / line_.codecs_ms, rel=0.7)
    assert 100 < line_.kilobytes < 800
    assert line_.pairs_per_second > 0
    assert list(tmp_path.iterdir()) == []
