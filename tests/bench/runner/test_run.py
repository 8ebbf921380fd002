from __future__ import annotations

import csv
import dataclasses
import json
import re

import numpy as np
import pytest

from bench.metrics.entry import Status
from bench.metrics.metric import Measurement
from bench.runner.run import execute, run
from bench.store.features import read_vectors
from bench.store.record import load_run
from bench.suite.conditions import open_conditions
from bench.suite.restorers import restorer_names
from bench.suite.suite import Suite, SuiteError
from degrade.dataset.build import build
from degrade.dataset.paired_dataset import PairedDataset
from degrade.dataset.sources import open_source
from degrade.errors import DatasetError
from degrade.images import read_image, write_png
from zoo.registry.registry import card


def values(done, metric, restorer):
    return [row.value for row in done.rows if (row.metric, row.restorer) == (metric, restorer)]


def statuses(done, metric, restorer):
    return [row.status for row in done.rows if (row.metric, row.restorer) == (metric, restorer)]


def test_every_image_restorer_and_metric_has_one_right_row(tmp_path, fakes):
    done = execute(
        fakes.suite(), [[fakes.condition()]], fakes.restorers(), fakes.metrics(), tmp_path
    )
    assert values(done, "error", "input") == [1.0, 2.0, 3.0]
    assert values(done, "error", "brighter") == [0.0, 1.0, 2.0]
    assert values(done, "set_distance", "brighter") == [pytest.approx(1.0)]
    (row,) = [r for r in done.rows if (r.metric, r.restorer) == ("set_distance", "input")]
    assert (row.key, row.n, row.value) == ("", 3, pytest.approx(2.0))
    assert "3 images, fewer than 2048" in row.detail
    assert all(value > 0 for value in values(done, "seconds", "input"))
    assert done.complete
    assert done.failed == 0


def test_rows_csv_has_the_rows_in_the_suites_order(tmp_path, fakes):
    execute(fakes.suite(), [[fakes.condition()]], fakes.restorers(), fakes.metrics(), tmp_path)
    with (tmp_path / "rows.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [line["metric"] for line in table][2:5] == ["error", "seconds", "error"]
    assert len(table) == 3 * 2 * 2 + 2


def test_restored_images_are_kept_as_they_were_made(tmp_path, fakes):
    condition = fakes.condition()
    execute(fakes.suite(), [[condition]], fakes.restorers(), fakes.metrics(), tmp_path)
    folder = tmp_path / "restored" / "ramps" / "dark"
    pair = condition.pairs[1]
    assert np.array_equal(read_image(folder / "brighter" / "b.png"), pair.lq + np.uint8(1))
    assert np.array_equal(read_image(folder / "hq" / "b.png"), pair.hq)


def test_a_finished_run_is_not_computed_again(tmp_path, fakes):
    execute(fakes.suite(), [[fakes.condition()]], fakes.restorers(), fakes.metrics(), tmp_path)
    before = (tmp_path / "rows.jsonl").read_bytes(), (tmp_path / "rows.csv").read_bytes()
    again = fakes.restorers()
    execute(fakes.suite(), [[fakes.condition()]], again, fakes.metrics(), tmp_path)
    assert [restorer.calls for restorer in again] == [0, 0]
    assert ((tmp_path / "rows.jsonl").read_bytes(), (tmp_path / "rows.csv").read_bytes()) == before


def without_seconds(done):
    return [row for row in done.rows if row.metric != "seconds"]


def csv_without_seconds(folder):
    lines = csv.DictReader((folder / "rows.csv").read_text().splitlines())
    return [line for line in lines if line["metric"] != "seconds"]


def test_an_interrupted_run_goes_on_and_ends_with_the_same_rows(tmp_path, fakes):
    whole = execute(
        fakes.suite(), [[fakes.condition()]], fakes.restorers(), fakes.metrics(), tmp_path / "whole"
    )
    out = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt):
        stopping = fakes.condition(stop_at=2)
        execute(fakes.suite(), [[stopping]], fakes.restorers(), fakes.metrics(), out)
    assert not load_run(out).complete
    with (out / "rows.jsonl").open("a") as file:
        file.write('{"suite": "small", "dat')  # a kill while a row was written
    again = fakes.restorers()
    done = execute(fakes.suite(), [[fakes.condition()]], again, fakes.metrics(), out)
    assert [restorer.calls for restorer in again] == [1, 1]  # only the image that was missing
    assert sorted(without_seconds(done), key=str) == sorted(without_seconds(whole), key=str)
    assert len(done.record["resumed"]) == 1
    assert csv_without_seconds(out) == csv_without_seconds(tmp_path / "whole")


def test_an_image_that_was_restored_but_not_measured_is_not_restored_again(tmp_path, fakes):
    broken = fakes.PairMetric("error", lambda restored, hq: 1 / 0, "lower")
    first = execute(fakes.suite(), [[fakes.condition()]], fakes.restorers(), [broken], tmp_path)
    assert statuses(first, "error", "input") == ["error"] * 3
    assert first.failed == 6
    assert "ZeroDivisionError" in (tmp_path / "errors.log").read_text()
    again = fakes.restorers()
    second = execute(fakes.suite(), [[fakes.condition()]], again, fakes.metrics()[:1], tmp_path)
    assert [restorer.calls for restorer in again] == [0, 0]
    assert values(second, "error", "input") == [1.0, 2.0, 3.0]


def test_a_stored_image_that_is_damaged_is_made_again(tmp_path, fakes):
    broken = fakes.PairMetric("error", lambda restored, hq: 1 / 0, "lower")
    execute(fakes.suite(), [[fakes.condition()]], fakes.restorers(), [broken], tmp_path)
    folder = tmp_path / "restored" / "ramps" / "dark" / "brighter"
    (folder / "a.png").write_bytes(b"not a picture")
    write_png(folder / "b.png", np.zeros((3, 3, 3), np.uint8))
    again = fakes.restorers()
    done = execute(fakes.suite(), [[fakes.condition()]], again, fakes.metrics()[:1], tmp_path)
    assert [restorer.calls for restorer in again] == [0, 2]
    assert values(done, "error", "brighter") == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"limit": 2}, "limit of the suite was None, now 2"),
        ({"metrics": ("error",)}, "metrics of the suite was error, set_distance, now error"),
        ({"seed": 8}, "seed of the suite was 7, now 8"),
    ],
)
def test_a_folder_with_another_run_is_refused_with_what_differs(tmp_path, fakes, changes, message):
    execute(fakes.suite(), [[fakes.condition()]], fakes.restorers(), fakes.metrics(), tmp_path)
    with pytest.raises(SuiteError, match=message):
        execute(
            fakes.suite(**changes),
            [[fakes.condition()]],
            fakes.restorers(),
            fakes.metrics(),
            tmp_path,
        )


def test_another_signature_or_other_images_make_another_run(tmp_path, fakes):
    execute(fakes.suite(), [[fakes.condition()]], fakes.restorers(), fakes.metrics(), tmp_path)
    changed = fakes.metrics()
    changed[0].signature = "fake|2"
    with pytest.raises(SuiteError, match=r"signature of error was fake\|1, now fake\|2"):
        execute(fakes.suite(), [[fakes.condition()]], fakes.restorers(), changed, tmp_path)
    with pytest.raises(SuiteError, match="images of ramps/dark was"):
        fewer = fakes.condition(keys=("a", "b"))
        execute(fakes.suite(), [[fewer]], fakes.restorers(), fakes.metrics(), tmp_path)


def fail(face):
    raise RuntimeError("no\nface today")


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (fail, "RuntimeError: no face today"),
        (lambda face: face.astype(np.float32), r"gave float32 \(40, 48, 3\), not uint8"),
        (lambda face: face / np.float64("nan"), "gave NaN in a float64 array"),
        (lambda face: face[:-1], r"gave uint8 \(39, 48, 3\), not uint8 \(40, 48, 3\)"),
        (lambda face: None, "gave a NoneType, not an array"),
    ],
)
def test_a_restorer_that_fails_has_error_rows_and_the_run_goes_on(tmp_path, fakes, act, reason):
    restorers = fakes.restorers()
    bad = fakes.Restorer(fakes.card("bad"), lambda face: act(face) if face[0, 0, 1] == 99 else face)
    restorers.insert(1, bad)
    suite = fakes.suite(restorers=("input", "bad", "brighter"))
    done = execute(suite, [[fakes.condition()]], restorers, fakes.metrics(), tmp_path)
    assert statuses(done, "error", "bad") == ["error"] * 3
    assert statuses(done, "seconds", "bad") == ["error"] * 3
    assert values(done, "error", "brighter") == [0.0, 1.0, 2.0]
    (row,) = [r for r in done.rows if (r.metric, r.restorer, r.key) == ("error", "bad", "a")]
    assert re.search(reason, row.detail)
    (of_set,) = [r for r in done.rows if (r.metric, r.restorer) == ("set_distance", "bad")]
    assert (of_set.status, of_set.n) == ("error", 0)


def test_a_set_is_compared_again_once_a_failed_image_is_mended(tmp_path, fakes):
    restorers = fakes.restorers()
    good = restorers[1].act
    restorers[1].act = lambda face: fail(face) if face[0, 0, 1] == 99 and once.pop() else good(face)
    once = [False, False, True]
    first = execute(fakes.suite(), [[fakes.condition()]], restorers, fakes.metrics(), tmp_path)
    (before,) = [r for r in first.rows if (r.metric, r.restorer) == ("set_distance", "brighter")]
    assert before.n == 2
    second = execute(
        fakes.suite(), [[fakes.condition()]], fakes.restorers(), fakes.metrics(), tmp_path
    )
    (after,) = [r for r in second.rows if (r.metric, r.restorer) == ("set_distance", "brighter")]
    assert after.n == 3
    assert second.failed == 0


def test_trying_a_lost_image_again_keeps_the_vectors_of_every_truth(tmp_path, fakes):
    lost = [True, False, False, True]  # the first image, in both sessions

    def act(face):
        return fail(face) if lost.pop(0) else face

    stored = tmp_path / "features" / "ramps" / "dark" / "hq" / "mean-level.npz"
    restorers = [fakes.restorers()[0], fakes.Restorer(fakes.card("brighter"), act)]
    for _ in range(2):
        done = execute(fakes.suite(), [[fakes.condition()]], restorers, fakes.metrics(), tmp_path)
        assert statuses(done, "error", "brighter") == ["error", "ok", "ok"]
        assert sorted(read_vectors(stored)) == [("a", 0), ("b", 0), ("c", 0)]
    assert not lost


def test_an_image_that_cannot_be_read_has_error_rows_for_everyone(tmp_path, fakes):
    condition = fakes.condition(broken=("b",))
    done = execute(fakes.suite(), [[condition]], fakes.restorers(), fakes.metrics(), tmp_path)
    broken = [row for row in done.rows if row.key == "b"]
    assert {(r.restorer, r.metric) for r in broken} == {
        (r, m) for r in ("input", "brighter") for m in ("error", "seconds")
    }
    assert all(r.status == "error" and "b is damaged" in r.detail for r in broken)
    assert values(done, "error", "input") == [1.0, None, 3.0]


@pytest.mark.parametrize(
    "shape", [(40, 20, 3), (20, 48, 3), (80, 96, 3), (48, 40, 3)]
)  # the truth is 40 x 48
def test_a_degraded_image_that_cannot_be_its_truths_has_error_rows(tmp_path, fakes, shape):
    condition = fakes.condition()
    pairs = [condition.pairs[index] for index in range(3)]
    pairs[1].lq = np.zeros(shape, np.uint8)
    condition = dataclasses.replace(condition, pairs=pairs)
    run = execute(fakes.suite(), [[condition]], fakes.restorers(), fakes.metrics(), tmp_path)
    wrong = [row for row in run.rows if row.status == "error"]
    assert {row.key for row in wrong} == {"b"}
    assert len(wrong) == 2 * 2
    assert f"is {shape[0]} x {shape[1]} pixels, its HQ 40 x 48" in wrong[0].detail
    assert values(run, "error", "input") == [1.0, None, 3.0]


@pytest.mark.parametrize("shape", [(10, 12, 3), (13, 16, 3), (5, 6, 3), (14, 16, 3)])
def test_a_degraded_image_that_its_recipe_left_smaller_is_enlarged(tmp_path, fakes, shape):
    condition = fakes.condition(keys=("a",))
    pair = condition.pairs[0]
    pair.lq = np.full(shape, 90, np.uint8)
    condition = dataclasses.replace(condition, pairs=[pair])
    run = execute(fakes.suite(), [[condition]], fakes.restorers(), fakes.metrics(), tmp_path)
    assert run.failed == 0


def test_only_oracles_are_told_how_an_image_was_degraded(tmp_path, fakes):
    blind, oracle = fakes.restorers()[0], fakes.Restorer(fakes.card("told", blind=False), np.copy)
    suite = fakes.suite(restorers=("input", "told"))
    execute(suite, [[fakes.condition()]], [blind, oracle], fakes.metrics(), tmp_path)
    assert blind.plans == [None] * 3
    assert [plans[0].image_id for plans in oracle.plans] == ["a.png", "b.png", "c.png"]


def test_a_restorer_that_writes_into_its_input_harms_nobody_else(tmp_path, fakes):
    def vandal(face):
        face[:] = 0
        return face

    restorers = [fakes.restorers()[0], fakes.Restorer(fakes.card("vandal"), vandal)]
    restorers.append(fakes.restorers()[1])
    suite = fakes.suite(restorers=("input", "vandal", "brighter"))
    done = execute(suite, [[fakes.condition()]], restorers, fakes.metrics(), tmp_path)
    assert values(done, "error", "input") == [1.0, 2.0, 3.0]
    assert values(done, "error", "brighter") == [0.0, 1.0, 2.0]


def test_a_feature_is_computed_once_for_equal_pixels_whoever_wants_it(tmp_path, fakes):
    seen = []

    def wants_feature(restored, hq):
        for sample in (restored, hq):
            sample.feature("slow", lambda image: seen.append(image.tobytes()))
        return 1.0

    metrics = [fakes.PairMetric(name, wants_feature) for name in ("one", "two")]
    group = [fakes.condition(recipe) for recipe in ("dark", "dim")]
    suite = fakes.suite(recipes=("dark", "dim"), metrics=("one", "two"))
    execute(suite, [group], fakes.restorers(), metrics, tmp_path)
    # Three truths shared by both recipes, and per recipe two restored images each; the
    # brighter first image equals its truth but belongs to the restored side.
    assert len(seen) == 3 + 2 * 3 * 2


def test_every_status_of_a_metric_reaches_its_row(tmp_path, fakes):
    answers = {
        "no_face": Measurement(None, Status.NO_FACE, "none"),
        "nan": Measurement(float("nan")),
        "lying": Measurement(1.0, Status.WEIGHTS_MISSING, "zoo fetch"),
        "empty": Measurement(None),
    }
    metrics = [fakes.PairMetric(name, lambda r, h, a=a: a) for name, a in answers.items()]
    suite = fakes.suite(metrics=tuple(answers))
    done = execute(suite, [[fakes.condition()]], fakes.restorers(), metrics, tmp_path)
    found = {row.metric: row.status for row in done.rows if row.key == "a"}
    assert found == {
        "no_face": "no_face",
        "nan": "error",
        "lying": "weights_missing",
        "empty": "error",
        "seconds": "ok",
    }
    assert all((row.value is None) == (row.status != "ok") for row in done.rows)


def test_names_that_would_leave_the_folder_are_refused(tmp_path, fakes):
    for key in ("../x", "/x", "a/../../x"):
        with pytest.raises(DatasetError, match="rename"):
            execute(
                fakes.suite(),
                [[fakes.condition(keys=(key,))]],
                fakes.restorers(),
                fakes.metrics(),
                tmp_path / "run" / key.replace("/", ""),
            )
        assert not (tmp_path / "x.png").exists()


def test_the_record_says_what_was_run_with_what(tmp_path, fakes):
    execute(fakes.suite(), [[fakes.condition()]], fakes.restorers(), fakes.metrics(), tmp_path)
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["suite"]["seed"] == 7
    assert record["conditions"][0]["recipe_digest"] == "d" * 64
    assert list(record["restorers"]) == ["input", "brighter"]
    assert record["metrics"]["error"]["signature"] == "fake|1"
    assert record["metrics"]["set_distance"]["kind"] == "set"
    assert record["environment"]["libraries"]["numpy"] == np.__version__
    assert record["environment"]["cpu"]


def test_real_photographs_run_from_python_and_agree_with_the_metric(tmp_path):
    suite = Suite("tiny", ("sample-photos",), ("kuaishou", "gfpgan"), ("bilateral",),
                  ("psnr",), limit=2, size=96)  # fmt: skip
    done = run(suite, tmp_path)
    assert {row.restorer for row in done.rows} == {"input", "bilateral"}
    for row in done.rows:
        if row.metric == "psnr":
            folder = tmp_path / "restored" / "sample-photos" / row.recipe
            restored = read_image(folder / row.restorer / f"{row.key}.png").astype(float)
            hq = read_image(folder / "hq" / f"{row.key}.png").astype(float)
            expected = 10 * np.log10(255**2 / np.mean((restored - hq) ** 2))
            assert max(hq.shape[:2]) == 96
            assert row.value == pytest.approx(expected, abs=1e-9)


def test_mistakes_in_names_are_one_line(tmp_path):
    from degrade.errors import UserError

    with pytest.raises(UserError, match="did you mean nlmeans"):
        run("quick", tmp_path, restorers=["nlmean"])
    with pytest.raises(UserError, match="Did you mean 'psnr'"):
        run("quick", tmp_path, metrics=["psnrr"])
    with pytest.raises(SuiteError, match="has no degraded images"):
        run(Suite("x", ("sample-photos",), (), ("input",), ("psnr",)), tmp_path)
    assert not list(tmp_path.iterdir())


def test_built_data_sets_are_scored_as_stored_and_like_the_virtual_ones(tmp_path):
    photos = tmp_path / "photos"
    generator = np.random.Generator(np.random.Philox(3))
    for name in ("one", "two", "three"):
        write_png(photos / f"{name}.png", generator.integers(0, 256, (48, 64, 3), np.uint8))
    folders = []
    for recipe in ("kuaishou", "gfpgan"):
        folders.append(tmp_path / f"built-{recipe}")
        build(PairedDataset(open_source(photos), recipe, seed=7, variants=2), folders[-1])
    suite = Suite("x", (str(photos),), ("kuaishou", "gfpgan"), ("input",), ("psnr",), variants=2)
    virtual = run(suite, tmp_path / "virtual")
    stored = run(suite, tmp_path / "stored", pairs=folders)
    found = {(r.dataset, r.recipe, r.key): r.value for r in stored.rows if r.metric == "psnr"}
    assert len(found) == 12
    assert {dataset for dataset, _, _ in found} == {"built-kuaishou", "built-gfpgan"}
    assert found == {
        (f"built-{r.recipe}", r.recipe, r.key): r.value for r in virtual.rows if r.metric == "psnr"
    }


def test_another_number_of_threads_is_another_run(tmp_path):
    import torch

    before = torch.get_num_threads()
    suite = Suite("x", ("sample-photos",), ("gfpgan",), ("input",), ("psnr",), limit=1, size=64)
    try:
        done = run(suite, tmp_path, threads=1)
        assert done.record["environment"]["torch_threads"] == 1
        with pytest.raises(SuiteError, match="number of threads was 1, now 2"):
            run(suite, tmp_path, threads=2)
    finally:
        torch.set_num_threads(before)


def test_the_zoos_cards_are_read_only_where_all_are_asked_for(tmp_path, monkeypatch):
    def damaged():
        raise DatasetError("an added card cannot be read")

    monkeypatch.setattr("bench.suite.restorers.cards", damaged)
    write_png(tmp_path / "faces" / "a.png", np.full((64, 64, 3), 90, np.uint8))
    suite = Suite("x", (str(tmp_path / "faces"),), ("gfpgan-128",), ("input",), ("psnr",))
    assert run(suite, tmp_path / "run").complete
    with pytest.raises(DatasetError, match="an added card"):
        run(suite, tmp_path / "other", restorers=["all"])


def test_all_are_the_restorers_that_take_faces_of_the_set_s_size(tmp_path):
    for side in (64, 48):
        write_png(tmp_path / str(side) / "a.png", np.full((side, side, 3), 90, np.uint8))
    (tmp_path / "64" / "0.png").write_bytes(b"no picture")
    chosen = {}
    for side in (64, 48):
        suite = Suite("x", (str(tmp_path / str(side)),), ("gfpgan-64",), ("all",), ("psnr",))
        groups = open_conditions(suite)
        chosen[side] = set(restorer_names(suite.restorers, groups))
    assert {"input", "nlmeans", "psp", "image2stylegan"} <= chosen[64]
    assert "style-128" not in chosen[64] | chosen[48]
    assert chosen[48] == {name for name in chosen[64] if card(name).input_size is None}


def test_a_run_whose_pictures_changed_does_not_vouch_for_the_new_ones(tmp_path):
    picture = tmp_path / "faces" / "a.png"
    write_png(picture, np.full((64, 64, 3), 90, np.uint8))
    suite = Suite("x", (str(tmp_path / "faces"),), ("gfpgan-64",), ("input",), ("psnr",))
    run(suite, tmp_path / "run")
    write_png(picture, np.full((64, 64, 3), 120, np.uint8))
    with pytest.raises(SuiteError, match="the images of faces under gfpgan-64 changed"):
        run(suite, tmp_path / "run")


def test_threads_do_not_matter_where_one_session_had_no_pytorch(tmp_path, monkeypatch):
    write_png(tmp_path / "faces" / "a.png", np.full((64, 64, 3), 90, np.uint8))
    suite = Suite("x", (str(tmp_path / "faces"),), ("gfpgan-64",), ("input",), ("psnr",))
    run(suite, tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    record["environment"]["torch_threads"] = None
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    assert run(suite, tmp_path / "run").complete
