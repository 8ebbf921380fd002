import numpy as np
import pytest

from bench.metrics.registry import entries, entry_of
from bench.report.model import build_report
from bench.runner.run import execute, run
from bench.suite.conditions import AS_FOUND
from bench.suite.suite import Suite, SuiteError, load_suite
from degrade.images import write_png


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    source = np.random.Generator(np.random.Philox(1))
    for name in ("a", "b"):
        write_png(folder / f"{name}.png", source.integers(0, 256, (40, 48, 3)).astype(np.uint8))
    return folder


def suite(folder, **changes):
    facts = {"restorers": ("bilateral",), "metrics": ("niqe",), "truths": False}
    return Suite("real", (str(folder),), (), **(facts | changes))


def test_photographs_are_restored_as_they_are_and_no_truth_is_claimed(photographs, tmp_path, fakes):
    from bench.suite.conditions import open_conditions
    from zoo.registry.registry import load

    brightness = fakes.PairMetric("level", lambda restored, hq: float(restored.image.mean()))
    asked = suite(photographs, restorers=("input", "bilateral"), metrics=("level",))
    restorers = [load(name) for name in asked.restorers]
    done = execute(asked, open_conditions(asked), restorers, [brightness], tmp_path)
    assert done.failed == 0
    assert {row.recipe for row in done.rows} == {AS_FOUND}
    own = {
        row.key: row.value for row in done.rows if (row.restorer, row.metric) == ("input", "level")
    }
    assert own["a.png"] == pytest.approx(_mean(photographs / "a.png"))
    assert [path.name for path in sorted((tmp_path / "restored").glob("*/*/*"))] == [
        "bilateral",
        "input",
    ]
    (table,) = build_report(done).tables
    assert table.images == 2


def _mean(path):
    from degrade.images import read_image

    return read_image(path).mean()


@pytest.mark.parametrize(
    ("metrics", "reference", "message"),
    [
        (("niqe", "psnr"), None, "'psnr' compares with HQ"),
        (("face_found",), None, "'face_found' compares with HQ"),
        (("niqe", "kd_efficientnet"), None, "give clean faces by --reference"),
    ],
)
def test_what_needs_a_truth_is_refused_before_anything_is_restored(
    photographs, tmp_path, metrics, reference, message
):
    with pytest.raises(SuiteError, match=message):
        run(suite(photographs, metrics=metrics, reference=reference), tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_niqe_reads_nothing_of_a_truth():
    from bench.metrics.metric import Measurement, Sample
    from bench.metrics.no_reference.niqe import Niqe, Pristine
    from bench.metrics.pixel.planes import Y_LIMITED, Protocol

    pristine = Pristine(np.zeros(36), np.eye(36))
    metric = Niqe(entry_of("niqe"), Protocol(Y_LIMITED, rounded=True), pristine)
    noise = np.random.Generator(np.random.Philox(2)).integers(0, 256, (96, 192, 3))
    image, black = noise.astype(np.uint8), np.zeros((96, 192, 3), np.uint8)
    found = [metric.measure(Sample(image), Sample(truth)) for truth in (image, black)]
    assert found[0] == found[1] != Measurement(None)
    assert found[0].value > 0


def test_no_metric_of_pairs_but_niqe_is_taken_to_need_none():
    free = {
        name
        for name, source in entries().items()
        if source.kind == "pair" and not source.needs_reference
    }
    assert free == {"niqe", "niqe_y_full"}


def test_pyiqas_metrics_say_themselves_whether_they_look_at_one():
    pytest.importorskip("pyiqa")
    named = (f"pyiqa:{name}" for name in ("musiq", "brisque", "lpips"))
    assert [entry_of(name).needs_reference for name in named] == [False, False, True]


def test_pairs_are_not_photographs_without_truths(tmp_path):
    with pytest.raises(SuiteError, match="not pairs"):
        run("real", tmp_path / "x", pairs=[tmp_path])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("truths: maybe", "line 5: truths: Expected `bool`, got `str`"),
        ("truths: false\nrecipes: [gfpgan]", "truths: images without HQ are not degraded"),
        ("truths: false\nvariants: 2", "truths: images without HQ are not degraded"),
    ],
)
def test_a_contradiction_in_a_suite_is_one_line(tmp_path, text, message):
    path = tmp_path / "s.yaml"
    path.write_text(f"name: s\ndatasets: [x]\nrestorers: [input]\nmetrics: [niqe]\n{text}\n")
    with pytest.raises(SuiteError, match=message):
        load_suite(path)


def test_suites_of_pairs_are_recorded_as_before():
    assert "truths" not in load_suite("quick").as_record()
    assert load_suite("real").as_record()["truths"] is False
