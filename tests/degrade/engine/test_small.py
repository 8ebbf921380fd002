import numpy as np
import pytest

import degrade
from degrade.engine.small import degrade_in_two, finished, steps_left
from degrade.ops import OPERATIONS
from degrade.planner.plan import Plan, Step

PICTURE = np.random.default_rng(3).integers(0, 256, (64, 48, 3)).astype(np.uint8)


def resize(height, width, target="lq"):
    parameters = {"height": height, "width": width, "filter": "linear", "antialias": False}
    return Step("resize", 1, target, parameters)


def plan_of(*steps):
    return Plan("made up", "", 7, "a.png", 0, (64, 48), steps)


def lq_step(operation, **parameters):
    specs = OPERATIONS[operation].parameters
    return Step(
        operation,
        2,
        "lq",
        {name: parameters.get(name, spec.default) for name, spec in specs.items()},
    )


GREY, JPEG, NOISE = (
    lq_step("grey"),
    lq_step("jpeg", quality=70),
    lq_step("gaussian_noise", sigma=9.0),
)


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        ((), 0),
        ((NOISE, JPEG), 0),
        ((resize(8, 6), JPEG), 0),  # stays small
        ((resize(8, 6), JPEG, resize(64, 48)), 1),
        ((resize(8, 6), JPEG, resize(64, 48), GREY, JPEG), 3),
        ((resize(8, 6), JPEG, resize(16, 12), NOISE, resize(64, 48), GREY), 2),
        ((resize(128, 96), resize(64, 48)), 0),  # enlarged first: nothing to gain
        ((resize(8, 6), JPEG, resize(64, 48), resize(4, 3)), 0),
        ((resize(8, 6, "both"), JPEG, resize(16, 12, "both")), 1),
        ((resize(8, 6), JPEG, resize(64, 48, "hq")), 0),
    ],
)
def test_what_is_left_begins_with_the_last_enlarging(steps, left):
    assert steps_left(plan_of(*steps)) == left


def test_the_whole_one_is_what_apply_gives_and_is_made_of_the_small_one():
    plan = plan_of(resize(9, 7), NOISE, JPEG, resize(64, 48), GREY)
    produced = degrade_in_two(plan, PICTURE)
    assert (produced.stored.shape, produced.steps_left) == ((9, 7, 3), 2)
    assert np.array_equal(produced.lq, degrade.apply(plan, PICTURE))
    assert np.array_equal(finished(plan, produced.stored, 2), produced.lq)


def test_levels_that_are_fractions_are_not_kept_small():
    plan = plan_of(resize(9, 7), NOISE, resize(64, 48))
    produced = degrade_in_two(plan, PICTURE)
    assert produced.steps_left == 0
    assert produced.stored is produced.lq
    assert np.array_equal(produced.lq, degrade.apply(plan, PICTURE))


@pytest.mark.parametrize("recipe", ["gfpgan-128", "kuaishou-128", "bsrgan:same-size"])
def test_every_plan_of_a_recipe_is_finished_to_the_last_bit(recipe):
    recipe, remaining = degrade.load_recipe(recipe), 0
    for number in range(60):
        plan = degrade.plan(recipe, seed=7, image_id=f"{number}.png", size=(64, 48))
        produced = degrade_in_two(plan, PICTURE)
        assert np.array_equal(produced.lq, degrade.apply(plan, PICTURE))
        assert np.array_equal(finished(plan, produced.stored, produced.steps_left), produced.lq)
        remaining += produced.steps_left > 0
    assert (remaining > 40) == (recipe.name != "kuaishou-128")


def test_a_number_of_steps_that_is_not_the_plan_s_is_refused():
    plan = plan_of(resize(9, 7), JPEG, resize(64, 48))
    for wrong in (-1, 2, 3, 99):
        with pytest.raises(ValueError, match="cannot be finished by"):
            finished(plan, PICTURE, wrong)
