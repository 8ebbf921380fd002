"""A metric that another package offers appears wherever Relume's own metrics do."""

from __future__ import annotations

import importlib
import json
import sys

import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.metrics.registry import entries, load_metric
from bench.report import build_report
from bench.report.leaderboard import leaderboard_csv, markdown, terminal_table
from bench.report.page import html_page
from bench.report.severity import severity_csv
from bench.runner.run import run
from bench.stats.compare import compare
from bench.store.record import load_run
from bench.suite.suite import Suite
from degrade.errors import UserError

PACKAGE = """
from bench.metrics.metric import Measurement, MetricEntry, RegisteredMetric

ENTRIES = (
    MetricEntry(
        "level_distance", "pair", "lower", "levels", "level-distance|rgb|u8", "a test",
        "their_metric:load", error="value", equal=(0.0, 0.0),
    ),
)


class LevelDistance(RegisteredMetric):
    def measure(self, restored, hq):
        return Measurement(float(abs(restored.image.astype(float) - hq.image).mean()))


def load(entry):
    return LevelDistance(entry)
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a package on the path whose metadata offers metrics."""

    def put(code, value="their_metric:ENTRIES"):
        folder = tmp_path / "site"
        folder.mkdir()
        (folder / "their_metric.py").write_text(code)
        metadata = folder / "their_metric-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: their\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[relume.metrics]\nlevels = {value}\n")
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, "their_metric", raising=False)
        importlib.invalidate_caches()

    return put


def test_it_is_listed_run_reported_graded_and_compared(install, tmp_path):
    install(PACKAGE)
    listed = json.loads(CliRunner().invoke(main, ["metrics", "--json"]).stdout)
    assert listed[-1]["name"] == "level_distance"
    suite = Suite(
        "s", ("sample-photos",), ("imagenet-c:gaussian_noise:1", "imagenet-c:gaussian_noise:5"),
        ("input", "bilateral"), ("psnr", "level_distance"), size=64, limit=6,
    )  # fmt: skip
    scored = run(suite, tmp_path / "run")
    assert scored.failed == 0
    report = build_report(scored)
    for layout in (terminal_table, markdown, leaderboard_csv, html_page):
        assert "level" in layout(report)
    assert "level_distance" in {each.metric for each in report.severity if each.standings}
    assert "level_distance" in severity_csv(report)
    rows = compare(scored, "bilateral", metrics=("level_distance",)).rows
    assert {(row.metric, row.direction) for row in rows} == {("level_distance", "lower")}


def test_a_run_can_be_graded_where_the_package_is_not_installed(install, tmp_path, monkeypatch):
    install(PACKAGE)
    suite = Suite("s", ("sample-photos",), ("gfpgan",), ("input",), ("level_distance",), size=64)
    run(suite, tmp_path / "run", limit=1)
    monkeypatch.undo()
    assert "level_distance" not in entries()
    entry = load_run(tmp_path / "run").metrics["level_distance"]
    assert (entry.direction, entry.unit, entry.error) == ("lower", "levels", "value")


@pytest.mark.parametrize(
    ("code", "value", "message"),
    [
        ("raise RuntimeError('no')", "their_metric:ENTRIES", "package their .*RuntimeError: no"),
        ("ENTRIES = [7]", "their_metric:ENTRIES", "offers int as the metric levels"),
        (PACKAGE.replace("level_distance", "psnr"), "their_metric:ENTRIES", "psnr, which is taken"),
    ],
)
def test_a_package_that_offers_something_else_is_named(install, code, value, message):
    install(code, value)
    with pytest.raises(UserError, match=message):
        load_metric("psnr")
