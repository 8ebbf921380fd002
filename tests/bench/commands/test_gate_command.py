"""``bench gate`` as a person and as GitHub Actions use it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from bench.cli import main
from bench.gate.rules import DEFAULT_RULES
from degrade.images import write_png
from zoo.cli import main as zoo_main

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "gate.md"
MODEL = """
import random, sys
from pathlib import Path
from PIL import Image
NOISE, numbers = {noise}, random.Random(1)
for path in sorted(Path(sys.argv[1]).iterdir()):
    face = Image.open(path)
    levels = [min(255, max(0, v + numbers.randint(-NOISE, NOISE))) for v in face.tobytes()]
    Image.frombytes("RGB", face.size, bytes(levels)).save(Path(sys.argv[2], path.name))
"""
BROKEN = MODEL.replace("{noise}", "0").replace(
    "    levels =", "    assert face.size != (48, 40), 'out of memory'\n    levels ="
)
"""Works on the square image on which `zoo add` tries it, and on none of the suite's."""


COMMANDS = {"bench": main, "zoo": zoo_main}
Finished = namedtuple("Finished", ["returncode", "stdout", "stderr"])


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def workflow():
    """Return the steps of the page's workflow that run something here, by name."""
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    (text,) = [block for block in blocks if "jobs:" in block]
    steps = yaml.safe_load(text)["jobs"]["gate"]["steps"]
    return {step["name"]: step for step in steps if "run" in step}


class Runner:
    """A stand-in for GitHub's: a checkout, and the steps; `bench` and `zoo` run in this process."""

    def __init__(self, folder):
        self.folder, programs = folder / "checkout", folder / "bin"
        self.summary = folder / "summary.md"
        programs.mkdir()
        (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        (programs / "python").chmod(0o755)
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "RELUME_RESTORERS": str(folder / "restorers"),
            "XDG_CONFIG_HOME": str(folder / "configuration"),
            "GITHUB_STEP_SUMMARY": str(self.summary),
        }
        source = np.random.Generator(np.random.Philox(1))
        for number in range(9):
            ramp = np.linspace(60, 180, 48)[None, :, None] + source.normal(0, 8, (40, 48, 3))
            write_png(self.folder / "photos" / f"{number:02}.png", ramp.astype(np.uint8))
        (self.folder / "suite.yaml").write_text(
            "datasets: [photos]\nrecipes: [kuaishou]\nrestorers: [input]\nmetrics: [psnr, ssim]\n"
        )

    def step(self, name):
        """Run a step's lines up to the first that fails, as GitHub does; return what that did."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            for variable, value in self.environment.items():
                patch.setenv(variable, value)
            for line in workflow()[name]["run"].splitlines():
                program, *arguments = shlex.split(line)
                if program in COMMANDS:
                    result = CliRunner().invoke(COMMANDS[program], arguments)
                    done = Finished(result.exit_code, result.stdout, result.stderr)
                else:
                    shell = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
                    done = Finished(shell.returncode, shell.stdout, shell.stderr)
                if done.returncode:
                    break
        return done

    def play(self, model):
        """Score this model and run the gate on it; the summary holds this play only."""
        (self.folder / "model.py").write_text(model)
        shutil.rmtree(self.folder / "runs" / "change", ignore_errors=True)
        shutil.rmtree(self.folder.parent / "restorers", ignore_errors=True)
        self.summary.unlink(missing_ok=True)
        scored = self.step("Score")
        gated = self.step("Gate")
        shown = self.step("Show")
        assert shown.returncode == 0, shown.stderr
        return scored, gated, self.summary.read_text()


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """The workflow, played four times; the first play's run is the others' baseline."""
    runner = Runner(tmp_path_factory.mktemp("actions"))
    first = runner.play(MODEL.format(noise=0))
    kept = runner.step("Make this run the baseline")
    assert kept.returncode == 0, kept.stderr
    plays = {"same": MODEL.format(noise=0), "noisy": MODEL.format(noise=12), "broken": BROKEN}
    return runner, {"first": first} | {name: runner.play(text) for name, text in plays.items()}


def test_the_first_run_has_no_baseline_and_the_workflow_warns(played):
    scored, gated, summary = played[1]["first"]
    assert scored.returncode == 0, scored.stderr
    assert gated.returncode == 0, gated.stderr
    assert "warning: there is no baseline" in gated.stderr
    assert summary.startswith("### ⚠️ gate: passed unchecked, there is no baseline")


def test_the_same_model_passes(played):
    _, gated, summary = played[1]["same"]
    assert gated.returncode == 0, gated.stderr
    assert gated.stdout.startswith("gate: passed, 2 checks\n")
    assert summary.startswith("### ✅ gate: passed, 2 checks")


def test_a_model_that_adds_noise_fails(played):
    _, gated, summary = played[1]["noisy"]
    assert gated.returncode == 1
    assert gated.stdout.startswith("gate: failed, 2 of 2 checks\n")
    assert "**mine, psnr on photos × kuaishou**: worse by" in summary


def test_a_model_that_breaks_is_told_by_the_gate_with_what_was_lost(played):
    runner, plays = played
    scored, gated, summary = plays["broken"]
    assert scored.returncode == 0, scored.stderr  # --allow-failed: the gate has to see it
    assert gated.returncode == 1
    assert "0 of 9 images have a value, 9 had" in gated.stdout
    assert "out of memory" in summary
    root = ElementTree.parse(runner.folder / "gate.xml").getroot()
    assert (root.get("tests"), root.get("failures")) == ("2", "2")
    assert json.loads((runner.folder / "gate.json").read_text())["exit_code"] == 1


@pytest.mark.parametrize(("policy", "code"), [("fail", 2), ("warn", 0), ("pass", 0), (None, 2)])
def test_a_missing_baseline_follows_the_policy(played, tmp_path, policy, code):
    run = played[0].folder / "runs" / "main"
    options = ("--missing-baseline", policy) if policy else ()
    paths = {kind: tmp_path / f"gate.{kind}" for kind in ("markdown", "junit", "json")}
    files = [word for kind, path in paths.items() for word in (f"--{kind}", path)]
    result = call("gate", tmp_path / "none", run, *options, *files)
    assert result.exit_code == code
    assert ("there is no baseline: keep a run" in result.stderr) == (policy != "pass")
    assert "there is no baseline" in result.stdout
    assert json.loads(paths["json"].read_text())["outcome"] == "missing_baseline"
    assert "there is no baseline" in paths["markdown"].read_text()
    kind = "error" if code else "skipped"
    assert ElementTree.parse(paths["junit"]).find(f".//{kind}") is not None


def test_the_policy_may_stand_in_the_rules(played, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("missing_baseline: pass\nmetrics: {psnr: {worse_by: 1}}\n")
    run = played[0].folder / "runs" / "main"
    assert call("gate", tmp_path / "none", run, "--rules", rules).exit_code == 0
    strict = ("--missing-baseline", "fail")
    assert call("gate", tmp_path / "none", run, "--rules", rules, *strict).exit_code == 2


@pytest.mark.parametrize("change", ["signature", "suite"])
def test_values_of_another_kind_are_exit_code_3_and_written_too(played, tmp_path, change):
    run = played[0].folder / "runs" / "main"
    other = tmp_path / "other"
    shutil.copytree(run, other)
    name, before, after = {
        "signature": ("rows.jsonl", "psnr|rgb", "psnr|y"),
        "suite": ("run.json", '"seed": 7', '"seed": 8'),
    }[change]
    text = (other / name).read_text()
    assert before in text
    (other / name).write_text(text.replace(before, after))
    result = call("gate", run, other, "--markdown", tmp_path / "gate.md")
    assert result.exit_code == 3, result.output
    assert result.stdout.startswith("gate: not comparable: ")
    assert (tmp_path / "gate.md").read_text().startswith("### ⚠️ gate: not comparable: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--restorers", "mien"], "neither run has a restorer 'mien'. Did you mean 'mine'?"),
        (["--rules", "typo.yaml"], "typo.yaml line 1: metrcs: unknown key."),
        (["--rules", "none.yaml"], "there is no such file"),
        (["--missing-baseline", "ok"], "'--missing-baseline'"),
    ],
)
def test_a_mistake_is_exit_code_2_one_clear_line_and_no_file(
    played, tmp_path, monkeypatch, options, message
):
    monkeypatch.chdir(tmp_path)
    Path("typo.yaml").write_text("metrcs: {}\n")
    run = played[0].folder / "runs" / "main"
    result = call("gate", run, run, *options, "--json", "gate.json")
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert not Path("gate.json").exists()


def test_the_gate_reads_no_image(played, tmp_path):
    run = played[0].folder / "runs" / "main"
    for name in ("run.json", "rows.jsonl"):
        shutil.copy(run / name, tmp_path / name)
    assert call("gate", tmp_path, tmp_path).exit_code == 0


def test_the_page_shows_the_shipped_rules():
    assert DEFAULT_RULES.read_text() in PAGE.read_text()


def test_help_does_not_load_numbers():
    code = (
        "import sys; from bench.cli import main\n"
        "try: main(['gate', '--help'])\n"
        "except SystemExit: print(sorted({'numpy', 'scipy', 'torch'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert shown.stdout.splitlines()[-1] == "[]"
    assert "Exit codes: 0 passed; 1 a regression" in shown.stdout
