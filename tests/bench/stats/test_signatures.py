"""No value without its signature, and no column with two."""

import csv
import json
import shutil
from dataclasses import replace

import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.report import write_report
from bench.report.leaderboard import terminal_table
from bench.runner.run import run
from bench.stats.compare import compare, compare_runs
from bench.stats.scores import NotComparableError, score
from bench.store.record import load_run
from bench.suite.suite import Suite

SIGNATURES = {
    "psnr": "psnr|rgb|u8|crop0",
    "psnr_vqfr": "psnr|rgb|u8|crop0|vqfr",
    "ssim": "ssim|rgb-mean|u8|gauss11s1.5|valid|crop0",
    "ssim_vqfr": "ssim|rgb-mean|u8|gauss11s1.5|valid|crop0|vqfr",
}


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def records(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run under two protocols, whose PSNR and SSIM differ in nothing but the protocol."""
    place = tmp_path_factory.mktemp("two") / "run"
    suite = Suite(
        "two", ("sample-photos",), ("kuaishou",), ("input", "bilateral"), ("psnr", "ssim"),
        size=64, limit=7, protocol=("strict", "vqfr"),
    )  # fmt: skip
    run(suite, place)
    return place


@pytest.fixture
def changed(folder, tmp_path):
    """Return a function: a copy of the run in which some lines of the rows are of another way."""

    def build(chosen=lambda line: True):
        other = tmp_path / "other"
        shutil.copytree(folder, other)
        lines = (other / "rows.jsonl").read_text().splitlines(keepends=True)
        old, new = f'"{SIGNATURES["psnr"]}"', f'"{SIGNATURES["psnr"]}|mine"'
        lines = [line.replace(old, new) if chosen(line) else line for line in lines]
        (other / "rows.jsonl").write_text("".join(lines))
        return other

    return build


def test_two_protocols_are_two_columns_in_everything_that_is_written(folder, tmp_path):
    names = ("csv", "markdown", "html", "latex", "json")
    paths = {name: tmp_path / f"report.{name}" for name in names}
    report = write_report(folder, **paths)
    rows = [row for row in records(paths["csv"]) if row["metric"] != "seconds"]
    assert {row["metric"]: row["signature"] for row in rows} == SIGNATURES
    means = {(r["restorer"], r["metric"]): float(r["mean"]) for r in rows}
    assert abs(means["input", "psnr"] - means["input", "psnr_vqfr"]) > 0.1
    shown = [paths["markdown"].read_text(), paths["html"].read_text(), terminal_table(report)]
    for text in shown:
        assert all(signature in text for signature in SIGNATURES.values())
    latex = paths["latex"].read_text()
    for signature in SIGNATURES.values():
        assert signature.replace("|", r"\textbar{}").replace("_", r"\_") in latex
    written = json.dumps(json.loads(paths["json"].read_text()))
    assert all(f'"{signature}"' in written for signature in SIGNATURES.values())


def test_every_row_of_a_run_carries_its_signature(folder):
    for row in records(folder / "rows.csv"):
        assert row["signature"] == {**SIGNATURES, "seconds": "seconds|wall|batch1"}[row["metric"]]


def test_comparisons_and_the_gate_show_the_signature_beside_the_metric(folder, tmp_path):
    page, verdict = tmp_path / "compare.md", tmp_path / "gate.json"
    shown = call("compare", folder, "--restorer", "bilateral", "--markdown", page)
    assert shown.exit_code == 0, shown.output
    answer = call("compare", folder, "--restorer", "bilateral", "--json")
    found = {c["metric"]: c["signature"] for c in json.loads(answer.stdout)["comparisons"]}
    assert {name: signature.partition("|cap")[0] for name, signature in found.items()} == SIGNATURES
    rules = tmp_path / "rules.yaml"
    rules.write_text("level: 0.05\nmetrics: {psnr: {worse_by: 1}, psnr_vqfr: {worse_by: 1}}\n")
    files = ("--json", verdict, "--markdown", tmp_path / "gate.md")
    gate = call("gate", folder, folder, "--rules", rules, *files)
    assert gate.exit_code == 0, gate.output
    for name in ("psnr", "psnr_vqfr"):
        for text in (shown.stdout, page.read_text(), gate.stdout, verdict.read_text()):
            assert SIGNATURES[name] in text
        assert f"`{SIGNATURES[name]}" in (tmp_path / "gate.md").read_text()


def test_one_column_with_two_signatures_is_refused_by_report_csv_compare_and_gate(
    folder, changed, tmp_path
):
    mixed = changed(lambda line: '"bilateral"' in line)
    whole = load_run(mixed)
    with pytest.raises(NotComparableError, match="'psnr' was computed in two ways"):
        score(whole.rows, seed=1)
    with pytest.raises(NotComparableError, match="computed in two ways"):
        write_report(whole, csv=tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").exists()
    with pytest.raises(NotComparableError, match="computed in two ways"):
        compare(whole, "bilateral")
    for arguments in (
        ("report", mixed),
        ("compare", mixed, "--restorer", "bilateral"),
        ("compare", folder, mixed),
        ("gate", folder, mixed),
        ("gate", mixed, folder),
    ):
        result = call(*arguments)
        assert result.exit_code == 3, (arguments, result.output)
        assert "psnr|rgb|u8|crop0|mine" in result.output


def test_values_of_two_runs_of_two_signatures_are_refused_too(folder, changed):
    other = changed()
    with pytest.raises(NotComparableError, match=r"psnr\|rgb\|u8\|crop0\|mine"):
        compare_runs(load_run(folder), load_run(other))
    assert call("gate", folder, other).exit_code == 3


def test_rows_that_are_not_what_the_run_says_they_are_are_refused(changed, tmp_path):
    other = load_run(changed())
    with pytest.raises(NotComparableError, match="its rows are"):
        write_report(other, csv=tmp_path / "x.csv")
    with pytest.raises(NotComparableError, match="its rows are"):
        compare(other, "bilateral")


def test_the_same_run_with_its_own_signatures_is_not_refused(folder):
    good = load_run(folder)
    again = replace(good, rows=tuple(reversed(good.rows)))
    assert compare(again, "bilateral").rows
