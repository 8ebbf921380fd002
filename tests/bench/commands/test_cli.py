from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.relume import main as relume

HEAVY = {"numpy", "torch", "dlib", "timm", "numba", "pandas", "scipy", "skimage", "cv2", "jinja2"}


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    suite = folder / "tiny.yaml"
    suite.write_text(
        "datasets: [sample-photos]\nrecipes: [kuaishou]\nsize: 96\nlimit: 2\n"
        "restorers: [bilateral, wiener]\nmetrics: [psnr, ssim]\n"
    )
    result = call("run", suite, "--out", folder / "run")
    assert result.exit_code == 0, result.output
    return folder, result


def test_run_says_where_the_rows_are_and_what_to_do_next(tiny):
    folder, result = tiny
    assert f"18 rows in {folder / 'run' / 'rows.csv'}" in result.stdout
    assert f"next: bench report {folder / 'run'}" in result.stdout


def test_report_prints_the_leaderboard_and_writes_three_files(tiny):
    folder, _ = tiny
    result = call("report", folder / "run")
    assert result.exit_code == 0, result.output
    assert "sample-photos × kuaishou, 2 images" in result.stdout
    assert "wiener (oracle)" in result.stdout
    for name in ("report.html", "leaderboard.csv", "report.md"):
        assert str(folder / "run" / name) in result.stdout
        assert (folder / "run" / name).stat().st_size > 500


def test_report_writes_only_what_is_asked_for(tiny, tmp_path):
    folder, _ = tiny
    result = call("report", folder / "run", "--csv", tmp_path / "x.csv", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["files"] == {"csv": str(tmp_path / "x.csv")}
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_run_as_json_is_one_object_on_standard_output(tiny):
    folder, _ = tiny
    result = call("run", folder / "tiny.yaml", "--out", folder / "run", "--json")
    found = json.loads(result.stdout)
    assert found["rows"] == 18
    assert found["complete"] is True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "dmeo"], "there is no suite 'dmeo'. Did you mean 'demo'?"),
        (["run", "quick", "--metrics", "psnrr"], "Did you mean 'psnr'?"),
        (["run", "quick", "--metrics", "psnr,,ssim"], "give names with commas between them"),
        (["run", "quick", "--limit", "0"], "'--limit'"),
        (["run", "quick", "--restorers", "nlmean"], "did you mean nlmeans?"),
        (["run", "quick", "--pairs", "no-such-folder"], "'--pairs'"),
        (["run", "quick", "--pairs", "."], ". holds no metadata.parquet"),
        (["run", "quick", "--cache", "x", "--no-cache"], "exclude each other"),
        (["run", "celeba-test"], "celeba-hq is not on this machine"),
        (["run", "real", "--metrics", "psnr", "--dataset", "."], "holds no images"),
        (["cache", "--older-than", "3"], "add --clear"),
        (["speed", "--only", "scoring", "--case", "lumma"], "there is no case lumma"),
        (["report", "no-such-folder"], "no-such-folder"),
        (["nothing"], "No such command 'nothing'"),
    ],
)
def test_a_mistake_is_exit_code_2_and_one_clear_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = call(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert not list(tmp_path.iterdir())


def test_a_second_run_takes_from_the_cache_and_cache_tells_its_room(tiny, tmp_path):
    folder, _ = tiny
    kept = tmp_path / "kept"
    for name in ("one", "two"):
        result = call("run", folder / "tiny.yaml", "--out", tmp_path / name, "--cache", kept)
        assert result.exit_code == 0, result.output
    tables = [
        [x for x in (tmp_path / name / "rows.csv").read_text().splitlines() if ",seconds," not in x]
        for name in ("one", "two")
    ]
    assert tables[0] == tables[1]
    assert (tmp_path / "two" / "rows.csv").read_text().count("from the cache") == 6
    told = json.loads(call("cache", "--cache", kept, "--json").stdout)
    assert told["folder"] == str(kept)
    assert told["kinds"]["restored"]["entries"] == 6
    cleared = call("cache", "--cache", kept, "--clear").stdout
    entries = sum(kind["entries"] for kind in told["kinds"].values())
    assert f"removed {entries} entries" in cleared
    assert f"{kept}: empty" in cleared


def test_a_metric_without_its_weights_is_told_once_with_the_command_that_mends_it(
    tiny, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    arguments = ("--metrics", "psnr,lpips", "--limit", 1, "--no-cache", "--out", tmp_path / "x")
    result = call("run", tiny[0] / "tiny.yaml", *arguments)
    assert result.exit_code == 0, result.output
    told = [line for line in result.stderr.splitlines() if "lpips" in line]
    assert told == ["lpips has no values: run `zoo fetch alexnet` with a network"]


def test_without_the_cache_everything_is_made_anew(tiny, tmp_path, cache_of_the_tests):
    folder, _ = tiny
    before = json.loads(call("cache", "--json").stdout)
    assert before["folder"] == str(cache_of_the_tests)
    result = call("run", folder / "tiny.yaml", "--out", tmp_path / "x", "--no-cache", "--limit", 1)
    assert result.exit_code == 0, result.output
    assert "from the cache" not in (tmp_path / "x" / "rows.csv").read_text()
    assert json.loads(call("cache", "--json").stdout) == before


def test_the_report_tells_what_each_restorer_costs(tiny, tmp_path):
    folder, _ = tiny
    result = call(
        "report", folder / "run", "--markdown", tmp_path / "x.md", "--html", tmp_path / "x"
    )
    assert result.exit_code == 0, result.output
    assert "p50 ms" in result.stdout
    assert "## What it costs" in (tmp_path / "x.md").read_text()
    assert "Cost of bilateral" in (tmp_path / "x").read_text()


def test_a_folder_that_holds_another_run_is_refused(tiny):
    folder, _ = tiny
    result = call("run", folder / "tiny.yaml", "--out", folder / "run", "--limit", "1")
    assert result.exit_code == 2
    assert "limit of the suite was 2, now 1" in result.stderr


def test_a_run_without_its_own_report_is_refused(tmp_path):
    result = call("report", tmp_path)
    assert result.exit_code == 2
    assert "holds no run" in result.stderr


def test_values_computed_in_two_ways_are_exit_code_3(tiny, tmp_path):
    folder, _ = tiny
    lines = (folder / "run" / "rows.jsonl").read_text().replace("psnr|rgb", "psnr|bgr", 1)
    (tmp_path / "rows.jsonl").write_text(lines)
    (tmp_path / "run.json").write_text((folder / "run" / "run.json").read_text())
    result = call("report", tmp_path)
    assert result.exit_code == 3
    assert "computed in two ways" in result.stderr


def test_an_image_that_fails_is_exit_code_1_after_the_rest_is_done(tmp_path):
    import numpy as np

    from degrade.images import write_png

    photos = tmp_path / "photos"
    write_png(photos / "good.png", np.full((64, 64, 3), 90, np.uint8))
    write_png(photos / "torn.png", np.full((64, 64, 3), 90, np.uint8))
    (photos / "torn.png").write_bytes((photos / "torn.png").read_bytes()[:60])
    (tmp_path / "s.yaml").write_text(
        "datasets: [photos]\nrecipes: [kuaishou]\nrestorers: [input]\nmetrics: [psnr]\n"
    )
    result = call("run", tmp_path / "s.yaml", "--out", tmp_path / "run")
    assert result.exit_code == 1
    assert "2 rows have no value" in result.stderr
    assert "torn.png" in result.stderr
    assert "4 rows" in result.stdout
    allowed = call("run", tmp_path / "s.yaml", "--out", tmp_path / "run", "--allow-failed")
    assert allowed.exit_code == 0


def test_inputs_that_cannot_be_used_are_told_and_recorded(tmp_path):
    import numpy as np

    from degrade.images import write_png

    write_png(tmp_path / "photos" / "good.png", np.full((64, 64, 3), 90, np.uint8))
    for name in "abcdef":
        (tmp_path / "photos" / f"{name}.heic").write_bytes(b"x")
    out = tmp_path / "run"
    arguments = ("run", "quick", "--dataset", tmp_path / "photos", "--restorers", "input")
    result = call(*arguments, "--out", out)
    assert result.exit_code == 1
    assert "photos: 6 inputs cannot be used:\n  a.heic " in result.stderr
    assert "and 1 more; all are in run.json" in result.stderr
    (told,) = [
        each["unusable"] for each in json.loads((out / "run.json").read_text())["conditions"]
    ]
    assert [name for name, _ in told] == [f"{name}.heic" for name in "abcdef"]
    assert call(*arguments, "--out", out, "--allow-failed").exit_code == 0
    assert (
        json.loads(call(*arguments, "--out", out, "--allow-failed", "--json").stdout)["unusable"]
        == 6
    )


def test_a_suite_without_a_data_set_asks_for_one(tmp_path):
    result = call("run", "faces-128", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "names no data set: give a folder of images by --dataset" in result.stderr
    assert not (tmp_path / "run").exists()


def test_compare_says_who_is_better_and_writes_markdown(tiny, tmp_path):
    folder, _ = tiny
    arguments = ("compare", folder / "run", "--restorer", "bilateral")
    result = call(*arguments, "--markdown", tmp_path / "c.md")
    assert result.exit_code == 0, result.output
    assert "sample-photos × kuaishou" in result.stdout
    assert result.stdout.count("\npsnr ↑") == 1  # against input; wiener is an oracle
    assert "| bilateral against |" in (tmp_path / "c.md").read_text()
    found = json.loads(call(*arguments, "--against", "wiener", "--json").stdout)
    assert {row["against"] for row in found["comparisons"]} == {"wiener"}


def test_compare_of_a_run_with_itself_finds_nothing(tiny):
    folder, _ = tiny
    result = call("compare", folder / "run", folder / "run")
    assert result.exit_code == 0, result.output
    assert "bilateral, before" in result.stdout
    assert "better" not in result.stdout.split("Mean difference")[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name one restorer by --restorer"),
        (["--restorer", "bilateral,wiener"], "name one restorer by --restorer"),
        (["--restorer", "bilaterl"], "Did you mean 'bilateral'?"),
        (["--restorer", "bilateral", "--against", "nlmeans"], "the run has no restorer 'nlmeans'"),
        (["--restorer", "bilateral", "--subset", "worst"], "'--subset'"),
    ],
)
def test_a_mistake_in_compare_is_exit_code_2_and_one_line(tiny, arguments, message):
    folder, _ = tiny
    result = call("compare", folder / "run", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_metrics_are_listed_with_direction_and_signature():
    text = call("metrics").stdout
    assert "psnr|rgb|u8|crop0" in text
    assert any(line.split()[:3] == ["psnr", "higher", "dB"] for line in text.splitlines())
    records = json.loads(call("metrics", "--json").stdout)
    assert {"name", "kind", "direction", "signature", "status"} <= records[0].keys()


def test_every_help_has_an_example():
    for command in ([], ["run"], ["report"], ["metrics"], ["compare"], ["groups"]):
        arguments = [*command, "--help"]
        result = call(*arguments)
        assert result.exit_code == 0
        assert "Examples:\n    bench " in result.stdout


def test_relume_reaches_bench():
    result = CliRunner().invoke(relume, ["bench", "metrics"])
    assert result.exit_code == 0
    assert "psnr" in result.stdout
    assert "degrade" in CliRunner().invoke(relume, ["--help"]).stdout


@pytest.mark.parametrize("module", ["bench.cli", "bench.relume"])
@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["report", "--help"]])
def test_help_loads_nothing_heavy_and_takes_no_time(module, arguments):
    if module == "bench.relume":
        arguments = ["bench", *arguments]
    code = f"""
import sys, resource
from {module} import main
try:
    main({arguments!r})
except SystemExit:
    heavy = {HEAVY!r} & sys.modules.keys()
    used = resource.getrusage(resource.RUSAGE_SELF)
    assert not heavy, heavy
    assert used.ru_utime + used.ru_stime < 0.5, used
"""
    # Processor time, not wall time: a busy machine makes nothing slower that this could mend.
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_importing_bench_loads_nothing_heavy():
    code = "import sys, bench; assert not {'numpy', 'torch', 'cv2'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
