from __future__ import annotations

import math

import numpy as np
import pytest

import degrade
from bench.metrics.registry import entry_of, recorded_entry
from bench.report.severity import severity_markdown, severity_terminal
from bench.stats.bootstrap import ColumnBootstrap, interval_of_draws
from bench.stats.severity import analyse, parts_of
from bench.stats.severity.analysis import error_of
from bench.stats.severity.levels import gradings
from bench.store.record import Run
from degrade.ops import OPERATIONS
from degrade.planner.plan import Plan, Step
from degrade.planner.severity import severity_plans

SILENT = {"flip", "shift", "crop", "round", "truncate", "unsharp_mask", "grey"}


def test_every_operation_is_of_a_family_or_named_as_of_none():
    named = {operation.name for operation in OPERATIONS.values() if operation.family}
    assert named | SILENT == OPERATIONS.keys()


@pytest.mark.parametrize("operation", sorted(o.name for o in OPERATIONS.values() if o.family))
def test_strength_rises_from_0_to_1_along_an_operations_ladder(operation):
    rungs = severity_plans(operation, image_id="a", size=(240, 320), count=5)
    parts = [parts_of(rung.plan) for rung in rungs]
    assert all(len(each) == 1 for each in parts)
    strengths = [each[0].strength for each in parts]
    assert strengths == sorted(strengths)
    assert strengths[0] == pytest.approx(0, abs=0.05)
    assert strengths[-1] == pytest.approx(1, abs=0.05)


def test_enlarging_back_is_no_degradation_and_a_divisor_counts_from_the_size_before():
    plan = degrade.plan(degrade.load_recipe("gfpgan-128"), seed=1, image_id="a", size=(128, 128))
    shrunk = next(part for part in parts_of(plan) if part.family == "resolution")
    assert [step.operation for step in plan.steps].count("resize") == 2
    assert [part.family for part in parts_of(plan)].count("resolution") == 1
    divisor = 128 / float(shrunk.step.parameters["height"])
    assert shrunk.strength == pytest.approx(math.log(divisor / 1.5) / math.log(30 / 1.5), abs=1e-9)


def test_steps_of_the_truth_alone_are_left_out():
    noise = {"sigma": 20.0, "per_channel": True}
    steps = (Step("gaussian_noise", 1, "hq", noise), Step("gaussian_noise", 2, "lq", noise))
    assert [part.step.slot for part in parts_of(a_plan(steps))] == [2]


def test_blocks_by_nearest_neighbour_are_pixelation():
    recipe = degrade.load_recipe("imagenet-c:pixelate:5")
    plan = degrade.plan(recipe, seed=1, image_id="a", size=(224, 224))
    assert parts_of(plan)[0].family == "pixelation"


def test_errors_are_0_for_a_perfect_image_and_known_for_others():
    psnr = error_of(entry_of("psnr_vqfr"))
    assert psnr(np.array([math.inf, 20.0])).tolist() == pytest.approx([0, 0.1])
    ssim = error_of(entry_of("ssim"))
    assert ssim(np.array([1.0, 0.25])).tolist() == [0, 0.75]
    lpips = error_of(entry_of("lpips_vgg"))
    assert lpips(np.array([0.0, 0.5])).tolist() == [0, 0.5]
    assert error_of(recorded_entry({"name": "pyiqa:musiq"})) is None
    assert error_of(entry_of("niqe")) is None


def test_resampled_means_leave_out_what_is_missing_and_equal_a_plain_bootstrap():
    table = np.array([[1.0, math.nan], [3.0, 8.0], [5.0, 4.0]])
    means, draws = ColumnBootstrap(7, 3).means(table)
    assert means.tolist() == [3, 6]
    assert draws.shape == (2000, 2)
    full = draws[:, 0]
    assert set(np.round(full * 3)) <= set(range(3, 16))
    assert full.std() == pytest.approx(math.sqrt(8 / 3 / 3), rel=0.05)
    only = np.isnan(draws[:, 1]).mean()
    assert only == pytest.approx(1 / 27, abs=0.015)  # the first photograph three times
    assert interval_of_draws(means[1], draws[:, 1], 2).low == 4
    assert interval_of_draws(means[1], draws[:, 1], 1).low is None


def a_plan(steps=(), recipe="r", key="a"):
    return Plan(recipe, "d" * 64, 7, key, 0, (64, 64), tuple(steps))


def noise(sigma, slot=1):
    return Step("gaussian_noise", slot, "lq", {"sigma": float(sigma), "per_channel": True})


def jpeg(quality, slot=2):
    return Step("jpeg", slot, "lq", {"quality": quality, "subsampling": "420"})


def stated_run(fakes, values, tmp_path):
    """``values[(corruption, severity)][restorer]`` is a list over photographs."""
    rows, conditions, plans = [], [], {}
    for (corruption, severity), of in values.items():
        recipe = f"steps:{corruption}:{severity}"
        conditions.append(
            {
                "dataset": "ramps", "recipe": recipe, "recipe_digest": "d" * 64, "images": 2,
                "choices": {"corruption": corruption, "severity": str(severity)},
            }
        )  # fmt: skip
        step = noise(20) if corruption == "grain" else jpeg(30)
        for number in range(2):
            key = (f"k{number}", 0)
            plans.setdefault(("ramps", recipe), {})[key] = a_plan(
                (step, jpeg(85, 9)), recipe, key[0]
            )
            for restorer, numbers in of.items():
                if numbers[number] is not None:
                    rows.append(
                        fakes.row(numbers[number], key=key[0], recipe=recipe, dataset="ramps",
                                  restorer=restorer, metric="lpips")
                    )  # fmt: skip
    facts = {"name": "lpips", "kind": "pair", "direction": "lower", "unit": ""}
    record = {
        "suite": {"seed": 7, "name": "small"},
        "conditions": conditions,
        "restorers": {"input": {"blind": True}, "mender": {"blind": True}},
        "metrics": {"lpips": facts},
    }
    return Run(tmp_path, record, tuple(rows)), plans


VALUES = {
    ("grain", 1): {"input": [0.2, 0.4], "mender": [0.1, 0.1]},
    ("grain", 2): {"input": [0.6, 0.8], "mender": [0.3, 0.5]},
    ("blocks", 1): {"input": [0.1, 0.1], "mender": [0.2, 0.2]},
    ("blocks", 2): {"input": [0.3, 0.3], "mender": [0.4, 0.4]},
}


def test_the_mean_restoration_error_is_imagenet_cs_by_hand(fakes, tmp_path):
    (found,) = analyse(*stated_run(fakes, VALUES, tmp_path))
    assert found.grading.stated
    assert found.grading.recipe == "steps"
    base, mender = found.standings
    grain = (0.1 + 0.4) / (0.3 + 0.7)  # means over photographs, summed over severities
    blocks = (0.2 + 0.4) / (0.1 + 0.3)
    assert mender.degradations["grain"].share.mean == pytest.approx(grain)
    assert mender.families["compression"].share.mean == pytest.approx(blocks)
    assert mender.mean.share.mean == pytest.approx((grain + blocks) / 2)
    assert mender.worst == "compression"
    assert base.mean.share.mean == pytest.approx(1)
    assert base.worst == ""
    assert mender.mean.photographs == 2


def test_curves_hold_the_mean_at_each_severity_and_its_images(fakes, tmp_path):
    (found,) = analyse(*stated_run(fakes, VALUES, tmp_path))
    curve = next(c for c in found.curves if (c.restorer, c.degradation) == ("input", "grain"))
    assert [point.value.mean for point in curve.points] == pytest.approx([0.3, 0.7])
    assert [point.level for point in curve.points] == [1, 2]
    assert [point.images for point in curve.points] == [2, 2]
    assert (curve.points[0].value.low, curve.points[0].value.high) == pytest.approx((0.2, 0.4))


def test_a_photograph_lost_at_one_severity_counts_at_none_of_that_degradation(fakes, tmp_path):
    values = {k: dict(v) for k, v in VALUES.items()}
    values["grain", 1] = {"input": [0.2, 0.4], "mender": [0.1, None]}
    (found,) = analyse(*stated_run(fakes, values, tmp_path))
    left = found.standings[1].degradations["grain"]
    assert left.share.mean == pytest.approx((0.1 + 0.3) / (0.2 + 0.6))
    assert left.photographs == 1
    assert found.standings[1].degradations["blocks"].photographs == 2


def test_a_restorer_that_fails_on_every_severe_image_has_no_error_of_the_mild_ones(fakes, tmp_path):
    values = {k: dict(v) for k, v in VALUES.items()}
    values["grain", 2] = {"input": [0.6, 0.8], "mender": [None, None]}
    (found,) = analyse(*stated_run(fakes, values, tmp_path))
    mender = found.standings[1]
    assert mender.degradations["grain"].share.mean is None
    assert mender.degradations["grain"].photographs == 0
    assert mender.families["noise"].share.mean is None
    assert mender.mean.share.mean is None  # of the blocks alone it would be another number
    assert mender.worst == ""
    assert (mender.mean.images, mender.mean.attempted) == (4, 8)
    assert "– – 4/8 images" in severity_terminal([found])
    assert found.standings[0].mean.share.mean == pytest.approx(1)


def test_a_restorer_that_fails_everywhere_is_not_left_out_of_the_table(fakes, tmp_path):
    values = {k: {"input": v["input"], "mender": [None, None]} for k, v in VALUES.items()}
    (found,) = analyse(*stated_run(fakes, values, tmp_path))
    mender = found.standings[1]
    assert mender.mean.share.mean is None
    assert (mender.mean.images, mender.mean.attempted, mender.mean.photographs) == (0, 8, 0)
    assert "| mender | –, 0/8 images |" in "\n".join(severity_markdown([found]))


def test_images_that_drop_out_stand_beside_the_share(fakes, tmp_path):
    values = {k: dict(v) for k, v in VALUES.items()}
    values["grain", 2] = {"input": [0.6, 0.8], "mender": [0.3, None]}
    (found,) = analyse(*stated_run(fakes, values, tmp_path))
    base, mender = found.standings
    left = mender.degradations["grain"]
    assert left.share.mean == pytest.approx((0.1 + 0.3) / (0.2 + 0.6))
    assert (left.images, left.attempted) == (2, 4)  # the mild image of the second is out too
    assert (mender.mean.images, mender.mean.attempted) == (6, 8)
    assert (base.mean.images, base.mean.attempted) == (8, 8)
    assert "6/8 images" in severity_terminal([found])


def test_an_image_that_the_input_lacks_takes_no_photograph_from_the_rest(fakes, tmp_path):
    values = {k: dict(v) for k, v in VALUES.items()}
    values["grain", 2] = {"input": [0.6, None], "mender": [0.3, 0.5]}
    (found,) = analyse(*stated_run(fakes, values, tmp_path))
    left = found.standings[1].degradations["grain"]
    assert left.share.mean == pytest.approx((0.1 + 0.3) / (0.3 + 0.6))
    assert (left.images, left.attempted, left.photographs) == (3, 4, 2)


def test_a_version_that_failed_is_no_gain_beside_the_photographs_other_versions(fakes, tmp_path):
    plans = {("ramps", "mix"): {}}
    rows = []
    for name in ("a", "b"):
        for variant, error in enumerate((0.2, 0.8)):
            plan = a_plan((noise(20),), "mix", name)
            plans["ramps", "mix"][name, variant] = plan
            for restorer in ("input", "mender"):
                if (restorer, name, variant) != ("mender", "b", 1):
                    rows.append(
                        fakes.row(error, key=name, variant=variant, recipe="mix", dataset="ramps",
                                  restorer=restorer, metric="lpips")
                    )  # fmt: skip
    run, _ = stated_run(fakes, {}, tmp_path)
    record = {**run.record, "conditions": [{"dataset": "ramps", "recipe": "mix"}]}
    (found,) = analyse(Run(tmp_path, record, tuple(rows)), plans)
    mender = found.standings[1].mean
    assert mender.share.mean == pytest.approx(1)  # it changes nothing: no share below 100 %
    assert (mender.images, mender.attempted, mender.photographs) == (2, 4, 1)


def test_a_mild_closing_jpeg_does_not_change_what_a_stated_recipe_is_about(fakes, tmp_path):
    run, plans = stated_run(fakes, VALUES, tmp_path)
    (grading,) = gradings(run.record["conditions"], plans)
    assert [(d.name, d.family) for d in grading.degradations] == [
        ("grain", "noise"),
        ("blocks", "compression"),
    ]


def drawn_plans(strengths):
    return {
        ("ramps", "mix"): {
            (f"k{n:02d}", 0): a_plan((noise(s), jpeg(q)), "mix", f"k{n:02d}")
            for n, (s, q) in enumerate(strengths)
        }
    }


def test_drawn_strengths_are_cut_into_thirds_of_each_family():
    plans = drawn_plans([(3 * 1.3**n, 90 - 7 * ((5 * n) % 9)) for n in range(9)])
    (grading,) = gradings([{"dataset": "ramps", "recipe": "mix"}], plans)
    assert not grading.stated
    noise_levels, jpeg_levels = (each.levels for each in grading.degradations)
    assert [len(level.images) for level in noise_levels] == [3, 3, 3]
    assert [image[1][0] for image in noise_levels[2].images] == ["k06", "k07", "k08"]
    assert [level.number for level in jpeg_levels] == [1, 2, 3]
    assert set(noise_levels[2].images) != set(jpeg_levels[2].images)


def test_equal_strengths_stay_together():
    (grading,) = gradings([{"dataset": "ramps", "recipe": "mix"}], drawn_plans([(9, 50)] * 6))
    assert [len(each.levels) for each in grading.degradations] == [1, 1]
    assert len(grading.degradations[0].levels[0].images) == 6


def test_of_drawn_degradations_only_the_severe_third_counts(fakes, tmp_path):
    plans = drawn_plans([(3 * 1.3**n, 90 - 7 * n) for n in range(6)])
    rows = []
    for n in range(6):
        for restorer, value in (("input", 1.0), ("mender", 0.1 if n < 4 else 0.7)):
            rows.append(
                fakes.row(value, key=f"k{n:02d}", recipe="mix", dataset="ramps",
                          restorer=restorer, metric="lpips")
            )  # fmt: skip
    run, _ = stated_run(fakes, {}, tmp_path)
    record = {**run.record, "conditions": [{"dataset": "ramps", "recipe": "mix"}]}
    (found,) = analyse(Run(tmp_path, record, tuple(rows)), plans)
    mender = found.standings[1]
    assert mender.mean.share.mean == pytest.approx(0.7)
    assert mender.mean.photographs == 2
    assert mender.worst == ""  # both families are the same two images


def test_the_shipped_suite_states_eleven_degradations_at_five_severities():
    from bench.suite.conditions import open_conditions
    from bench.suite.suite import load_suite

    conditions = [each for group in open_conditions(load_suite("severity")) for each in group]
    told = {(c.choices["corruption"], c.choices["severity"]) for c in conditions}
    assert len(conditions) == len(told) == 55
    assert {severity for _, severity in told} == set("12345")
