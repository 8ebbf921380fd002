import itertools
from dataclasses import FrozenInstanceError

import pytest

from bench.metrics.entry import Status
from bench.metrics.metric import Measurement
from bench.metrics.registry import entries, entry_of
from bench.runner.run import execute, run
from bench.stats.scores import score
from bench.suite.protocols import (
    EVERY,
    PROTOCOLS,
    STRICT,
    choose_columns,
    protocol_names,
    protocols_of,
)
from bench.suite.suite import Suite, SuiteError, load_suite
from degrade.errors import UserError

TEXT = "datasets: [sample-photos]\nrecipes: [kuaishou]\nrestorers: [input]\nmetrics: [psnr]\n"
SIX = ("strict", "basicsr", "vqfr", "restoreformer", "pmrf", "pyiqa")


def columns_of(protocol):
    return {name for names in protocol.variants.values() for name in names}


def test_there_are_six_and_every_column_of_theirs_is_a_metric_with_its_own_signature():
    assert protocol_names() == SIX
    every = set().union(*(columns_of(each) for each in PROTOCOLS.values()))
    assert every <= entries().keys()
    assert len({entry_of(name).signature for name in every}) == len(every)


@pytest.mark.parametrize("name", SIX)
def test_each_says_where_it_is_from_and_scores_pixels_structure_and_perception(name):
    protocol = PROTOCOLS[name]
    assert protocol.name == name
    assert protocol.source
    assert {"psnr", "ssim", "lpips", "fid"} <= protocol.variants.keys()
    for reported, names in protocol.variants.items():
        assert all(each.startswith(reported[:4]) or each == "face_found" for each in names)


@pytest.mark.parametrize(
    ("protocol", "reported", "signatures"),
    [
        ("strict", "psnr", ["psnr|rgb|u8|crop0"]),
        ("basicsr", "psnr_y", ["psnr|y-limited|u8|crop0"]),
        ("vqfr", "psnr", ["psnr|rgb|u8|crop0|vqfr"]),
        ("vqfr", "ssim", ["ssim|rgb-mean|u8|gauss11s1.5|valid|crop0|vqfr"]),
        ("pyiqa", "psnr", ["psnr|rgb|u8|crop0|eps1e-8"]),
        ("pyiqa", "ssim", ["ssim|y-full-rounded|u8|gauss11s1.5|valid|crop0|clamped"]),
        (
            "restoreformer",
            "lpips",
            ["lpips|vgg|v0.1|bgr|native-size", "lpips|vgg|v0.1|bgr|unit-range|native-size"],
        ),
        (
            "vqfr",
            "identity",
            ["identity|arcface-resnet18|degrees|png-grey128-u8|below1-left-out|whole-image"],
        ),
        ("pmrf", "fid", ["fid|inception-2015-12-05|torch-fidelity|tf1-bilinear299|pool3-2048"]),
    ],
)
def test_what_a_protocol_reports_has_the_signature_of_its_script(protocol, reported, signatures):
    chosen = choose_columns([reported], [protocol])
    assert [entry_of(name).signature for name in chosen] == signatures


def test_a_column_that_no_protocol_reports_stands_for_itself_under_each():
    for name in SIX:
        assert choose_columns(["kd_efficientnet", "psnr_crop4"], [name]) == (
            "kd_efficientnet",
            "psnr_crop4",
        )


def test_two_protocols_give_both_columns_side_by_side():
    assert choose_columns(["psnr", "ssim"], ["strict", "vqfr"]) == (
        "psnr", "psnr_vqfr", "ssim", "ssim_vqfr",
    )  # fmt: skip


def test_choosing_again_from_what_was_chosen_changes_nothing():
    for pair in itertools.product(SIX, SIX):
        chosen = choose_columns([EVERY, "psnr_y", "lpips_vgg", "face_found"], pair)
        assert choose_columns(chosen, pair) == chosen


def test_the_word_protocol_is_everything_the_scripts_report():
    assert choose_columns([EVERY], ["vqfr"]) == (
        "psnr_vqfr", "ssim_vqfr", "lpips_vgg", "niqe", "identity_vqfr", "fid",
    )  # fmt: skip


def test_in_strict_a_lost_face_counts_and_coverage_stands_beside_it():
    assert choose_columns(["identity"]) == ("identity_dlib_strict", "face_found")


def test_what_a_protocol_does_not_report_is_refused_with_those_that_do():
    with pytest.raises(UserError, match="protocol basicsr has no 'identity'") as caught:
        choose_columns(["identity"], ["basicsr"])
    assert "strict, vqfr, restoreformer, pmrf" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_protocol_gets_the_nearest():
    with pytest.raises(UserError, match=r"no protocol 'vqfrr'\. Did you mean 'vqfr'"):
        choose_columns(["psnr"], ["vqfrr"])


def test_a_column_knows_its_protocols():
    assert protocols_of("psnr") == ("strict", "basicsr", "restoreformer")
    assert protocols_of("psnr_vqfr") == ("vqfr",)
    assert protocols_of("kd_efficientnet") == ()


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        PROTOCOLS["mine"] = PROTOCOLS["vqfr"]
    with pytest.raises(FrozenInstanceError):
        PROTOCOLS["vqfr"].name = "mine"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", (STRICT,)),
        ("protocol: vqfr\n", ("vqfr",)),
        ("protocol: [strict, pyiqa]\n", ("strict", "pyiqa")),
    ],
)
def test_a_suite_names_its_protocols(tmp_path, line, expected):
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT + line)
    assert load_suite(path).protocol == expected


@pytest.mark.parametrize("line", ["protocol: vqfrr\n", "protocol: [strict, vqfrr]\n"])
def test_a_suites_typo_is_one_line_with_the_nearest(tmp_path, line):
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT + line)
    with pytest.raises(
        SuiteError, match=r"line 5: protocol: there is no protocol 'vqfrr'. Did you mean"
    ):
        load_suite(path)


@pytest.mark.parametrize("line", ["protocol: 7\n", "protocol: []\n", "protocol: [vqfr, vqfr]\n"])
def test_a_suites_protocol_is_a_name_or_names(tmp_path, line):
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT + line)
    with pytest.raises(SuiteError, match="line 5: protocol: "):
        load_suite(path)


def test_a_run_has_the_columns_of_its_protocols_and_no_other_in_their_place(tmp_path):
    suite = Suite("s", ("sample-photos",), ("kuaishou",), ("input",), ("psnr", "ssim"), size=64)
    done = run(suite, tmp_path / "run", limit=1, protocol=["vqfr", "pyiqa"])
    by_column = {row.metric: row for row in done.rows}
    names = ["psnr_vqfr", "psnr_eps", "ssim_vqfr", "ssim_y_rounded_clamped"]
    assert list(done.record["suite"]["metrics"]) == names
    assert by_column.keys() == {*names, "seconds"}
    for name in names:
        assert by_column[name].signature == entry_of(name).signature
    assert done.record["suite"]["protocol"] == ["vqfr", "pyiqa"]
    with pytest.raises(SuiteError, match=r"holds another run: metrics of the suite was psnr_vqfr"):
        run(suite, tmp_path / "run", limit=1)


def test_a_pair_that_a_script_leaves_out_is_a_status_outside_the_mean_and_in_the_coverage(
    tmp_path, fakes
):
    left = Measurement(None, Status.LEFT_OUT, "0.5° is below 1°")
    values = {1: left, 2: Measurement(10.0), 3: Measurement(20.0)}
    metric = fakes.PairMetric(
        "angle", lambda restored, hq: values[int(hq.image[0, 0, 1] - restored.image[0, 0, 1])],
        "lower",
    )  # fmt: skip
    restorers = fakes.restorers()[:1]
    suite = fakes.suite(restorers=("input",), metrics=("angle",))
    done = execute(suite, [[fakes.condition()]], restorers, [metric], tmp_path / "run")
    (found,) = (s for s in score(done.rows, seed=0).values() if s.metric == "angle")
    assert found.mean.mean == 15.0
    assert (found.n, found.attempted, found.statuses) == (2, 3, {"left_out": 1, "ok": 2})
    assert done.failed == 0
