"""The speed table: honest sides, equal strength, a reason for everything that is left out."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bench.speed import timing
from bench.speed.cases import CASES, Formula, PeerCall, SpeedCase
from bench.speed.engine import SpeedLine, SpeedReport, case_names, measure_engine
from bench.speed.peers import PeerUnavailableError, open_peers, peer_side
from bench.speed.timing import Ratio
from degrade import Step
from degrade.errors import UserError
from degrade.ops import OPERATIONS

REPOSITORY = Path(__file__).parents[3]
RATIO = Ratio(ours_ms=1.0, reference_ms=12.0, median=12.0, low=11.0, high=13.0, runs=3)


@pytest.fixture
def image():
    random = np.random.default_rng(3)
    return np.kron(random.integers(30, 220, (16, 16, 3)), np.ones((4, 4, 1))).astype(np.uint8)


@pytest.fixture
def peer(tmp_path):
    """A Python in whose environment lives a made-up imagecorruptions that knows two names."""
    site = tmp_path / "site"
    facts = site / "imagecorruptions-9.9.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: imagecorruptions\nVersion: 9.9\n")
    (site / "imagecorruptions.py").write_text(
        "import numpy\n"
        "def corrupt(image, severity, corruption_name):\n"
        "    print('noise on standard output')\n"
        "    if corruption_name == 'broken':\n"
        "        raise TypeError('multichannel')\n"
        "    return image + numpy.random.randint(severity)\n"
    )
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={site} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return python


def test_a_ratio_is_the_median_of_the_pairs_not_of_the_sides():
    ratio = Ratio.of([0.001, 0.002, 0.004], [0.010, 0.010, 0.010])
    assert (ratio.median, ratio.low, ratio.high) == (5.0, 2.5, 10.0)
    assert (ratio.ours_ms, ratio.reference_ms, ratio.runs) == (2.0, 10.0, 3)


def test_both_sides_are_warmed_up_and_short_calls_are_repeated():
    ours, reference = [], []
    ratio = timing.in_turn(
        lambda calls: ours.append(calls) or 0.001 * calls,
        lambda calls: reference.append(calls) or 0.3 * calls,
        5,
    )
    assert ratio.median == pytest.approx(300.0)
    assert sum(ours[:-5]) >= 64 and ours[-5:] == [12] * 5
    assert reference[-5:] == [1] * 5
    assert sum(reference[:-5]) < 64  # a slow side is warm after a second and a half


def test_time_asleep_does_not_count():
    assert timing.timed_calls(lambda: time.sleep(0.02))(3) < 0.02


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinity here")
def test_one_core_is_bound_and_released():
    import cv2

    before, threads = os.sched_getaffinity(0), cv2.getNumThreads()
    with timing.one_core() as core:
        assert os.sched_getaffinity(0) == {core}
        assert cv2.getNumThreads() == 1
    assert (os.sched_getaffinity(0), cv2.getNumThreads()) == (before, threads)


def test_the_environment_that_keeps_memory_is_the_one_that_mallopt_asks_for():
    assert sorted(timing.KEEP_MEMORY.values()) == sorted(map(str, timing._OPTIONS.values()))


def test_every_case_has_its_own_name_and_an_operation_that_takes_its_parameters():
    names = case_names()
    assert len(set(names)) == len(names)
    for case in CASES:
        specs = OPERATIONS[case.step.operation].parameters
        assert case.step.parameters.keys() <= specs.keys(), case.name
        for name, value in case.step.parameters.items():
            assert not specs[name].problem(value), (case.name, name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_ours_and_the_formula_are_equally_strong_on_a_photograph(case):
    from bench.speed.engine import _strength, _with_defaults
    from bench.speed.images import astronaut
    from degrade import Plan, apply

    image = astronaut()
    plan = Plan("speed", "", 7, "a", 0, image.shape[:2], (_with_defaults(case.step),))
    ours, reference = (
        _strength(apply(plan, image), image),
        _strength(case.formula.run(image), image),
    )
    assert ours == pytest.approx(reference, rel=0.03)


def test_a_measured_line_names_the_formula_and_why_the_peer_is_missing(image):
    (line,) = measure_engine(["pixelate"], runs=2, image=image).lines
    assert line.ratio.runs == 2 and line.ratio.median > 0
    assert line.equal and line.reference == "AlbumentationsX's formula in OpenCV"
    assert line.note == "no --peer-python was given"


def test_the_recipe_is_measured_over_plans_without_colour(image):
    (line,) = measure_engine(["gfpgan"], runs=2, plans=6, image=image).lines
    assert line.ratio.runs == 2
    assert line.equal, (line.strength, line.reference_strength)


def test_a_name_that_is_no_case_is_refused_with_the_names():
    with pytest.raises(UserError, match="no case wobble: the names are gfpgan, gaussian-noise"):
        measure_engine(["wobble"])


def test_an_operation_that_does_not_exist_is_left_out_with_a_line(image, monkeypatch):
    case = SpeedCase("x", "X", Step("wobble", 1), Formula("f", lambda picture: picture), bar=2.0)
    monkeypatch.setattr("bench.speed.engine.CASES", (case,))
    monkeypatch.setattr("bench.speed.engine.case_names", lambda: ("x",))
    report = measure_engine(["x"], runs=1, image=image)
    assert report.lines[0].ratio is None and report.lines[0].met is None
    assert "X: left out: there is no operation wobble yet" in report.text()


def test_a_peer_is_run_in_its_own_process_and_named_with_its_version(peer, image):
    call = PeerCall("imagecorruptions", "brighter", {"severity": 3, "seed": 7})
    with open_peers([peer], image) as peers:
        side = peer_side(peers, call)
        assert side.label == "imagecorruptions 9.9"
        assert side.calls(5) >= 0
    np.testing.assert_array_equal(side.output, image + np.random.RandomState(7).randint(3))
    assert "imagecorruptions" not in sys.modules


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (PeerCall("imagecorruptions", "broken", {"severity": 3, "seed": 7}),
         "TypeError: multichannel"),
        (PeerCall("albumentations", "GaussNoise", {}), "No module named 'albumentations'"),
    ],
)  # fmt: skip
def test_a_peer_that_fails_says_how(peer, image, call, reason):
    with open_peers([peer], image) as peers, pytest.raises(PeerUnavailableError, match=reason):
        peer_side(peers, call)


def test_a_python_that_ends_at_once_is_a_reason_and_not_a_hang(tmp_path, image):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    with (
        open_peers([python], image) as peers,
        pytest.raises(PeerUnavailableError, match="ended"),
    ):
        peer_side(peers, PeerCall("imagecorruptions", "brighter", {}))


def test_a_file_that_is_no_program_is_the_persons_mistake(tmp_path, image):
    (tmp_path / "python").write_text("")
    with (
        pytest.raises(UserError, match="cannot be run as a Python"),
        open_peers([tmp_path / "python"], image),
    ):
        pass


@pytest.mark.parametrize(
    ("strength", "bar", "met"), [(10.2, 10.0, True), (10.2, 15.0, False), (11.0, 10.0, False)]
)
def test_a_bar_is_met_by_the_ratio_and_only_at_equal_strength(strength, bar, met):
    line = SpeedLine("a", "A", bar, "b", "", RATIO, strength, 10.0)
    assert line.met is met


def test_the_table_says_when_two_sides_are_not_comparable():
    line = SpeedLine("a", "A", 10.0, "b", "", RATIO, 11.0, 10.0)
    facts = {"cpu": "c", "python": "3", "relume": "0", "libraries": {"numpy": "2"}}
    report = SpeedReport(facts, "picture", 1, True, (line,))
    text = report.text()
    assert "A: not equally strong, so not comparable" in text
    assert "12.0×" in text and "11.0-13.0" in text
    record = json.loads(json.dumps(report.record()))
    assert record["cases"][0]["ratio"]["median"] == 12.0
    assert record["cases"][0]["met"] is False and record["cases"][0]["equal"] is False


def test_the_command_works_where_torch_and_zoo_cannot_be_imported():
    code = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('torch', 'torchvision', 'timm', 'dlib', 'zoo'):\n"
        "            raise ImportError(f'{name} is blocked')\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from bench.cli import main\n"
        "main(['speed', '--only', 'degrade', '--case', 'jpeg-50', '--runs', '2', '--json'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert [case["name"] for case in record["cases"]] == ["jpeg-50"]
    assert record["cases"][0]["equal"] is True
