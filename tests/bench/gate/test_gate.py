from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.gate.checks import is_worse
from bench.gate.gate import gate, without_baseline
from bench.gate.rules import MetricRule, Rules, RulesError, load_rules
from bench.gate.verdict import Outcome
from bench.metrics.pixel.psnr import CAP
from bench.stats.compare import compare_runs
from bench.stats.resampling import DRAWS, smallest_p
from bench.store.record import Run
from degrade.errors import UserError

RULES = Rules((MetricRule("psnr", 0.1), MetricRule("perceptual_efficientnet", 0.02, True)))
DIRECTIONS = {"psnr": "higher", "perceptual_efficientnet": "lower"}


def facts(name, kind="pair"):
    return {
        "name": name, "direction": DIRECTIONS.get(name, "lower"), "kind": kind,
        "unit": "dB" if name == "psnr" else "", "judge": "", "feature": "",
        "signature": f"{name}|1", "source": "test",
    }  # fmt: skip


def noise(seed, count=40):
    return np.random.Generator(np.random.Philox(seed)).normal(size=count)


@pytest.fixture
def make(fakes, tmp_path):
    """Return a function: {(restorer, metric): values} to a run; None is an error."""

    def build(values, signature=None, statuses=None, **changes):
        rows = [
            fakes.row(
                None if value is None else float(value), key=f"{place:03}", restorer=restorer,
                metric=metric, signature=signature or f"{metric}|1",
                status=(statuses or {}).get(place, "error") if value is None else "ok",
                detail="gave NaN" if value is None else "",
            )
            for (restorer, metric), numbers in values.items()
            for place, value in enumerate(numbers)
        ]  # fmt: skip
        names = dict.fromkeys(restorer for restorer, _ in values)
        record = {
            "suite": {"name": "small", "seed": 7, "masks": "none"},
            "conditions": [
                {"dataset": "ramps", "recipe": "dark", "recipe_digest": "d", "keys_sha256": "k"}
            ],
            "restorers": {name: fakes.card(name).as_record() for name in names},
            "metrics": {metric: facts(metric) for _, metric in values},
            "finished": "now",
        }
        return Run(tmp_path, record | changes, tuple(rows))

    return build


@pytest.fixture
def pair(make):
    """Return a function: what is added to PSNR and to the distance, to the verdict on it."""

    def decide(dpsnr=0.0, ddistance=0.0, rules=RULES, **changes):
        psnr, distance = 25 + noise(1), 0.4 + 0.01 * noise(2)
        before = make({("mine", "psnr"): psnr, ("mine", "perceptual_efficientnet"): distance})
        after = make(
            {
                ("mine", "psnr"): psnr + dpsnr,
                ("mine", "perceptual_efficientnet"): distance + ddistance,
            },
            **changes,
        )
        return gate(before, after, rules)

    return decide


def test_the_same_values_pass(pair):
    verdict = pair()
    assert (verdict.outcome, verdict.exit_code) == (Outcome.PASSED, 0)
    assert [check.metric for check in verdict.checks] == list(DIRECTIONS)
    assert {check.p_holm for check in verdict.checks} == {1.0}


@pytest.mark.parametrize(
    ("dpsnr", "ddistance", "failed"),
    [
        (-0.2, 0.0, ["psnr"]),
        (0.2, 0.0, []),
        (0.0, 0.02, ["perceptual_efficientnet"]),
        (0.0, -0.02, []),
        (-0.2, 0.02, ["psnr", "perceptual_efficientnet"]),
        (-0.09, 0.007, []),  # below both limits, however certain
    ],
)
def test_a_certain_loss_in_the_metrics_direction_fails_above_its_limit(
    pair, dpsnr, ddistance, failed
):
    verdict = pair(dpsnr, ddistance)
    assert [check.metric for check in verdict.failures] == failed
    assert verdict.exit_code == bool(failed)
    assert all(check.p_holm < 0.01 for check in verdict.checks if check.difference.mean)


def test_a_large_loss_that_chance_explains_passes(pair):
    shift = 3 * noise(3)
    verdict = pair(shift - shift.mean() - 0.4)
    check = verdict.checks[0]
    assert check.difference.mean == pytest.approx(-0.4)
    assert check.difference.mean < -check.limit
    assert check.p_holm > 0.01
    assert verdict.outcome is Outcome.PASSED


def test_the_numbers_are_those_of_the_comparison_and_the_limit_is_of_the_baseline(make):
    values = {("mine", "psnr"): 25 + noise(1), ("mine", "perceptual_efficientnet"): 2 + noise(2)}
    changed = {key: value + 0.3 * noise(4) for key, value in values.items()}
    before, after = make(values), make(changed)
    checks, table = gate(before, after, RULES).checks, compare_runs(before, after)
    for check, row in zip(checks, table.rows, strict=True):
        assert check.difference == row.difference
        assert (check.p_holm, check.wilcoxon_holm) == (row.p_holm, row.wilcoxon_holm)
        mean = np.mean(values["mine", check.metric])
        assert check.before == pytest.approx(mean)
        assert check.after == pytest.approx(np.mean(changed["mine", check.metric]))
    assert checks[1].limit == pytest.approx(0.02 * np.mean(values["mine", checks[1].metric]))


def test_holm_counts_every_check(make):
    shift = noise(5, 40)
    shift = shift - shift.mean() - 2.75 * shift.std() / math.sqrt(40)
    base = 25 + noise(1)
    one = make({("mine", "psnr"): base}), make({("mine", "psnr"): base + shift})
    rules = Rules((MetricRule("psnr", 0.1),))
    assert gate(*one, rules).exit_code == 1
    crowd = {(f"other{i}", "psnr"): base for i in range(6)}
    many = (
        make({("mine", "psnr"): base, **crowd}),
        make({("mine", "psnr"): base + shift, **crowd}),
    )
    assert gate(*many, rules).exit_code == 0
    assert gate(*many, rules, ["mine"]).exit_code == 1


def test_an_image_that_lost_its_value_fails_though_the_rest_is_better(make):
    base = (25 + noise(1)).tolist()
    better = [None, *(value + 1 for value in base[1:])]
    verdict = gate(make({("mine", "psnr"): base}), make({("mine", "psnr"): better}), load_rules())
    (check,) = verdict.checks
    assert (verdict.exit_code, check.is_worse, check.is_lost) == (1, False, True)
    assert (check.coverage.before, check.coverage.after, check.coverage.attempted) == (40, 39, 40)
    assert check.coverage.lost == (("000", "gave NaN"),)
    assert check.photographs == 39
    assert check.before == pytest.approx(np.mean(base[1:]))


def test_coverage_may_fall_as_far_as_the_rules_say(make):
    base = (25 + noise(1)).tolist()
    runs = make({("mine", "psnr"): base}), make({("mine", "psnr"): [None, None, *base[2:]]})
    rules = Rules((MetricRule("psnr", 0.1),), coverage_falls_by=0.05)
    assert gate(*runs, rules).exit_code == 0
    assert gate(*runs, replace(rules, coverage_falls_by=0.049)).exit_code == 1
    assert gate(*reversed(runs), rules).exit_code == 0


def test_a_truth_without_a_face_is_no_lost_image(make):
    base = (25 + noise(1)).tolist()
    none = {0: "no_face_in_reference"}
    before = make({("mine", "psnr"): [None, *base[1:]]}, statuses=none)
    verdict = gate(before, before, Rules((MetricRule("psnr", 0.1),)))
    assert verdict.checks[0].coverage.attempted == 39
    assert verdict.exit_code == 0


def test_a_restorer_that_is_gone_or_fails_on_everything_has_lost_every_image(make):
    base = (25 + noise(1)).tolist()
    before = make({("mine", "psnr"): base, ("input", "psnr"): base})
    rules = Rules((MetricRule("psnr", 0.1),))
    gone = gate(before, make({("input", "psnr"): base}), rules)
    broken = {("mine", "psnr"): [None] * 40, ("input", "psnr"): base}
    failed = gate(before, make(broken), rules)
    for verdict, why in ((gone, "not in the run"), (failed, "gave NaN")):
        (check,) = verdict.checks
        assert (verdict.exit_code, check.coverage.after, check.before) == (1, 0, None)
        assert check.coverage.lost[0] == ("000", why)
        assert len(check.coverage.lost) == 5


def test_a_baseline_that_failed_on_everything_is_no_baseline(make):
    base = (25 + noise(1)).tolist()
    failed = make({("mine", "psnr"): [None] * 40, ("input", "psnr"): base})
    verdict = gate(failed, failed, load_rules())
    assert (verdict.outcome, verdict.exit_code) == (Outcome.MISSING_BASELINE, 2)
    assert verdict.reason == "the baseline has no value of mine"
    values = {("mine", "psnr"): [None] * 40, ("other", "psnr"): base}
    verdict = gate(make(values), make(values), load_rules())
    assert [check.restorer for check in verdict.checks] == ["other"]
    assert "mine, psnr on ramps × dark: no value in the baseline; not checked" in verdict.notes


def test_the_input_is_checked_only_by_name(make):
    values = {("mine", "psnr"): 25 + noise(1), ("input", "psnr"): 25 + noise(1)}
    rules = Rules((MetricRule("psnr", 0.1),))
    assert [c.restorer for c in gate(make(values), make(values), rules).checks] == ["mine"]
    named = gate(make(values), make(values), rules, ["input"])
    assert [check.restorer for check in named.checks] == ["input"]


def test_a_new_restorer_is_noted_and_one_asked_for_has_no_baseline(make):
    base = 25 + noise(1)
    before = make({("mine", "psnr"): base})
    after = make({("mine", "psnr"): base, ("new", "psnr"): base})
    rules = Rules((MetricRule("psnr", 0.1),))
    assert gate(before, after, rules).notes == ("new: not in the baseline, not checked",)
    missing = gate(before, after, rules, ["new"])
    assert (missing.outcome, missing.exit_code) == (Outcome.MISSING_BASELINE, 2)
    with pytest.raises(UserError, match=r"neither run has a restorer 'nwe'. Did you mean 'new'\?"):
        gate(before, after, rules, ["nwe"])


@pytest.mark.parametrize(("policy", "code"), [("fail", 2), ("warn", 0), ("pass", 0)])
def test_a_missing_baseline_follows_the_policy(policy, code):
    assert without_baseline("no run", replace(RULES, missing_baseline=policy)).exit_code == code


@pytest.mark.parametrize("change", ["signature", "images", "recipe", "seed", "suite", "metric"])
def test_runs_that_differ_in_more_than_the_restorer_are_not_compared(make, change):
    values = {("mine", "psnr"): 25 + noise(1), ("mine", "perceptual_efficientnet"): noise(2)}
    before, after = make(values), make(values)
    condition, suite = after.record["conditions"][0], after.record["suite"]
    if change == "signature":
        after = make(values, signature="psnr|y")
    elif change == "metric":
        after = make({("mine", "psnr"): values["mine", "psnr"]})
    elif change == "images":
        condition["keys_sha256"] = "other"
    elif change == "recipe":
        condition["recipe_digest"] = "other"
    else:
        suite[{"seed": "seed", "suite": "name"}[change]] = "other"
    verdict = gate(before, after, RULES)
    assert (verdict.outcome, verdict.exit_code) == (Outcome.NOT_COMPARABLE, 3)
    assert verdict.reason and not verdict.checks


def test_other_degraded_images_are_not_compared(make):
    base = 25 + noise(1)
    before = make({("mine", "psnr"): base, ("input", "psnr"): base})
    after = make({("mine", "psnr"): base, ("input", "psnr"): base + 1})
    assert gate(before, after, Rules((MetricRule("psnr", 0.1),))).exit_code == 3


def test_other_images_are_not_compared_though_every_restorer_is_gone(make):
    base = 25 + noise(1)
    before = make({("mine", "psnr"): base, ("input", "psnr"): base})
    rules = Rules((MetricRule("psnr", 0.1),))
    assert gate(before, make({("input", "psnr"): base + 1}), rules).exit_code == 3
    with pytest.raises(UserError, match="is not finished"):
        gate(before, make({("input", "psnr"): base}, finished=None), rules)


def test_weights_that_only_the_run_lacks_are_lost_coverage_and_no_other_images(make):
    base = (25 + noise(1)).tolist()
    before = make({("mine", "psnr"): base, ("input", "psnr"): base})
    nothing = {("mine", "psnr"): [None] * 40, ("input", "psnr"): [None] * 40}
    assert gate(before, make(nothing), Rules((MetricRule("psnr", 0.1),))).exit_code == 1


def test_a_metric_that_nobody_measured_is_skipped_and_told_or_refused(make):
    run = make({("mine", "psnr"): 25 + noise(1)})
    rules = Rules((MetricRule("psnr", 0.1), MetricRule("psnrr", 1.0)), absent_metric="skip")
    verdict = gate(run, run, rules)
    assert verdict.notes == ("psnrr: no value in the baseline, not checked",)
    with pytest.raises(RulesError, match=r"no value of 'psnrr'. Did you mean 'psnr'\?"):
        gate(run, run, replace(rules, absent_metric="fail"))
    with pytest.raises(RulesError, match="name no metric that the baseline has"):
        gate(run, run, replace(rules, metrics=rules.metrics[1:]))


def test_a_metric_without_a_paired_test_is_never_passed_unseen(make, fakes):
    run = make({("mine", "psnr"): 25 + noise(1)})
    metrics = run.record["metrics"] | {"fd_efficientnet": facts("fd_efficientnet", "set")}
    row = fakes.row(3.0, key="", metric="fd_efficientnet", restorer="mine")
    run = Run(run.folder, run.record | {"metrics": metrics}, (*run.rows, row))
    rules = Rules((MetricRule("psnr", 0.1), MetricRule("fd_efficientnet", 1.0)))
    with pytest.raises(RulesError, match="biased when compared with the HQ"):
        gate(run, run, rules)
    verdict = gate(run, run, replace(rules, absent_metric="skip"))
    assert [check.metric for check in verdict.checks] == ["psnr"]
    assert "biased" in verdict.notes[0]


def test_a_gate_that_could_never_fail_is_refused(make):
    base = 25 + noise(1, 7)
    few = make({("mine", "psnr"): base}), make({("mine", "psnr"): base - 9})
    rules = Rules((MetricRule("psnr", 0.1),))
    with pytest.raises(UserError, match=r"7 photographs can never show a loss .* 8 or more"):
        gate(*few, rules)
    base = 25 + noise(1, 8)
    enough = make({("mine", "psnr"): base}), make({("mine", "psnr"): base - 9})
    assert gate(*enough, rules).exit_code == 1
    lost = make({("mine", "psnr"): [None, *base[1:7]]})
    assert gate(few[0], lost, rules).exit_code == 1


def test_more_checks_than_the_draws_can_correct_are_refused(make):
    run = make({(f"r{i}", "psnr"): 25 + noise(1, 9) for i in range(101)})
    with pytest.raises(UserError, match="101 checks are more than 100"):
        gate(run, run, Rules((MetricRule("psnr", 0.1),)))
    assert smallest_p(1000, 100) == 100 * 2 / (DRAWS + 1) <= 0.01 < smallest_p(1000, 101)


def test_a_run_that_was_cut_off_is_refused(make):
    values = {("mine", "psnr"): 25 + noise(1)}
    whole, begun = make(values), make(values, finished=None)
    for runs in ((whole, begun), (begun, whole)):
        with pytest.raises(UserError, match="is not finished"):
            gate(*runs, Rules((MetricRule("psnr", 0.1),)))


def test_perfect_images_count_as_the_cap_of_their_unit_where_the_rule_has_none(make):
    base = [math.inf, *(25 + noise(1, 39))]
    after = [CAP - 1, *base[1:]]
    rules = Rules((MetricRule("psnr", 0.1),))
    (check,) = gate(make({("mine", "psnr"): base}), make({("mine", "psnr"): after}), rules).checks
    assert check.before == pytest.approx((CAP + sum(base[1:])) / 40)
    assert check.difference.mean == pytest.approx(-1 / 40)
    assert check.signature.endswith("|cap58.92")


def test_a_loss_above_the_rules_cap_is_none_and_the_gate_says_what_was_cut(make):
    base = [math.inf, 47.0, *(25 + noise(1, 38))]
    after = [42.0, 39.0, *base[2:]]
    verdict = gate(make({("mine", "psnr"): base}), make({("mine", "psnr"): after}), load_rules())
    (check,) = verdict.checks
    assert check.before == pytest.approx((40 + 40 + sum(base[2:])) / 40)
    assert check.difference.mean == pytest.approx(-1 / 40)
    assert (check.capped, check.signature.endswith("|cap40.00")) == (2, True)
    told = "2 of 40 images have a value above 40, which counts as that"
    assert f"mine, psnr on ramps × dark: {told}" in verdict.notes


def test_a_cap_where_lower_is_better_is_refused(make):
    run = make({("mine", "perceptual_efficientnet"): 0.4 + 0.01 * noise(1)})
    with pytest.raises(RulesError, match="only a metric where higher is better"):
        gate(run, run, Rules((MetricRule("perceptual_efficientnet", 0.1, cap=0.3),)))


def test_a_failed_check_names_the_photographs_that_lost_most(make):
    base = 25 + noise(1, 40)
    after = base - 0.5
    after[[7, 3]] -= (4, 2)
    (check,) = gate(
        make({("mine", "psnr"): base}), make({("mine", "psnr"): after}), load_rules()
    ).checks
    losses = [each.before - each.after for each in check.worst]
    assert losses[:3] == pytest.approx([4.5, 2.5, 0.5])
    assert len(check.worst) == 5
    (same,) = gate(
        make({("mine", "psnr"): base}), make({("mine", "psnr"): base}), load_rules()
    ).checks
    assert same.worst == ()


@pytest.mark.parametrize(
    ("difference", "p", "direction", "worse"),
    [
        (-0.2, 0.01, "higher", True),
        (-0.1, 0.01, "higher", False),
        (-0.2, 0.0101, "higher", False),
        (0.2, 0.0, "higher", False),
        (0.2, 0.0, "lower", True),
        (None, 0.0, "lower", False),
    ],
)
def test_worse_means_more_than_the_limit_and_at_most_the_level(difference, p, direction, worse):
    assert is_worse(difference, 0.1, p, direction, 0.01) is worse


def test_values_that_are_no_numbers_are_lost_ones_whatever_their_status(make):
    psnr = 25 + noise(1)
    rules = Rules((MetricRule("psnr", 0.1),))
    before = make({("mine", "psnr"): psnr})
    after = make({("mine", "psnr"): np.full(len(psnr), np.nan)})
    verdict = gate(before, after, rules)
    assert verdict.exit_code == 1
    (check,) = verdict.failures
    assert check.is_lost and (check.coverage.before, check.coverage.after) == (40, 0)
    assert check.coverage.lost[0] == ("000", "not a number")


def test_a_rule_of_which_no_value_is_a_number_does_not_pass(make):
    nothing = {("mine", "psnr"): np.full(40, np.nan)}
    with pytest.raises(RulesError, match="no value in the baseline"):
        gate(make(nothing), make(nothing), Rules((MetricRule("psnr", 0.1),)))
