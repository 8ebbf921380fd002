from __future__ import annotations

import csv
import html.parser
import io
import math
import re

import pytest

from bench.metrics.entry import Status
from bench.metrics.metric import Measurement
from bench.report import build_report, write_report
from bench.report.leaderboard import leaderboard_csv, markdown, terminal_table
from bench.report.page import html_page
from bench.runner.run import execute
from bench.store.record import Run, load_run
from degrade.errors import DatasetError


def make_run(folder, fakes, *, keys=("a", "b", "c"), extra=()):
    """Three blind restorers and an oracle; one metric judged by a training loss's network."""
    nothing, brighter = fakes.restorers()
    hostile = fakes.Restorer(fakes.card("=evil|<b>&`*"), lambda face: face + (face < 99))
    trained = fakes.Restorer(fakes.card("trained", loss_networks=("vgg",)), brighter.act)
    told = fakes.Restorer(fakes.card("told", blind=False, kind="oracle"), brighter.act)
    restorers = [told, trained, nothing, hostile]
    metrics = [
        *fakes.metrics(),
        fakes.PairMetric("perceptual", lambda r, h: float(r.image.mean()), "lower", judge="vgg"),
        fakes.PairMetric("psnr", psnr, unit="dB"),
        fakes.PairMetric("face", lambda r, h: fakes.no_face),
        fakes.PairMetric("absent", lambda r, h: Measurement(None, Status.WEIGHTS_MISSING, "get")),
        *extra,
    ]
    suite = fakes.suite(
        restorers=tuple(r.card.name for r in restorers), metrics=tuple(m.name for m in metrics)
    )
    return execute(suite, [[fakes.condition(keys=keys)]], restorers, metrics, folder)


def psnr(restored, hq):
    error = ((restored.image.astype(float) - hq.image) ** 2).mean()
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


@pytest.fixture
def run(tmp_path, fakes):
    return make_run(tmp_path / "run", fakes)


def board(run):
    lines = csv.DictReader(io.StringIO(leaderboard_csv(build_report(run))))
    return {(line["restorer"], line["metric"]): line for line in lines}


def test_the_baseline_stands_first_and_oracles_last(run):
    (table,) = build_report(run).tables
    assert [line.restorer for line in table.lines] == ["input", "trained", "=evil|<b>&`*", "told"]


def test_the_best_of_a_column_is_a_blind_restorer_and_ties_of_all_are_none(run):
    (table,) = build_report(run).tables
    names = [column.name for column in table.columns]
    assert table.best(names.index("error")) == {"trained"}  # told is equal, but an oracle
    assert table.best(names.index("face")) == frozenset()
    assert table.best(names.index("seconds")) == frozenset()


def test_nobody_is_best_on_a_single_image(tmp_path, fakes):
    (table,) = build_report(make_run(tmp_path / "one", fakes, keys=("a",))).tables
    assert all(table.best(position) == frozenset() for position in range(len(table.columns)))


def test_the_csv_has_right_numbers_and_every_cell(run):
    lines = board(run)
    assert len(lines) == 4 * 7
    found = lines["trained", "error"]
    assert (found["mean"], found["n"], found["attempted"], found["coverage"]) == (
        "1.0", "3", "3", "1.0",
    )  # fmt: skip
    assert (found["difference"], found["blind"], found["direction"]) == ("-1.0", "yes", "lower")
    assert lines["trained", "psnr"]["infinite"] == "1"
    assert lines["trained", "psnr"]["n"] == "2"
    assert lines["trained", "psnr"]["coverage"] == "1.0"
    assert lines["told", "error"]["blind"] == "no"
    assert lines["trained", "perceptual"]["judged_by_training_network"] == "yes"
    assert lines["input", "perceptual"]["judged_by_training_network"] == "no"
    assert lines["input", "absent"]["statuses"] == "weights_missing 3"
    assert lines["input", "absent"]["mean"] == ""
    assert lines["input", "face"]["attempted"] == "0"
    assert lines["input", "face"]["coverage"] == ""


def test_the_csv_cannot_run_a_formula_and_keeps_negative_numbers(run):
    assert ("'=evil|<b>&`*", "error") in board(run)
    assert float(board(run)["trained", "error"]["difference"]) == -1.0


def test_equal_rows_give_equal_bytes_in_any_order(run):
    shuffled = Run(run.folder, run.record, run.rows[::-1])
    assert leaderboard_csv(build_report(shuffled)) == leaderboard_csv(build_report(run))
    assert leaderboard_csv(build_report(load_run(run.folder))) == leaderboard_csv(build_report(run))


def test_markdown_escapes_names_and_says_everything(run):
    text = markdown(build_report(run))
    assert "| =evil\\|\\<b\\>\\&\\`\\* |" in text
    assert "told (oracle)" in text
    assert re.search(r"\*\*1\.0\*\* \(−1\.0\)<br><sub>[\d.]+ to [\d.]+, n 3/3</sub>", text)
    assert "†" in text.split("## Without")[0]
    assert "+1 ∞" in text
    assert "no evidence of who someone is" in text
    assert "| weights\\_missing | absent | told, trained, input, " in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in tables[:6]}
    assert len(widths) == 1


def test_the_terminal_table_is_aligned_and_folds_at_the_width(run):
    text = terminal_table(build_report(run), 70)
    assert max(map(len, text.splitlines())) <= 70
    rows = [line for line in text.splitlines() if line.startswith(("input", "trained"))]
    assert len(rows) >= 4
    assert re.search(r"trained\s+1\.0 \(−1\.0\)", text)
    assert "absent: no value (weights missing)" in text


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.addresses += [v for k, v in attributes if k in ("src", "href", "action", "srcset")]
        if tag not in ("meta", "img", "input", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_the_network_for_nothing(run):
    text = html_page(build_report(run))
    page = Page(text)
    assert page.open == []
    assert page.addresses
    allowed = ("data:image/webp;base64,", "data:,", "#")
    assert all(each.startswith(allowed) for each in page.addresses)
    assert not re.search(r"https?://(?!www\.w3\.org)", re.sub(r'"data:[^"]*"', "", text))
    assert "default-src 'none'" in text
    assert "@import" not in text
    assert "url(" not in text


def test_the_page_escapes_what_comes_from_outside(run):
    text = html_page(build_report(run))
    assert "<b>&`" not in text
    assert "=evil|&lt;b&gt;&amp;`*" in text


def test_the_page_has_a_slider_a_name_and_three_pictures_for_each_photograph(run):
    page = Page(html_page(build_report(run)))
    sliders = [a for tag, a in page.tags if tag == "input" and a["type"] == "range"]
    assert len(sliders) == 3
    assert all(slider["aria-label"] for slider in sliders)
    pictures = [a for tag, a in page.tags if tag == "img" and "data-picture" in a]
    assert len(pictures) == 9
    assert all(picture["alt"] for picture in pictures)
    heads = [a for tag, a in page.tags if tag == "th" and "aria-sort" in a]
    buttons = [a for tag, a in page.tags if tag == "button" and "data-kind" in a]
    assert len(heads) == len(buttons) == 1 + 4 + 4  # the name, metrics with a value, costs


def test_the_page_says_what_a_person_must_know(run):
    text = html_page(build_report(run))
    assert "no evidence of who someone is" in text
    assert "Oracles, out of competition" in text
    assert "†" in text
    assert "weights missing" in text
    assert "n 3/3" in text


def test_a_missing_picture_leaves_the_rest_of_the_page(run):
    folder = run.folder / "restored" / "ramps" / "dark"
    (folder / "hq" / "a.png").unlink()
    (folder / "trained" / "b.png").write_bytes(b"nothing")
    page = Page(html_page(build_report(run)))
    assert len([tag for tag, _ in page.tags if tag == "figure"]) == 2


def test_the_report_of_an_unfinished_run_says_so(tmp_path, fakes):
    with pytest.raises(KeyboardInterrupt):
        condition = fakes.condition(stop_at=1)
        execute(fakes.suite(), [[condition]], fakes.restorers(), fakes.metrics(), tmp_path)
    report = build_report(load_run(tmp_path))
    assert "not complete" in markdown(report)
    assert "not complete" in html_page(report)
    assert "not complete" in terminal_table(report)


def test_report_files_are_written_where_they_are_asked_for(run, tmp_path):
    write_report(run.folder, csv=tmp_path / "new" / "l.csv", html=tmp_path / "r.html")
    assert (tmp_path / "new" / "l.csv").read_text() == leaderboard_csv(build_report(run))
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert not [p for p in tmp_path.rglob("*.part")]


def test_a_folder_without_a_run_or_with_a_broken_one_is_one_line(tmp_path):
    with pytest.raises(DatasetError, match="holds no run"):
        load_run(tmp_path)
    for text in ("{", "[]", "{}"):
        (tmp_path / "run.json").write_text(text)
        with pytest.raises(DatasetError, match=r"run\.json"):
            load_run(tmp_path)
