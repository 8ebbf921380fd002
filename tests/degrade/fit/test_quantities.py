import math

import pytest

from degrade.fit.measurement import NO_JPEG
from degrade.fit.quantities import (
    QUANTITIES,
    PlanValues,
    values_of_plan,
)
from degrade.planner.draw import plan
from degrade.recipe.reader import load_recipe


def drawn_plan(tmp_path, steps):
    path = tmp_path / "a.yaml"
    path.write_text(f"version: 1\nsteps:\n{steps}")
    return values_of_plan(plan(load_recipe(path), seed=1, image_id="a", size=(300, 200)))


def test_a_plan_of_everything_gives_every_value(tmp_path):
    values = drawn_plan(
        tmp_path,
        """
  - {operation: gaussian_blur, sigma_x: 1, sigma_y: 7, angle: 20}
  - {operation: resize, divisor: 3}
  - {operation: gaussian_noise, sigma: 3}
  - {operation: shot_noise, photons: 2040}
  - {operation: jpeg, quality: 70}
  - {operation: resize, to: source}
  - {operation: pixelate, block: 4}
""",
    )
    assert (values.along, values.across, values.blur) == (7, 1, 5)
    # 128 * 255 / 2040 = 16 is the variance of the shot noise at level 128.
    assert values.noise == pytest.approx(math.sqrt(9 + 16))
    assert (values.scale, values.quality, values.block) == (3, 70, 4)


def test_shrinking_and_enlarging_in_one_step_counts_as_well(tmp_path):
    assert drawn_plan(tmp_path, "  - {operation: resize_blur, divisor: 4}").scale == 4


def test_a_plan_of_nothing_has_the_harmless_values(tmp_path):
    values = drawn_plan(tmp_path, "  - {operation: grey, probability: 0}")
    assert values == PlanValues()
    assert all(getattr(values, name) == quantity.none for name, quantity in QUANTITIES.items())
    assert values.quality == NO_JPEG
