"""Ranks, letters, costs and digits of a leaderboard, and galleries without truths."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from bench.metrics.registry import recorded_entry
from bench.report import build_report
from bench.report.cells import boards_of, decimals
from bench.report.latex import latex
from bench.report.leaderboard import markdown, terminal_table
from bench.report.model import Column, Leaderboard
from bench.report.page import html_page
from bench.report.records import report_json
from bench.report.severity import severity_csv
from bench.runner.run import execute
from bench.stats.bootstrap import Interval
from bench.suite.conditions import AS_FOUND, UndegradedImage
from degrade.planner.plan import Plan, Step

NAME = "=bad_{%$#&~^|<b>"
KEYS = tuple("abcdefghijkl")


def error(restored, hq):
    return float(np.abs(restored.image - 1.0 * hq.image).mean())


def noise(index):
    sigma = 5.0 + 9 * index
    return (Step("gaussian_noise", 1, "lq", {"sigma": sigma, "per_channel": True}),)


@pytest.fixture(scope="module")
def report(fakes, tmp_path_factory):
    """Twelve photographs: a hostile name is better on all, one restorer fails on the last."""

    nothing, brighter = fakes.restorers()

    def fail_on_the_last(face):
        return np.zeros(3, np.uint8) if failing.calls == len(KEYS) else brighter.act(face)

    hostile = fakes.Restorer(fakes.card(NAME), brighter.act)
    failing = fakes.Restorer(fakes.card("failing"), fail_on_the_last)
    told = fakes.Restorer(fakes.card("told", blind=False, kind="oracle"), brighter.act)
    metrics = [fakes.PairMetric("lpips", error, "lower"), fakes.SetMetric()]
    names = ("input", NAME, "failing", "told")
    suite = fakes.suite(restorers=names, metrics=("lpips", "set_distance"))
    condition = fakes.condition(keys=KEYS, steps=noise)
    folder = tmp_path_factory.mktemp("boards") / "run"
    return build_report(
        execute(suite, [[condition]], [nothing, hostile, failing, told], metrics, folder)
    )


def test_letters_and_ranks_stand_in_every_layout_and_oracles_have_none(report):
    (group,) = [each for each in report.groups if each.metric == "lpips"]
    assert set(group.letters[NAME]).isdisjoint(group.letters["input"])
    (board,) = boards_of(report)
    places = {row.line.restorer: row.cells[0].rank for row in board.rows}
    assert places["told"] is None
    assert (places[NAME].rank, places[NAME].letters) == (1, "a")
    assert places["input"].rank > 1
    assert board.lettered
    last = places["input"].letters
    assert 'rank 1 <strong><span class="hidden">group </span>a</strong>' in html_page(report)
    assert re.search(r"\| =bad.*<sub>[^|]*n 12/12, rank 1 a</sub>", markdown(report))
    assert rf"$^{{\mathrm{{{last}}}}}$" in latex(report)
    found = json.loads(report_json(report))
    (kept,) = [g for g in found["significance_groups"] if g["metric"] == "lpips"]
    assert kept["ranks"][NAME] == 1
    (rate,) = [w for w in found["win_rates"] if (w["restorer"], w["against"]) == (NAME, "input")]
    assert (rate["wins"], rate["photographs"]) == (1.0, 12)


def test_costs_are_columns_with_the_machine_below_and_take_the_place_of_seconds(report):
    (board,) = boards_of(report)
    assert [head.column.name for head in board.heads] == ["lpips", "set_distance"]
    assert [column.title for column in board.cost_columns] == [
        "latency p50", "latency p95", "memory", "parameters",
    ]  # fmt: skip
    assert board.timed == "11 to 12"  # the call that failed has no time
    text = html_page(report)
    assert report.run.record["environment"]["cpu"] in text
    assert {each["restorer"] for each in json.loads(report_json(report))["costs"]} == {
        "input", NAME, "failing", "told",
    }  # fmt: skip


def test_a_run_that_is_not_finished_has_seconds_and_no_costs(report):
    record = {key: value for key, value in report.run.record.items() if key != "efficiency"}
    (board,) = boards_of(replace(report, run=replace(report.run, record=record)))
    assert board.cost_columns == ()
    assert [head.column.name for head in board.heads][-1] == "seconds"


def test_n_stands_in_the_head_where_all_have_it_and_in_each_cell_where_not(report):
    (board,) = boards_of(report)
    assert [head.coverage for head in board.heads] == ["", ""]
    (alone,) = boards_of(
        replace(report, tables=tuple(replace(t, lines=t.lines[:2]) for t in report.tables))
    )
    assert [head.coverage for head in alone.heads] == ["12/12"] * 2


def test_columns_with_too_few_photographs_share_a_sentence_and_have_no_ranks(report):
    (lpips,) = [each for each in report.groups if each.metric == "lpips"]
    few = replace(lpips, letters={}, photographs=4, most_photographs=4, beyond_telling=lpips.pairs)
    groups = (few, replace(few, metric="pyiqa:musiq"), replace(few, metric="psnr", photographs=3))
    (board,) = boards_of(replace(report, groups=groups))
    assert not board.lettered
    assert board.notes == (
        "lpips, pyiqa:musiq: too few photographs to tell 3 pairs apart (n 4; 7 can).",
        "psnr: too few photographs to tell 3 pairs apart (n 3 to 4; 7 can).",
    )
    assert all(cell.rank is None for row in board.rows for cell in row.cells)


def test_a_frechet_distance_of_few_images_is_flagged_in_every_layout(report):
    (table,) = report.tables
    place = [column.name for column in table.columns].index("set_distance")
    told = "fd_efficientnet: of fewer than 2,048 images: compare it only at equal n"

    def named(name, n=None):
        columns = list(table.columns)
        columns[place] = Column(recorded_entry({"name": name}))
        lines = [
            replace(line, cells=tuple(
                replace(cell, n=n or cell.n) if cell and at == place else cell
                for at, cell in enumerate(line.cells)
            ))
            for line in table.lines
        ]  # fmt: skip
        facts = report.run.record["metrics"] | {name: report.run.record["metrics"]["set_distance"]}
        run = replace(report.run, record=report.run.record | {"metrics": facts})
        changed = replace(table, columns=tuple(columns), lines=tuple(lines))
        return replace(report, run=run, tables=(changed,))

    layouts = (terminal_table, html_page)
    for layout in layouts:
        assert told in layout(named("fd_efficientnet"))
        assert told not in layout(named("fd_efficientnet", 2048))
        assert "2,048" not in layout(named("kd_efficientnet"))  # unbiased, however few
    assert told.replace("_", r"\_") in markdown(named("fd_efficientnet"))
    assert told.replace("_", r"\_") in latex(named("fd_efficientnet"))


def test_a_name_from_outside_is_only_text_in_the_new_columns_and_tables(report):
    text = html_page(report)
    assert "<b>" not in text
    assert 'class="wins"' in text
    assert "=bad_{%$#&amp;~^|&lt;b&gt;" in text.split('class="wins"')[1]


def test_the_severity_csv_tells_what_a_restorer_lost(report):
    lines = list(csv.DictReader(io.StringIO(severity_csv(report))))
    scores = {
        line["restorer"]: line for line in lines
        if line["measure"] == "score" and line["level"] == "3"
    }  # fmt: skip
    assert (scores["input"]["images"], scores["input"]["attempted"]) == ("4", "4")
    assert (scores["failing"]["images"], scores["failing"]["attempted"]) == ("3", "4")
    left = {
        line["restorer"]: line for line in lines
        if line["measure"] == "error_left" and line["degradation"]
    }  # fmt: skip
    assert (left["failing"]["images"], left["failing"]["attempted"]) == ("3", "4")
    assert (left["told"]["images"], left["told"]["attempted"]) == ("4", "4")


@pytest.mark.parametrize(
    ("half", "decimal_places"),
    [(1.3, 1), (0.4, 2), (0.013, 2), (13.0, 0), (0.0, 2)],
)
def test_a_column_has_no_more_digits_than_its_narrowest_interval_warrants(
    report, half, decimal_places
):
    (table,) = report.tables
    wide, own = Interval(26.0, 16.0, 36.0), Interval(26.0, 26.0 - half, 26.0 + half)
    nothing, other = table.lines[:2]
    nothing = replace(nothing, cells=(replace(nothing.cells[0], mean=wide, difference=wide),))
    other = replace(other, cells=(replace(other.cells[0], mean=wide, difference=own),))
    small = replace(table, columns=table.columns[:1], lines=(nothing, other))
    if half == 0.0:  # equal values tell nothing of what is warranted: the other intervals do
        small = replace(small, lines=(replace(nothing, cells=(_flat(nothing.cells[0], own),)),))
    assert decimals(small, 0) == decimal_places


def _flat(cell, found):
    return replace(cell, mean=found, difference=found)


class Found:
    """Photographs as they were found, as `bench.suite.conditions.Photographs` gives them."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        pair = self.pairs[index]
        plan = Plan(AS_FOUND, AS_FOUND, 0, pair.key, 0, (40, 48), ())
        return UndegradedImage(pair.key, pair.lq, pair.lq, plan)


@pytest.fixture
def without_truths(fakes, tmp_path):
    nothing, brighter = fakes.restorers()
    metrics = [fakes.PairMetric("natural", lambda r, h: float(r.image.mean()), "higher")]
    suite = fakes.suite(metrics=("natural",), recipes=(), truths=False)
    condition = fakes.condition(AS_FOUND, KEYS[:3])
    condition = replace(condition, pairs=Found(condition.pairs))
    return build_report(execute(suite, [[condition]], [nothing, brighter], metrics, tmp_path))


def test_photographs_without_truths_have_a_slider_over_what_there_is(without_truths):
    text = html_page(without_truths)
    assert text.count('<figure class="comparison"') == 3
    assert "HQ" not in re.sub(r"<(script|style).*?</\1>", "", text, flags=re.DOTALL)
    assert not re.search(r"data-versions='[^']*hq", text)
    assert 'value="restored:brighter" selected' in text


def test_it_is_said_that_nobody_knows_the_truth_and_what_ranks_instead(without_truths):
    text = html_page(without_truths)
    assert "These photographs have no truth. They are ranked by natural ↑" in text
    assert "2 restorers on 3 photographs of ramps, as found." in text
    assert "1 of 3 by natural" in text
    assert "left as it is" not in text
    assert "the truths of the same images" not in text


def test_a_table_finds_its_columns_by_name(report):
    table: Leaderboard = report.tables[0]
    assert table.key(0) == ("ramps", "dark", "lpips")
    assert table.condition == ("ramps", "dark")
