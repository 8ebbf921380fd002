from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from bench.gate.gate import gate
from bench.gate.rules import MetricRule, Rules
from bench.gate.text import verdict_markdown, verdict_text
from bench.metrics.distribution.distances import frechet_distance, kernel_distance
from bench.report.comparison import comparison_records, comparison_table, comparison_text
from bench.report.significance import groups_text
from bench.stats.compare import compare, compare_runs
from bench.stats.resampling import holm
from bench.stats.significance import significance_groups
from bench.store.features import file_of, reference_file, write_vectors
from bench.store.record import Run
from degrade.errors import DatasetError

FD, KD, FEATURE = "fd_efficientnet", "kd_efficientnet", "numbers"
PHOTOGRAPHS, VERSIONS, DIMENSIONS = 40, 2, 12


def generator(seed):
    return np.random.Generator(np.random.Philox(seed))


def facts(name):
    return {
        "name": name, "direction": "lower", "kind": "set", "unit": "", "judge": "",
        "feature": FEATURE, "signature": f"{name}|1", "source": "test",
    }  # fmt: skip


@pytest.fixture
def faces():
    """Features of 40 photographs, each twice degraded; `spoiled` loses half of the spread."""
    source = generator(1)
    photographs = np.repeat(source.normal(size=(PHOTOGRAPHS, DIMENSIONS)), VERSIONS, axis=0)
    good = photographs + 0.3 * source.normal(size=photographs.shape)
    return {
        "input": good + 0.3 * source.normal(size=good.shape),
        "good": good,
        "alike": photographs + 0.3 * source.normal(size=photographs.shape),
        "spoiled": 0.5 * good,
    }


@pytest.fixture
def make(fakes, tmp_path):
    """Return a function: {restorer: vectors} to a run with a Fréchet and a kernel distance.

    ``lost`` names images, by place, of which a restorer has no vector.
    """

    def build(sets, name="run", lost=(), reference=True, variants=VERSIONS):
        folder = tmp_path / name
        count = len(next(iter(sets.values())))
        keys = [(f"{i // variants:03}-v{i % variants:05d}", i % variants) for i in range(count)]
        clean = generator(2).normal(size=(60, DIMENSIONS)).astype(np.float32)
        write_vectors(
            reference_file(folder, FEATURE), {(f"{i:03}", 0): row for i, row in enumerate(clean)}
        )
        rows = []
        for restorer, vectors in sets.items():
            found = {
                key: row
                for place, (key, row) in enumerate(
                    zip(keys, vectors.astype(np.float32), strict=True)
                )
                if (restorer, place) not in lost
            }
            if found:
                write_vectors(file_of(folder, ("ramps", "dark", restorer, FEATURE)), found)
            restored = np.stack(list(found.values())).astype(float)
            values = {
                FD: frechet_distance(restored, clean.astype(float)),
                KD: kernel_distance(restored, clean.astype(float)),
            }
            for metric, value in values.items():
                facts_of = {"restorer": restorer, "metric": metric}
                rows.append(fakes.row(value, key="", n=len(found), **facts_of))
                rows += [
                    fakes.row(None, key=key, variant=variant, status="ok", **facts_of)
                    for key, variant in keys
                ]
        record = {
            "suite": {"name": "small", "seed": 7, "masks": "none"},
            "conditions": [{"dataset": "ramps", "recipe": "dark", "recipe_digest": "d",
                            "keys_sha256": "k", "images": count}],
            "restorers": {each: fakes.card(each).as_record() for each in sets},
            "metrics": {FD: facts(FD), KD: facts(KD)},
            "reference": {"name": "clean"} if reference else None,
            "finished": "now",
        }  # fmt: skip
        return Run(folder, record, tuple(rows))

    return build


def one(table, metric, against):
    (row,) = [r for r in table.rows if (r.metric, r.against) == (metric, against)]
    return row


def values(run, metric):
    return {r.restorer: r.value for r in run.rows if r.metric == metric and r.value is not None}


def test_a_frechet_distance_differs_by_the_difference_of_the_two_values(make, faces):
    run = make(faces)
    found, stored = one(compare(run, "spoiled"), FD, "good"), values(run, FD)
    assert found.difference.mean == pytest.approx(stored["spoiled"] - stored["good"], rel=1e-9)
    assert (found.photographs, found.images, found.left_out) == (40, 80, 0)
    assert (found.wins, found.wilcoxon, found.verdict) == (None, None, "worse")
    assert found.difference.low < found.difference.mean < found.difference.high


def test_restorers_of_one_distribution_cannot_be_told_apart(make, faces):
    found = one(compare(make(faces), "good"), FD, "alike")
    assert found.verdict == "cannot tell"
    assert found.difference.low < 0 < found.difference.high


def test_frechet_and_kernel_distances_share_a_table_and_its_correction(make, faces):
    table = compare(make(faces), "spoiled", ["good"])
    assert [row.metric for row in table.rows] == [FD, KD]
    assert table.notes == ()
    assert [row.p_holm for row in table.rows] == holm([row.p for row in table.rows])


def test_an_image_that_one_lacks_is_left_out_of_both_sets(make, faces):
    lost = (("good", 0), ("good", 1), ("spoiled", 5))  # a whole photograph, and half of another
    run, kept = make(faces, lost=lost), np.delete(np.arange(80), [0, 1, 5])
    clean = generator(2).normal(size=(60, DIMENSIONS)).astype(np.float32).astype(float)
    single = {name: faces[name].astype(np.float32).astype(float)[kept] for name in faces}
    expected = frechet_distance(single["spoiled"], clean) - frechet_distance(single["good"], clean)
    found = one(compare(run, "spoiled"), FD, "good")
    assert found.difference.mean == pytest.approx(expected, rel=1e-9)
    assert (found.photographs, found.images, found.left_out) == (39, 77, 3)


def test_what_the_numbers_mean_is_told_where_there_is_a_frechet_distance(make, faces):
    table = compare(make(faces), "spoiled", ["good"])
    for text in (comparison_text(table), comparison_table(table)):
        assert "as they are expected of so many images" in text
        assert "with n below 2,048 more images may even turn the sign; of fewer than 200" in text
    kernel_only = compare(make(faces), "spoiled", ["good"], metrics=[KD])
    assert "Fréchet" not in comparison_text(kernel_only)
    large = replace(
        table, rows=tuple(replace(row, images=2048, photographs=200) for row in table.rows)
    )
    assert "of its own." in comparison_text(large)
    record = json.loads(json.dumps(comparison_records(table), allow_nan=False))
    assert [each["metric"] for each in record["comparisons"]] == [FD, KD]


def test_two_runs_are_compared_by_it(make, faces):
    before = make({"input": faces["input"], "mine": faces["good"]}, "before")
    after = make({"input": faces["input"], "mine": faces["spoiled"]}, "after")
    found = one(compare_runs(before, after), FD, "mine")
    expected = values(after, FD)["mine"] - values(before, FD)["mine"]
    assert found.difference.mean == pytest.approx(expected, rel=1e-9)
    assert found.verdict == "worse"


def test_a_gate_takes_a_rule_for_it(make, faces):
    rules = Rules((MetricRule(FD, 0.02, relative=True),))
    good = make({"input": faces["input"], "mine": faces["good"]}, "before")
    spoiled = make({"input": faces["input"], "mine": faces["spoiled"]}, "after")
    assert gate(good, good, rules).exit_code == 0
    verdict = gate(good, spoiled, rules)
    assert (verdict.exit_code, [check.metric for check in verdict.failures]) == (1, [FD])
    (check,) = verdict.checks
    assert check.before == values(good, FD)["mine"]
    assert check.after == pytest.approx(values(spoiled, FD)["mine"], rel=1e-9)
    for text in (verdict_text(verdict), verdict_markdown(verdict)):
        assert "as they are expected of so many images" in text
        assert "with n below 2,048 more images may even turn the sign" in text


def test_without_a_reference_set_it_is_not_compared(make, faces):
    table = compare(make(faces, reference=False), "spoiled")
    assert table.rows == ()
    assert (
        f"{FD}: biased when compared with the HQ of the same images; run with --reference"
        in table.notes
    )
    assert significance_groups(make(faces, reference=False)) == []


@pytest.mark.parametrize("count", [2, 5])
def test_few_photographs_cannot_tell(make, faces, count):
    run = make({name: each[:count] for name, each in faces.items()}, variants=1)
    found = one(compare(run, "spoiled"), FD, "good")
    assert (found.verdict, found.photographs) == ("cannot tell", count)
    assert (found.difference.mean is None) == (count == 2)  # one image has no covariance


def test_letters_are_given_from_the_lowest_distance(make, faces):
    (group,) = significance_groups(make(faces))
    order = sorted(faces, key=values(make(faces), FD).__getitem__)
    assert (group.metric, list(group.letters)) == (FD, order)
    assert set(group.letters["good"]) & set(group.letters["alike"])
    assert not set(group.letters["good"]) & set(group.letters["spoiled"])
    assert f"{FD} (n 40)" in groups_text([group])


def test_a_restorer_with_fewer_images_is_placed_by_differences_over_equal_ones(make, faces):
    # "farther" is "good" moved away from the clean faces, so worse over the images of both; but
    # "good" lacks two thirds of the images, and the bias of so few lifts its value above.
    lost = tuple(("good", place) for place in range(52))
    clean = generator(2).normal(size=(60, DIMENSIONS))
    away = np.sign(faces["good"][52:].mean(axis=0) - clean.mean(axis=0))
    run = make({"farther": faces["good"] + 0.05 * away, "good": faces["good"]}, lost=lost)
    stored = values(run, FD)
    (group,) = significance_groups(run)
    assert stored["good"] > stored["farther"]
    assert one(compare(run, "good"), FD, "farther").difference.mean < 0
    assert list(group.letters) == ["good", "farther"]


def test_vectors_that_were_deleted_are_told(make, faces, tmp_path):
    run = make(faces)
    file_of(tmp_path / "run", ("ramps", "dark", "good", FEATURE)).unlink()
    with pytest.raises(DatasetError, match="is missing: run the suite again"):
        compare(run, "spoiled")


def test_each_set_is_decomposed_once(make, faces, monkeypatch):
    from bench.stats import paired_sets as set_pairing

    calls = []
    plain = set_pairing.jackknife_values
    monkeypatch.setattr(
        set_pairing, "jackknife_values", lambda *given: calls.append(1) or plain(*given)
    )
    significance_groups(make(faces))
    assert len(calls) == len(faces)
