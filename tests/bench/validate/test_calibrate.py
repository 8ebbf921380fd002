import json
import math
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.metrics.entry import Status
from bench.metrics.metric import Measurement, Sample
from bench.metrics.pixel.psnr import Psnr
from bench.metrics.registry import entries, entry_of, load_metric
from bench.suite.protocols import PROTOCOLS
from bench.validate.calibrate import Calibration, calibrate, calibration_text
from bench.validate.check import CalibrationCheck, check_value, loader, skipped
from bench.validate.closed_forms import closed_forms
from bench.validate.published import published
from bench.validate.shipped import CASES, SHIPPED, digest, sample_crop, shipped, tiles
from degrade.errors import DatasetError


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def load():
    return loader()


def check(expected, got, tolerance=0.1, **changes):
    return replace(check_value("shipped", "psnr", "case", got, expected, tolerance, "x"), **changes)


@pytest.mark.parametrize(
    ("expected", "got", "ok"),
    [
        (1.0, 1.09, True), (1.0, 1.11, False), (math.inf, math.inf, True), (math.inf, 300.0, False),
        (300.0, math.inf, False), (1.0, math.nan, False),
        (0.0, Measurement(None, Status.ERROR, "broken"), False),
    ],
)  # fmt: skip
def test_a_check_is_right_within_its_tolerance_and_nan_never(expected, got, ok):
    made = check(expected, got)
    assert (made.ok, made.failed) == (ok, not ok)
    json.dumps(made.as_record(), allow_nan=False)


def test_what_cannot_run_here_is_neither_right_nor_wrong_and_told():
    left = skipped("known answer", "lpips", "equal", Status.WEIGHTS_MISSING, "run `zoo fetch`")
    found = Calibration((check(1.0, 1.0), left))
    assert found.ok
    assert (left.ok, left.failed, left.as_record()["ok"]) == (False, False, None)
    assert "skipped: lpips: run `zoo fetch`" in calibration_text(found)
    assert "1 checks, all right; 1 skipped" in calibration_text(found)
    assert not Calibration((check(1.0, 2.0), left)).ok


def test_the_table_shows_the_worst_of_each_column_and_source_and_every_check_on_demand():
    found = Calibration((check(1.0, 1.01, case="good"), check(1.0, 1.09, case="bad")))
    lines = calibration_text(found).splitlines()
    assert len(lines) == 3
    assert re.split(r"\s{2,}", lines[1]) == [
        "shipped", "psnr", "strict, basicsr, restoreformer", "bad", "2", "1", "1.09", "+9.0e-02",
        "0.1", "yes", "x",
    ]  # fmt: skip
    assert len(calibration_text(found, every=True).splitlines()) == 4


def test_every_closed_form_holds_and_covers_each_psnr_and_ssim(load):
    checks = list(closed_forms(load))
    assert [each for each in checks if not each.ok] == []
    families = {name for name in entries() if name.startswith(("psnr", "ssim", "ms_ssim"))}
    assert families <= {each.column for each in checks}


@pytest.fixture
def one_case(tmp_path):
    """The shipped values of one picture only."""
    path = tmp_path / "shipped.json"
    path.write_text(json.dumps({"colour": json.loads(SHIPPED.read_text())["colour"]}))
    return path


@pytest.fixture
def quick(monkeypatch, one_case):
    """Only one image and no network."""
    monkeypatch.setattr("bench.validate.closed_forms.describe_metrics", lambda: [entry_of("psnr")])
    monkeypatch.setattr("bench.validate.shipped.SHIPPED", one_case)


@pytest.fixture(scope="module")
def of_shipped(load):
    return list(shipped(load))


def test_the_shipped_set_agrees_with_two_named_implementations_of_each_column(of_shipped):
    assert [each for each in of_shipped if not each.ok] == []
    sources = {}
    for each in of_shipped:
        sources.setdefault((each.column, each.case), set()).add(each.source)
    assert all(len(names) == 2 for names in sources.values())
    assert all(re.search(r"\d+\.\d+|written out", s) for names in sources.values() for s in names)


def test_where_no_rounding_of_luma_is_at_stake_the_agreement_is_to_three_millionths(of_shipped):
    exact = [each for each in of_shipped if "rounded" not in each.column]
    assert max(abs(each.difference) for each in exact) < 3e-6


def test_psnr_and_ssim_of_every_protocol_are_in_the_shipped_set(of_shipped):
    wanted = {
        column
        for protocol in PROTOCOLS.values()
        for reported, columns in protocol.variants.items()
        if reported.startswith(("psnr", "ssim"))
        for column in columns
    }
    assert wanted <= {each.column for each in of_shipped}


def test_the_protocols_are_apart_on_the_shipped_set_so_that_a_mix_up_shows(of_shipped):
    """Each column differs from each other of its kind by more than the tolerance somewhere."""
    values = {}
    for each in of_shipped:
        values.setdefault(each.column, {})[each.case] = each.expected
    for kind in ("psnr", "ssim"):
        names = sorted(name for name in values if name.startswith(kind))
        for place, one in enumerate(names):
            for other in names[place + 1 :]:
                gaps = [abs(values[one][case] - values[other][case]) for case in values[one]]
                assert max(gaps) > (5e-3 if kind == "psnr" else 1e-4), (one, other)


def test_a_change_of_a_metric_by_a_thousandth_is_found(monkeypatch, load, one_case):
    measure = Psnr.measure
    monkeypatch.setattr(
        Psnr, "measure", lambda self, *pair: Measurement(measure(self, *pair).value + 1e-3)
    )
    wrong = {each.column for each in shipped(load, one_case) if not each.ok}
    assert wrong == {name for name in entries() if name.startswith("psnr")} - {"psnr_y_rounded"}
    assert any(each.column == "psnr_y_rounded" and not each.ok for each in closed_forms(load))


def test_a_picture_that_came_out_otherwise_fails_and_says_so(tmp_path, load):
    known = json.loads(SHIPPED.read_text())
    (name, first), *_ = known.items()
    first["sha256"]["restored"] = "0" * 64
    path = tmp_path / "shipped.json"
    path.write_text(json.dumps({name: first}))
    checks = list(shipped(load, path))
    assert checks
    assert all(each.failed for each in checks)
    assert {each.detail for each in checks} == {
        "its restored image is not the one that the values are of"
    }


@pytest.mark.parametrize(
    "name",
    ["odd-size", *(pytest.param(n, marks=pytest.mark.slow) for n in CASES if n != "odd-size")],
)
def test_the_shipped_values_are_those_that_its_script_makes(name):
    pytest.importorskip("pyiqa")
    from tools.make_shipped import make

    stored, made = json.loads(SHIPPED.read_text()), make([name])[name]
    assert stored.keys() == CASES.keys()
    assert made["sha256"] == stored[name]["sha256"]
    for kind in ("values", "sets"):
        assert made[kind].keys() == stored[name][kind].keys()
        for column, values in made[kind].items():
            expected = list(stored[name][kind][column].values())
            np.testing.assert_allclose(list(values.values()), expected, rtol=0, atol=2e-6)


def test_tiles_are_the_means_of_quarters():
    image = np.zeros((64, 40, 3), np.uint8)
    image[:16, 16:32, 1] = 255
    found = tiles(image)
    assert found.shape == (2, 12)
    expected = np.zeros((2, 12))
    expected[0, 4] = 1  # the first tile's second quarter, green
    np.testing.assert_array_equal(found, expected)


def test_a_digest_is_of_size_and_pixels():
    image = sample_crop("coffee.png", 0, 0, 4, 6)
    assert digest(image) == digest(image.copy())
    assert digest(image) != digest(image.reshape(6, 4, 3))


def test_known_answers_are_for_metrics_that_exist_and_those_without_a_network_hold(load):
    plain = {e.name: e.equal for e in entries().values() if e.equal and not e.packages}
    assert len(plain) >= 17
    image = Sample(sample_crop("astronaut.png", 0, 96, 256, 256))
    for name, (expected, tolerance) in plain.items():
        found = load(name).measure(image, Sample(image.image.copy())).value
        assert found == pytest.approx(expected, abs=tolerance), name


def test_the_published_table_holds_for_every_column_that_can_run(load, shared):
    checks = list(published(load, shared("calibration")))
    assert [each for each in checks if each.failed] == []
    made = {each.column for each in checks if not each.skipped}
    assert {name for name in entries() if name.startswith("psnr")} - {"psnr_y_eps"} <= made
    by_hand = ("psnr", "psnr_crop4", "psnr_y", "psnr_y_rounded", "psnr_y_limited", "psnr_vqfr",
               "ssim", "ssim_rgb_clamped", "ssim_y_rounded_clamped", "ssim_y", "ssim_y_limited",
               "ssim_vqfr")  # fmt: skip
    told = [each.column for each in checks if "by hand" in each.source]
    assert told == [column for column in by_hand for _ in range(5)]
    assert {each.column for each in checks} >= {"lpips", "dists", "fid", "fid_clean", "niqe_y_full"}
    assert len({each.source for each in checks if each.source}) == 3


def test_pictures_that_are_missing_or_others_are_refused(load, tmp_path, shared):
    with pytest.raises(DatasetError, match="has no folder dist: give the folder ResultsCalibra"):
        list(published(load, tmp_path))
    for kind in ("dist", "ref"):
        shutil.copytree(
            shared("calibration") / kind, tmp_path / f"{kind}_dir"
        )  # as in IQA-PyTorch's repository
    assert next(published(load, tmp_path)).ok
    picture = tmp_path / "ref_dir" / "I06.bmp"
    picture.write_bytes(picture.read_bytes()[:-1] + b"\0")
    with pytest.raises(DatasetError, match=r"I06.bmp is not the picture"):
        list(published(load, tmp_path))
    picture.unlink()
    with pytest.raises(DatasetError, match=r"I06.bmp is missing"):
        list(published(load, tmp_path))


def test_a_folder_without_the_pictures_is_refused_before_any_progress_is_told(tmp_path):
    result = CliRunner().invoke(main, ["calibrate", "--pairs", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("Error: ")


def test_the_whole_calibration_is_of_three_kinds_without_pairs(quick):
    told = []
    found = calibrate(tell=told.append)
    assert found.ok
    assert told == ["closed forms", "shipped", "known answers"]
    assert {each.kind for each in found.checks} == {"closed form", "known answer", "shipped"}


def test_the_command_prints_a_table_and_exits_with_0(quick):
    result = call("calibrate")
    assert result.exit_code == 0, result.output
    assert "closed form" in result.stdout
    assert "all right" in result.stdout.splitlines()[-1]


def test_the_command_exits_with_1_where_a_metric_is_wrong(quick, monkeypatch):
    monkeypatch.setattr(Psnr, "measure", lambda self, *pair: Measurement(30.0))
    result = call("calibrate", "--json")
    assert result.exit_code == 1
    record = json.loads(result.stdout)
    assert not record["ok"]
    assert record["failed"] > 10
    row = next(each for each in record["rows"] if each["metric"] == "psnr_vqfr" and not each["ok"])
    assert row.keys() >= {"expected", "got", "difference", "tolerance", "protocols", "source"}
    assert "NO" in call("calibrate").stdout


def test_json_has_no_bare_infinity(quick):
    result = call("calibrate", "--json")
    record = json.loads(result.stdout, parse_constant=lambda word: pytest.fail(word))
    assert "inf" in [each["expected"] for each in record["rows"]]


def test_protocols_are_listed_with_their_signatures():
    listed = call("protocols")
    assert listed.exit_code == 0
    for name in PROTOCOLS:
        assert f"{name}: " in listed.stdout
    assert "psnr|rgb|u8|crop0|vqfr" in listed.stdout
    one = call("protocols", "restoreformer")
    assert "as its scripts do:" in one.stdout
    assert "otherwise:" in one.stdout
    (record,) = json.loads(call("protocols", "vqfr", "--json").stdout)
    assert record["variants"]["psnr"] == [
        {"metric": "psnr_vqfr", "signature": load_metric("psnr_vqfr").signature}
    ]
    wrong = call("protocols", "vqfrr")
    assert wrong.exit_code == 2
    assert "Did you mean 'vqfr'?" in wrong.output


def test_a_check_is_frozen_and_knows_its_protocols():
    made = check(1.0, 1.0)
    assert isinstance(made, CalibrationCheck)
    assert made.protocols == ("strict", "basicsr", "restoreformer")
