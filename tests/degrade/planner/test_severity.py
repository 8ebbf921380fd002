import numpy as np
import pytest

import degrade
from degrade.errors import RecipeError
from degrade.ops import OPERATIONS, Integer, Number
from degrade.planner.plan import Plan
from degrade.planner.severity import severity_plans

LADDERS = {name: entry.ladder for name, entry in OPERATIONS.items() if entry.ladder}

NAMED = {"image_id": "a.png", "size": (64, 48), "seed": 3}


def image():
    y, x = np.mgrid[0:64, 0:48]
    noise = np.random.default_rng(0).integers(0, 30, (64, 48, 3))
    smooth = 60 + y + 40 * np.sin(x / 3)
    return (smooth[..., None] + noise).clip(0, 255).astype(np.uint8)


def test_every_operation_with_a_number_has_a_ladder_but_those_without_a_strength():
    numbered = {
        name
        for name, operation in OPERATIONS.items()
        if any(isinstance(spec, Number | Integer) for spec in operation.parameters.values())
    }
    assert numbered - LADDERS.keys() == {"crop"}
    assert LADDERS.keys() <= numbered


@pytest.mark.parametrize("name", LADDERS)
def test_every_rung_is_a_plan_that_could_stand_in_a_manifest(name):
    severities = severity_plans(name, count=5, **NAMED)
    assert 3 <= len(severities) <= 5
    for severity in severities:
        (step,) = severity.plan.steps
        assert Plan.from_json(severity.plan.to_json()) == severity.plan
        assert list(step.parameters) == list(OPERATIONS[name].parameters)
        assert severity.title.startswith(LADDERS[name].parameter + " ")
    assert len({severity.title for severity in severities}) == len(severities)


@pytest.mark.parametrize(
    "name", ["gaussian_noise", "shot_noise", "gaussian_blur", "motion_blur", "jpeg", "pixelate",
             "impulse_noise", "resize_blur", "haze", "colour_shift"],
)  # fmt: skip
def test_each_rung_is_further_from_the_source_than_the_one_before(name):
    source = image()
    errors = [
        float(np.mean(np.square(degrade.apply(severity.plan, source).astype(float) - source)))
        for severity in severity_plans(name, count=5, **NAMED)
    ]
    assert errors == sorted(errors)
    assert errors[-1] > 2 * errors[0]


def test_the_values_may_be_given():
    severities = severity_plans("jpeg", values=(90, 12.4, 12), **NAMED)
    assert [severity.plan.steps[0].parameters["quality"] for severity in severities] == [90, 12]
    assert [severity.title for severity in severities] == ["quality 90", "quality 12"]
    (severity,) = severity_plans("gaussian_blur", values=(2.5,), **NAMED)
    assert (severity.title, severity.plan.steps[0].parameters["sigma_y"]) == ("sigma 2.5 px", 2.5)


def test_one_rung_is_the_severe_one():
    (severity,) = severity_plans("defocus_blur", count=1, **NAMED)
    assert severity.plan.steps[0].parameters["radius"] == LADDERS["defocus_blur"].severe


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("flip", (), "flip has no severity"),
        ("jpg", (), "Did you mean 'jpeg'"),
        ("jpeg", (0.0,), "quality 0 is outside 1 to 100"),
        ("gaussian_noise", (float("nan"),), "not a finite number"),
        ("jpeg", (float("inf"),), "quality inf is not a finite"),
    ],
)
def test_what_has_no_ladder_is_refused_in_words(name, values, message):
    with pytest.raises(RecipeError, match=message):
        severity_plans(name, values=values, **NAMED)
