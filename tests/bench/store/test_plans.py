from __future__ import annotations

import dataclasses

import numpy as np
import PIL.Image
import pytest

import degrade
from bench.report import build_report
from bench.runner.run import execute
from bench.store.plans import read_plans, write_plans
from bench.store.record import load_run
from bench.suite.conditions import open_conditions
from bench.suite.suite import load_suite
from degrade.dataset.build import build
from degrade.errors import DatasetError
from degrade.planner.plan import Plan, Step

NOISE = Step("gaussian_noise", 1, "lq", {"sigma": 20.0, "per_channel": True})


def a_plan(name="a.png"):
    return Plan("noisy", "d" * 64, 7, name, 0, (40, 48), (NOISE,))


def test_plans_come_back_as_they_were_saved_in_whatever_order(tmp_path):
    where, plans = ("ramps", "noisy"), {}
    for name in "ba":
        plans[where, (name, 0)] = a_plan(f"{name}.png")
    write_plans(tmp_path, plans)
    first = (tmp_path / "plans.jsonl").read_bytes()
    write_plans(tmp_path, dict(sorted(plans.items())))
    assert (tmp_path / "plans.jsonl").read_bytes() == first
    assert read_plans(tmp_path) == {
        ("ramps", "noisy"): {("a", 0): a_plan(), ("b", 0): a_plan("b.png")}
    }


def test_a_run_keeps_the_plan_of_each_image(tmp_path, fakes):
    condition = fakes.condition(steps=lambda index: (NOISE,))
    execute(fakes.suite(), [[condition]], fakes.restorers(), fakes.metrics(), tmp_path)
    plans = read_plans(tmp_path)["ramps", "dark"]
    assert sorted(plans) == [("a", 0), ("b", 0), ("c", 0)]
    assert all(plan.steps == (NOISE,) for plan in plans.values())


def test_a_run_of_an_older_relume_has_no_plans_and_its_report_no_severity(tmp_path, fakes):
    execute(fakes.suite(), [[fakes.condition()]], fakes.restorers(), fakes.metrics(), tmp_path)
    (tmp_path / "plans.jsonl").unlink()
    report = build_report(load_run(tmp_path))
    assert report.plans == {}
    assert report.severity == ()


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"dataset": "a"}', '{"dataset":1,"recipe":1,"key":"a","variant":0,"plan":{}}'],
)
def test_a_damaged_file_of_plans_is_one_line(tmp_path, line):
    (tmp_path / "plans.jsonl").write_text(f"{line}\n")
    with pytest.raises(DatasetError, match=r"plans\.jsonl line 1: this is not a plan"):
        read_plans(tmp_path)


def test_the_same_run_again_adds_the_plans_that_an_older_one_lacks(tmp_path, fakes):
    def once():
        condition = fakes.condition(steps=lambda index: (NOISE,))
        execute(fakes.suite(), [[condition]], fakes.restorers(), fakes.metrics(), tmp_path)

    once()
    before = (tmp_path / "plans.jsonl").read_bytes()
    (tmp_path / "plans.jsonl").unlink()
    once()
    assert (tmp_path / "plans.jsonl").read_bytes() == before


def test_a_stored_set_states_its_recipes_switches_too(tmp_path):
    source = tmp_path / "photos"
    source.mkdir()
    PIL.Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(source / "a.png")
    recipe = "imagenet-c:shot_noise:4:32"
    build(degrade.PairedDataset(source, recipe, seed=7), tmp_path / "pairs")
    suite = dataclasses.replace(load_suite("quick"), datasets=(str(tmp_path / "pairs"),))
    ((condition,),) = open_conditions(suite)
    assert (condition.choices["corruption"], condition.choices["severity"]) == ("shot_noise", "4")
