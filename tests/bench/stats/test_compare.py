from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from bench.metrics.distribution.distances import kernel_distance
from bench.metrics.distribution.feature_sets import FeatureDistance
from bench.metrics.pixel.psnr import CAP
from bench.metrics.registry import entry_of
from bench.report.comparison import comparison_records, comparison_table, comparison_text
from bench.runner.reference import open_reference
from bench.runner.run import execute
from bench.stats.bootstrap import Interval
from bench.stats.compare import compare, compare_runs
from bench.stats.scores import NotComparableError
from bench.store.features import file_of
from bench.store.record import Run
from bench.suite.conditions import Condition
from degrade.errors import DatasetError, UserError
from degrade.images import write_png
from degrade.planner.plan import Plan

NAMES = [f"{i:03}" for i in range(40)]


def metric_facts(name, direction, kind="pair", unit="", judge="", feature=""):
    return {
        "name": name, "direction": direction, "kind": kind, "unit": unit, "judge": judge,
        "feature": feature, "signature": f"{name}|1", "source": "test",
    }  # fmt: skip


METRICS = {
    "psnr": metric_facts("psnr", "higher", unit="dB"),
    "perceptual_efficientnet": metric_facts("perceptual_efficientnet", "lower", judge="lite2"),
    "fd_efficientnet": metric_facts("fd_efficientnet", "lower", "set"),
    "kd_efficientnet": metric_facts("kd_efficientnet", "lower", "set"),
    "seconds": metric_facts("seconds", "lower"),
}


@pytest.fixture
def make(fakes, tmp_path):
    """Return a function: {(restorer, metric): values} to a run of 40 photographs."""

    def build(values, variants=1, cards=None, **changes):
        rows = []
        for (restorer, metric), numbers in values.items():
            for place, value in enumerate(numbers):
                name, variant = NAMES[place // variants], place % variants
                value = None if value is None else float(value)
                key = name if variants == 1 else f"{name}-v{variant:05d}"
                status = "ok" if value is not None else "error"
                rows.append(
                    fakes.row(value, key=key, variant=variant, restorer=restorer, metric=metric,
                              status=status)
                )  # fmt: skip
        restorers = dict.fromkeys(restorer for restorer, _ in values)
        record = {
            "suite": {"name": "small", "seed": 7},
            "conditions": [{"dataset": "ramps", "recipe": "dark", "recipe_digest": "d",
                            "keys_sha256": "k", "images": 40}],
            "restorers": {
                n: fakes.card(n, **(cards or {}).get(n, {})).as_record() for n in restorers
            },
            "metrics": METRICS,
            "reference": None,
            "finished": "now",
        }  # fmt: skip
        return Run(tmp_path, record | changes, tuple(rows))

    return build


def noise(seed, count=40):
    return np.random.Generator(np.random.Philox(seed)).normal(size=count)


def one(table, metric="psnr", against="input"):
    (row,) = [r for r in table.rows if (r.metric, r.against) == (metric, against)]
    return row


def test_a_clear_gain_is_better_and_a_clear_loss_worse_in_the_metrics_direction(make):
    base = 25 + 3 * noise(1)
    gain = base + 1 + 0.2 * noise(2)
    run = make(
        {
            ("input", "psnr"): base,
            ("mine", "psnr"): gain,
            ("input", "perceptual_efficientnet"): base,
            ("mine", "perceptual_efficientnet"): gain,
        }
    )
    table = compare(run, "mine")
    found = one(table)
    assert found.difference.mean == pytest.approx(np.mean(gain - base))
    assert found.difference.low > 0.9
    assert (found.verdict, found.wins, found.photographs) == ("better", 1.0, 40)
    worse = one(table, "perceptual_efficientnet")
    assert (worse.verdict, worse.wins) == ("worse", 0.0)


@pytest.mark.parametrize(
    ("count", "verdict"),
    [(1, "cannot tell"), (2, "cannot tell"), (5, "cannot tell"), (6, "better")],
)
def test_fewer_than_six_photographs_cannot_tell(make, count, verdict):
    base = noise(1, count)
    run = make({("input", "psnr"): base, ("mine", "psnr"): base + 1 + 0.01 * noise(2, count)})
    found = one(compare(run, "mine"))
    assert (found.verdict, found.wins, found.photographs) == (verdict, 1.0, count)
    assert found.p == 2.0 ** (1 - count)
    assert "cannot tell" in comparison_text(compare(run, "mine")) or verdict == "better"


def test_photographs_are_counted_of_each_comparison_not_of_the_condition(make):
    base = noise(1, 4).tolist()
    mine = [base[0] + 1, base[1] + 2, None, None]
    found = one(compare(make({("input", "psnr"): base, ("mine", "psnr"): mine}), "mine"))
    assert (found.photographs, found.p, found.verdict) == (2, 0.5, "cannot tell")


def test_a_run_that_was_cut_off_is_not_compared(make):
    values = {("input", "psnr"): noise(1), ("mine", "psnr"): noise(2)}
    whole, begun = make(values), make(values, finished=None)
    empty = make({}, finished=None, restorers=whole.record["restorers"])
    message = "is not finished: run the suite again into the same folder"
    for run in (begun, empty):
        with pytest.raises(UserError, match=message):
            compare(run, "mine")
        for pair in ((whole, run), (run, whole)):
            with pytest.raises(UserError, match=message):
                compare_runs(*pair)


def test_noise_cannot_be_told(make):
    run = make({("input", "psnr"): noise(1), ("mine", "psnr"): noise(2)})
    assert one(compare(run, "mine")).verdict == "cannot tell"


def test_a_difference_that_alone_would_do_is_not_enough_among_many(make):
    base = noise(1)
    gain = noise(2)
    weak = base + gain - gain.mean() + 2.4 * gain.std() / math.sqrt(40)
    values = {("input", "psnr"): base, ("mine", "psnr"): weak}
    alone = one(compare(make(values), "mine"))
    assert alone.difference.low > 0
    assert alone.p < 0.05
    assert alone.verdict == "better"
    crowd = {(f"other{i}", "psnr"): weak + noise(10 + i) for i in range(9)}
    among = one(compare(make(values | crowd), "mine"))
    assert among.difference == alone.difference
    assert among.p_holm > 0.05
    assert among.verdict == "cannot tell"


def test_versions_of_a_photograph_count_as_one(make):
    base = 25 + noise(1, 120)
    shift = np.repeat(noise(2), 3)
    run = make({("input", "psnr"): base, ("mine", "psnr"): base + shift}, variants=3)
    single = make({("input", "psnr"): base[:40], ("mine", "psnr"): base[:40] + shift[::3]})
    found, expected = one(compare(run, "mine")), one(compare(single, "mine"))
    assert (found.photographs, found.images) == (40, 120)
    assert found.difference.low == pytest.approx(expected.difference.low)
    assert found.wilcoxon == pytest.approx(expected.wilcoxon)


def test_an_image_without_a_value_is_left_out_of_both_and_counted(make):
    base = noise(1).tolist()
    run = make({("input", "psnr"): base, ("mine", "psnr"): [None, *(v + 1 for v in base[1:])]})
    found = one(compare(run, "mine"))
    assert (found.photographs, found.left_out) == (39, 1)
    assert found.difference.mean == pytest.approx(1.0)
    assert "1 values are missing on one side" in comparison_text(compare(run, "mine"))


def test_perfect_images_count_as_the_cap_and_two_perfect_ones_as_no_difference(make):
    base, mine = [30.0] * 40, [31.0] * 40
    base[0], mine[0] = math.inf, math.inf
    base[1], mine[1] = math.inf, 40.0
    run = make({("input", "psnr"): base, ("mine", "psnr"): mine})
    found = one(compare(run, "mine"))
    assert found.difference.mean == pytest.approx((38 * 1 + 0 + 40 - CAP) / 40)
    assert (found.capped, found.unbounded, found.photographs) == (2, 0, 40)
    assert found.signature == "psnr|1|cap58.92"
    other = one(compare(run, "mine", infinite="leave-out"))
    assert other.difference.mean == pytest.approx(38 / 39)
    assert (other.capped, other.unbounded, other.photographs) == (0, 1, 39)
    assert other.signature == "psnr|1|infinite-left-out"


def test_the_cap_is_the_psnr_of_rounding_to_eight_bits():
    exact = np.random.Generator(np.random.Philox(1)).uniform(20, 230, 1_000_000)
    error = np.mean((np.rint(exact) - exact) ** 2)
    assert pytest.approx(10 * math.log10(255**2 / error), abs=0.01) == CAP


def test_the_hardest_third_are_the_photographs_with_the_worst_inputs(make):
    hardness = np.repeat(noise(3), 3) + 0.01 * noise(4, 120)
    gain = np.where(np.repeat(noise(3) >= np.sort(noise(3))[-13], 3), 2.0, -1.0)
    run = make(
        {
            ("input", "psnr"): np.zeros(120), ("mine", "psnr"): gain,
            ("input", "perceptual_efficientnet"): hardness,
        },
        variants=3,
    )  # fmt: skip
    found = one(compare(run, "mine", metrics=["psnr"], subset="hardest-third"))
    assert found.photographs == 13
    assert found.difference.mean == 2.0
    with pytest.raises(UserError, match="no perceptual distance of its inputs"):
        bare = make({("input", "psnr"): noise(1), ("mine", "psnr"): noise(2)})
        compare(bare, "mine", subset="hardest-third")


def test_oracles_stand_outside_unless_they_are_named(make):
    values = {(name, "psnr"): noise(i) for i, name in enumerate(("input", "mine", "told"))}
    run = make(values, cards={"told": {"blind": False}})
    assert {row.against for row in compare(run, "mine").rows} == {"input"}
    assert {row.against for row in compare(run, "mine", ["told"]).rows} == {"told"}


def test_what_has_no_paired_interval_is_told(make):
    run = make({(n, "psnr"): noise(i) for i, n in enumerate(("input", "mine"))})
    notes = compare(run, "mine").notes
    assert "perceptual_efficientnet: no value in this run" in notes


def test_a_judge_that_one_of_the_two_was_trained_against_is_daggered(make):
    values = {(n, "perceptual_efficientnet"): noise(i) for i, n in enumerate(("input", "mine"))}
    plain, trained = make(values), make(values, cards={"mine": {"loss_networks": ("lite2",)}})
    assert not one(compare(plain, "mine"), "perceptual_efficientnet").daggered
    assert one(compare(trained, "mine"), "perceptual_efficientnet").daggered


def test_mistakes_in_names_are_one_line(make):
    run = make({(n, "psnr"): noise(i) for i, n in enumerate(("input", "mine"))})
    with pytest.raises(UserError, match=r"no restorer 'mien'. Did you mean 'mine'\?"):
        compare(run, "mien")
    with pytest.raises(UserError, match="no metric 'psn'"):
        compare(run, "mine", metrics=["psn"])


def test_mistakes_in_the_metrics_of_two_runs_are_one_line_and_never_compare_others(make):
    values = {(n, "psnr"): noise(i) for i, n in enumerate(("input", "mine"))}
    before, after = make(values), make(values, metrics={"psnr": METRICS["psnr"]})
    for given in (["psn"], ["psnr", "psn"]):
        with pytest.raises(UserError, match=r"no metric 'psn'. Did you mean 'psnr'\?"):
            compare_runs(before, after, metrics=given)
    with pytest.raises(UserError, match="the later run has no metric 'kd_efficientnet'"):
        compare_runs(before, after, metrics=["psnr", "kd_efficientnet"])
    assert {row.metric for row in compare_runs(before, after).rows} == {"psnr"}


def test_a_table_without_a_comparison_is_refused(make):
    run = make({(n, "psnr"): noise(i) for i, n in enumerate(("input", "mine"))})
    with pytest.raises(UserError, match="'seconds' judges no image"):
        compare(run, "mine", metrics=["seconds"])
    with pytest.raises(UserError, match="there is nobody to compare 'mine' with"):
        compare(run, "mine", ["mine"])
    with pytest.raises(UserError, match="there is nobody to compare 'mine' with"):
        compare(make({("mine", "psnr"): noise(1)}), "mine")


def test_more_comparisons_than_the_draws_can_correct_are_refused(make, monkeypatch):
    monkeypatch.setattr("bench.stats.compare._MOST", 1)
    run = make({(n, "psnr"): noise(i) for i, n in enumerate(("input", "mine", "other"))})
    with pytest.raises(UserError, match="2 comparisons are more than 1"):
        compare(run, "mine")


def test_two_runs_are_compared_name_by_name_and_the_difference_is_what_changed(make):
    base = noise(1)
    before = make({("input", "psnr"): base, ("mine", "psnr"): base + 1})
    after = make({("input", "psnr"): base, ("mine", "psnr"): base + 3, ("new", "psnr"): base})
    table = compare_runs(before, after)
    (found,) = table.rows
    assert (found.restorer, found.against, found.verdict) == ("mine", "mine", "better")
    assert found.difference == Interval(pytest.approx(2), pytest.approx(2), pytest.approx(2))
    assert "mine, before" in comparison_text(table)


@pytest.mark.parametrize("change", ["signature", "images", "degradation"])
def test_runs_that_differ_in_more_than_the_restorer_are_not_compared(make, change):
    base = noise(1)
    before = make({("input", "psnr"): base, ("mine", "psnr"): base})
    shifted = base + (change == "degradation")
    after = make({("input", "psnr"): shifted, ("mine", "psnr"): base})
    if change == "images":
        after.record["conditions"][0]["keys_sha256"] = "other"
    if change == "signature":
        from dataclasses import replace

        after = replace(after, rows=tuple(replace(r, signature="psnr|y") for r in after.rows))
    with pytest.raises(NotComparableError) as caught:
        compare_runs(before, after)
    assert caught.value.exit_code == 3


def test_the_tables_say_the_same_in_words_markdown_and_json(make):
    base = 25 + noise(1)
    run = make({("input", "psnr"): base, ("mine", "psnr"): base + 1 + 0.1 * noise(2)})
    table = compare(run, "mine")
    (line,) = [row for row in comparison_text(table).splitlines() if row.startswith("psnr")]
    assert line.split()[:3] == ["psnr", "↑", "input"]
    assert line.endswith("better")
    markdown = comparison_table(table)
    assert "| mine against | psnr ↑ |" in markdown
    assert "40 photographs, 40 degraded images" in markdown
    assert "| input | **+" in markdown
    record = json.loads(json.dumps(comparison_records(table), allow_nan=False))
    assert record["comparisons"][0]["verdict"] == "better"
    assert record["comparisons"][0]["difference"]["mean"] == one(table).difference.mean


class _Faces:
    """Noise of six photographs, each twice degraded by other noise."""

    def __init__(self, source):
        self.addresses = [(f"{name}-v{v:05d}", v) for name in "abcdef" for v in range(2)]
        self._hq = source.integers(60, 180, (6, 40, 48, 3)).astype(np.uint8)
        self._noise = source.integers(0, 20, (12, 40, 48, 3)).astype(np.uint8)

    def __len__(self):
        return 12

    def __getitem__(self, index):
        hq, (key, variant) = self._hq[index // 2], self.addresses[index]
        plan = Plan("noise", "d" * 64, 7, f"{key}.png", variant, (40, 48), ())
        return SimpleNamespace(key=key, hq=hq, lq=hq + self._noise[index], plan=plan)


class _Levels(FeatureDistance):
    """The kernel distance on eight numbers of each picture, so that no network is needed."""

    def __init__(self):
        super().__init__(entry_of("kd_efficientnet"), None)

    def describe(self, sample):
        return sample.image[:8, :8, 0].astype(float).mean(axis=1) / 64


def no_image(face):
    raise ValueError("never works")


@pytest.fixture
def kernel_run(tmp_path, fakes):
    """``broken`` fails on every picture."""
    source = np.random.Generator(np.random.Philox(1))
    for number in range(5):
        picture = source.integers(90, 150, (40, 48, 3)).astype(np.uint8)
        write_png(tmp_path / "clean" / f"{number}.png", picture)
    faces = _Faces(source)
    condition = Condition("ramps", "dark", "d" * 64, tuple(faces.addresses), faces)
    reference = open_reference(str(tmp_path / "clean"))
    suite = fakes.suite(metrics=("kd_efficientnet",), variants=2)
    restorers = [*fakes.restorers(), fakes.Restorer(fakes.card("broken"), no_image)]
    return execute(suite, [[condition]], restorers, [_Levels()], tmp_path / "run", reference)


def test_a_kernel_distance_differs_by_the_difference_of_the_two_values(kernel_run):
    values = {
        row.restorer: row.value
        for row in kernel_run.rows
        if row.metric == entry_of("kd_efficientnet").name
    }
    found = one(compare(kernel_run, "brighter"), entry_of("kd_efficientnet").name)
    assert found.difference.mean == pytest.approx(values["brighter"] - values["input"], rel=1e-5)
    assert (found.photographs, found.images, found.wins) == (6, 12, None)
    assert found.difference.low < found.difference.mean < found.difference.high
    assert "reference:clean-n5" in found.signature


def test_a_restorer_that_failed_on_every_image_cannot_be_told_from_others(kernel_run):
    table = compare(kernel_run, "brighter")
    found = one(table, entry_of("kd_efficientnet").name, "broken")
    assert (found.verdict, found.difference.mean, found.photographs) == ("cannot tell", None, 0)
    assert (found.images, found.left_out) == (0, 12)
    assert one(table, entry_of("kd_efficientnet").name).photographs == 6
    assert (
        one(compare(kernel_run, "broken"), entry_of("kd_efficientnet").name).verdict
        == "cannot tell"
    )
    assert comparison_text(table)


def test_the_value_of_a_run_leaves_out_pairs_of_versions_of_one_photograph(kernel_run, tmp_path):
    from bench.store.features import read_vectors, reference_file
    from bench.store.images import numbered

    (row,) = [
        r
        for r in kernel_run.rows
        if (r.metric, r.restorer) == (entry_of("kd_efficientnet").name, "input")
    ]
    found = read_vectors(
        file_of(tmp_path / "run", ("ramps", "dark", "input", entry_of("kd_efficientnet").feature))
    )
    stored = read_vectors(reference_file(tmp_path / "run", entry_of("kd_efficientnet").feature))
    restored, reference = np.stack(list(found.values())), np.stack(list(stored.values()))
    images = numbered(found)
    expected = kernel_distance(restored.astype(float), reference.astype(float), images)
    assert row.value == pytest.approx(expected, rel=1e-9)
    assert expected < kernel_distance(restored.astype(float), reference.astype(float))


def test_vectors_that_were_deleted_are_told(kernel_run, tmp_path):
    file_of(
        tmp_path / "run", ("ramps", "dark", "input", entry_of("kd_efficientnet").feature)
    ).unlink()
    with pytest.raises(DatasetError, match="is missing: run the suite again"):
        compare(kernel_run, "brighter")


def test_distances_from_own_truths_and_those_nothing_is_known_of_are_not_compared(make, fakes):
    run = make({("input", "psnr"): noise(1), ("mine", "psnr"): noise(2)})
    extra = [
        fakes.row(1.0, key="", metric=metric, restorer=restorer)
        for metric in ("kd_efficientnet", "fd_efficientnet", "own_distance")
        for restorer in ("input", "mine")
    ]
    from dataclasses import replace

    metrics = METRICS | {"own_distance": metric_facts("own_distance", "lower", "set")}
    record = run.record | {"metrics": metrics}
    table = compare(replace(run, record=record, rows=(*run.rows, *extra)), "mine")
    assert {row.metric for row in table.rows} == {"psnr"}
    own_truths = "biased when compared with the HQ of the same images; run with --reference"
    assert f"kd_efficientnet: {own_truths}" in table.notes
    assert f"fd_efficientnet: {own_truths}" in table.notes
    assert "own_distance: no interval of its differences is known" in table.notes
