from dataclasses import replace

import numpy as np
import pytest

from degrade.fit.candidate import LEVELS, Candidate, FittedPart, averaged, quantile_levels
from degrade.fit.fit import recipe_of
from degrade.fit.quantities import values_of_plan
from degrade.planner.draw import plan

NEVER = FittedPart(0.0, (1.0,) * LEVELS)


def spread(low, high):
    return tuple(np.linspace(low, high, LEVELS))


@pytest.fixture
def full():
    return Candidate(
        blur=FittedPart(0.5, spread(1, 3)),
        turned=0.25,
        along=FittedPart(1.0, spread(4, 6)),
        across=FittedPart(1.0, spread(1, 2)),
        angle=FittedPart(1.0, spread(0, 180)),
        scale=FittedPart(1.0, spread(2, 4)),
        back=1.0,
        last=0.5,
        filter="cubic",
        noise=FittedPart(0.8, spread(5, 20)),
        shot=0.5,
        grey=0.5,
        quality=FittedPart(0.9, spread(50, 90)),
        block=FittedPart(0.1, (4.0,) * LEVELS),
    )


def plans(candidate, count=2000):
    recipe = recipe_of(candidate)
    return [plan(recipe, seed=3, image_id="x", size=(372, 300), variant=n) for n in range(count)]


def share(actual, holds):
    return np.mean([any(map(holds, one.steps)) for one in actual])


def test_a_recipe_draws_the_shares_and_the_values_of_its_candidate(full):
    actual = plans(full)
    values = [values_of_plan(one) for one in actual]
    assert np.mean([v.blur > 0 for v in values]) == pytest.approx(0.5, abs=0.04)
    assert np.mean([v.along > v.across for v in values]) == pytest.approx(0.125, abs=0.03)
    assert np.mean([v.noise > 0 for v in values]) == pytest.approx(0.8, abs=0.03)
    noise = [v.noise for v in values if v.noise > 0]
    assert np.quantile(noise, [0.25, 0.75]) == pytest.approx([8.75, 16.25], rel=0.06)
    assert np.median([v.quality for v in values if v.quality < 101]) == pytest.approx(70, abs=2)
    assert share(actual, lambda step: step.operation == "shot_noise") == pytest.approx(
        0.4, abs=0.04
    )
    assert share(actual, lambda s: s.parameters.get("per_channel") is False) == pytest.approx(
        0.2, abs=0.04
    )
    assert share(actual, lambda s: s.operation == "resize_blur") == pytest.approx(0.5, abs=0.04)


def test_steps_come_in_the_classical_order_and_end_at_the_full_size(full):
    order = ["gaussian_blur", "resize", "gaussian_noise", "jpeg", "resize", "pixelate"]
    for one in plans(
        replace(full, last=1.0, shot=0.0, block=replace(full.block, probability=1.0)), 50
    ):
        names = [step.operation for step in one.steps]
        assert (
            names == [name for name in order if name in names][: len(names)]
            or names[-1] == "pixelate"
        )
        resizes = [step for step in one.steps if step.operation == "resize"]
        assert (resizes[-1].parameters["height"], resizes[-1].parameters["width"]) == (372, 300)
        assert names.index("resize") < names.index("pixelate")


def test_pictures_that_stay_small_are_not_enlarged(full):
    for one in plans(replace(full, back=0.0), 30):
        assert [s.operation for s in one.steps if s.operation.startswith("resize")] == ["resize"]


def test_what_never_happens_is_left_out_and_nothing_at_all_is_a_recipe_still(full):
    parts = {name: NEVER for name in ("blur", "scale", "noise", "quality", "block")}
    empty = replace(full, **parts)
    assert empty.steps() == []
    assert all(values_of_plan(one).blur == 0 for one in plans(empty, 3))
    assert [s["operation"] for s in replace(empty, quality=full.quality).steps()] == ["jpeg"]


def test_levels_are_the_middles_of_equal_shares():
    levels = quantile_levels(np.arange(1.0, LEVELS + 1))
    assert levels == pytest.approx(np.arange(1.0, LEVELS + 1))
    assert quantile_levels(np.array([5.0])) == (5.0,) * LEVELS


def test_the_mean_of_candidates_is_that_of_their_shares_and_of_levels_of_equal_rank(full):
    other = replace(full, noise=FittedPart(0.4, spread(15, 20)), grey=0.0, quality=full.quality)
    mean = averaged([full, other])
    assert mean.noise.probability == pytest.approx(0.6)
    assert mean.noise.levels == pytest.approx(spread(10, 20))
    assert (mean.grey, mean.filter) == (0.25, "cubic")
    assert mean.quality.levels == pytest.approx(full.quality.levels)
    assert averaged([full]) == full
