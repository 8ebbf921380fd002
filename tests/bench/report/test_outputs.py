from __future__ import annotations

import csv
import io
import json
import math
import re

import pytest

from bench.report import build_report, write_report
from bench.report.gallery import captions_of, identity_losses
from bench.report.images import collect
from bench.report.latex import latex
from bench.report.page import html_page
from bench.report.records import report_json
from bench.report.severity import severity_csv, severity_markdown, severity_terminal
from bench.runner.run import execute
from bench.store.record import Run
from degrade.planner.plan import Step

NAME = "=bad_{%$#&~^|<b>"
"""A restorer's name that is a formula, a command, a tag and a table's end."""


def steps(index):
    sigma = 5.0 + 9 * index
    return (Step("gaussian_noise", 1, "lq", {"sigma": sigma, "per_channel": True}),)


@pytest.fixture
def run(tmp_path, fakes):
    nothing, brighter = fakes.restorers()
    hostile = fakes.Restorer(fakes.card(NAME), brighter.act)
    told = fakes.Restorer(fakes.card("told", blind=False, kind="oracle"), brighter.act)

    def error(restored, hq):
        return abs(restored.image.astype(float) - hq.image).mean()

    def psnr(restored, hq):
        found = error(restored, hq)
        return math.inf if found == 0 else 40 - found

    metrics = [
        fakes.PairMetric("lpips", error, "lower"),
        fakes.PairMetric("psnr", psnr, unit="dB"),
        fakes.PairMetric("identity", lambda r, h: 1 - r.image.mean() / 900, unit="cosine"),
    ]
    condition = fakes.condition(keys=("a", "b", "@c", "d"), steps=steps)
    suite = fakes.suite(restorers=("input", NAME, "told"), metrics=("lpips", "psnr", "identity"))
    return execute(suite, [[condition]], [nothing, hostile, told], metrics, tmp_path / "run")


@pytest.fixture
def report(run):
    return build_report(run)


def test_latex_escapes_every_sign_and_its_braces_close(report):
    text = latex(report)
    assert r"=bad\_\{\%\$\#\&\textasciitilde{}\textasciicircum{}\textbar{}" in text
    bare = re.sub(r"\\[{}]", "", text)
    depth = 0
    for sign in bare:
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    assert depth == 0
    rows = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert len({len(re.findall(r"(?<!\\)&", row)) for row in rows}) == 1
    assert r"lpips $\downarrow$" in text
    assert r"told (oracle)" in text.split(r"\midrule")[-1]


def test_json_is_strict_and_holds_what_the_tables_hold(report):
    found = json.loads(report_json(report), parse_constant=pytest.fail)
    (board,) = found["leaderboards"]
    line = next(each for each in board["lines"] if each["restorer"] == NAME)
    cell = report.tables[0].lines[1].cells[0]
    assert line["scores"]["lpips"]["mean"]["mean"] == cell.mean.mean
    assert line["scores"]["lpips"]["signature"] == "fake|1"
    assert [each["metric"] for each in found["severity"]] == ["lpips", "psnr", "identity"]
    assert found["run"]["suite"]["name"] == "small"


def test_the_severity_csv_is_stable_quotes_formulas_and_reads_back(run, report):
    text = severity_csv(report)
    shuffled = build_report(Run(run.folder, run.record, run.rows[::-1]))
    assert severity_csv(shuffled) == text
    lines = list(csv.DictReader(io.StringIO(text)))
    assert {line["restorer"] for line in lines} == {"input", f"'{NAME}", "told"}
    scores = [ln for ln in lines if (ln["measure"], ln["restorer"]) == ("score", "input")]
    lpips = [float(line["mean"]) for line in scores if line["metric"] == "lpips"]
    assert lpips == [1.5, 3, 4]
    left = next(
        line for line in lines
        if line["measure"] == "error_left" and line["restorer"] == "told"
        and line["metric"] == "lpips" and not line["family"]
    )  # fmt: skip
    assert float(left["mean"]) == pytest.approx(3 / 4)


def test_severity_in_words_names_each_restorer_and_folds(report):
    text = severity_terminal(report.severity, 60)
    assert NAME in text
    assert "75 –" in text
    said = text.split("\n\n")[-1]
    assert max(map(len, said.splitlines())) <= 60
    table = severity_markdown(report.severity)[2]
    assert r"=bad\_{%\$#\&\~^\|\<b\>" in table
    rows = table.splitlines()
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


def test_markdown_ends_with_severity(run, tmp_path):
    write_report(run, markdown=tmp_path / "r.md")
    assert "\n## By severity\n" in (tmp_path / "r.md").read_text()


def test_pictures_stop_where_the_page_is_full_and_the_most_telling_come_first(report):
    (captions,) = captions_of(report)
    assert captions.leader == NAME
    assert set(captions.order) == {"a", "b", "@c", "d"}
    (few,) = collect(report, [captions.order], 1).images
    assert [each.key for each in few] == [captions.order[0]]
    (every,) = collect(report, [captions.order], 10**9).images
    assert len(every) == 4


def test_captions_tell_the_degradation_and_the_rank(report):
    (captions,) = captions_of(report)
    assert captions.degradations["a"] == "Gaussian noise sigma 5.0"
    rank = captions.ranks["a"][NAME]
    assert (rank["of"], rank["gain"]) == (4, 1.0)
    assert rank["text"].endswith("by lpips: 0.000, 1.000 better than the input")


def test_losses_of_identity_are_by_blind_restorers_and_the_largest_first(report):
    losses, count = identity_losses(report)
    assert count == 4
    assert {loss.restorer for loss in losses} == {NAME}
    assert all(loss.worse == pytest.approx(1 / 900) for loss in losses)


def test_a_truth_that_many_conditions_show_counts_each_time_it_is_written(
    tmp_path, fakes, monkeypatch
):
    """Pictures stand in the page before any script runs, so one may be written many times."""
    from bench.report import page

    conditions = [fakes.condition(recipe=f"r{n}", keys=("a", "b", "c")) for n in range(12)]
    suite = fakes.suite(recipes=tuple(each.recipe for each in conditions))
    run = execute(suite, [conditions], fakes.restorers(), fakes.metrics(), tmp_path / "run")
    room = 2_000
    monkeypatch.setattr(page, "_IMAGES", room)
    text = html_page(build_report(run))
    sizes = [len(data) * 3 // 4 for data in re.findall(r"data:image/webp;base64,([^\"]+)", text)]
    assert 0 < sum(sizes) < room + 4 * max(sizes)


def test_a_page_of_many_conditions_stays_below_15_megabytes(report, monkeypatch):
    from bench.report import page

    monkeypatch.setattr(page, "_CELL", 10**9)  # as if the tables alone filled it
    text = html_page(report)
    assert '<figure class="comparison"' not in text
    assert "data:image/webp" not in text
