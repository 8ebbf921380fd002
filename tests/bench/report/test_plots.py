from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from bench.report.page_severity import plots, series_class
from bench.stats.bootstrap import Interval
from bench.stats.severity import Curve, Point, Severity
from bench.stats.severity.levels import Degradation, Grading, Level


def a_point(level, mean):
    low, high = (None, None) if mean is None else (mean - 0.1, mean + 0.1)
    return Point(level, str(level), Interval(mean, low, high), 3)


def a_severity(values, *, stated=True):
    """``values[restorer]`` is the mean at each level of one degradation."""
    count = len(next(iter(values.values())))
    levels = tuple(Level(n, str(n), ()) for n in range(1, count + 1))
    grading = Grading("ramps", "steps", stated, (Degradation("grain <b>", "noise", levels),))
    curves = tuple(
        Curve(
            name, "grain <b>", "noise", tuple(a_point(n, v) for n, v in enumerate(means, start=1))
        )
        for name, means in values.items()
    )
    return Severity(grading, "psnr", "higher", "dB", curves, ())


def drawn(severity, order):
    (plot,) = plots(severity, order)
    return ElementTree.fromstring(str(plot.svg))


def test_a_plot_is_well_formed_and_says_in_words_what_it_shows():
    svg = drawn(a_severity({"input": [30, 20], "<i>&": [35, 25]}), ["input", "<i>&"])
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == (
        "grain <b>: psnr over severity. input from 30 to 20. <i>& from 35 to 25."
    )


def test_points_stand_where_their_values_are_between_round_ticks():
    svg = drawn(a_severity({"input": [30, 20], "other": [35, 25]}), ["input", "other"])
    ticks = [e.text for e in svg.iter("text")]
    assert ticks == ["20", "25", "30", "35", "1", "2"]
    lines = {g.get("data-series"): g.find("polyline").get("points") for g in svg.iter("g")}
    heights = {k: [float(p.split(",")[1]) for p in v.split()] for k, v in lines.items()}
    bottom, top = heights["0"][1], heights["1"][0]
    assert bottom > top  # downwards
    assert heights["0"][0] == pytest.approx(bottom + (top - bottom) * 10 / 15, abs=0.1)
    assert len(list(svg.iter("circle"))) == 4


def test_a_level_without_a_value_is_left_out_of_the_line():
    svg = drawn(a_severity({"input": [30, None, 20]}), ["input"])
    (line,) = svg.iter("polyline")
    assert len(line.get("points").split()) == 2


def test_drawn_severities_are_named_by_words():
    svg = drawn(a_severity({"input": [3, 2, 1]}, stated=False), ["input"])
    assert [e.text for e in svg.iter("text")][-3:] == ["mild", "middle", "severe"]


def test_equal_values_and_one_level_still_make_a_plot():
    svg = drawn(a_severity({"input": [2.0]}), ["input"])
    assert len(list(svg.iter("circle"))) == 1


def test_no_value_makes_no_plot():
    assert plots(a_severity({"input": [None, None]}), ["input"]) == []


def test_colours_repeat_with_another_mark_after_the_eighth_restorer():
    assert [series_class(n) for n in (0, 1, 8, 9)] == ["s0", "s1", "s8", "s1 again"]
