import numpy as np
import pytest

import degrade
from degrade.planning import Step
from degrade.preview import Cell, contact_sheet, describe_step


def test_a_sheet_shows_every_picture_at_its_place():
    red, blue = np.full((10, 20, 3), (255, 0, 0), np.uint8), np.full((20, 10, 3), 0, np.uint8)
    blue[..., 2] = 255
    sheet = contact_sheet([[Cell(red, "r"), Cell(blue, "b", ("one", "two"))]], side=100)
    assert sheet.dtype == np.uint8
    assert sheet.shape[1] == 12 + 2 * (100 + 12)
    assert tuple(sheet[12 + 20 + 25, 12 + 50]) == (255, 0, 0)
    assert tuple(sheet[12 + 20 + 50, 12 + 112 + 25]) == (0, 0, 255)
    assert np.sum(np.all(sheet == (255, 0, 0), axis=-1)) == 100 * 50
    assert np.sum(np.all(sheet == (0, 0, 255), axis=-1)) == 50 * 100


def test_a_long_text_stays_in_its_column():
    cell = Cell(np.full((4, 4, 3), 250, np.uint8), "a title " * 20, ("what was done " * 20,))
    sheet = contact_sheet([[cell, Cell(cell.image, "")]], side=100)
    paper = np.uint8([250, 250, 248])
    gap = sheet[:, 12 + 100 : 12 + 100 + 12]
    assert np.array_equal(gap, np.broadcast_to(paper, gap.shape))


def test_low_rows_take_no_more_room_than_they_need():
    flat = Cell(np.zeros((1, 50, 3), np.uint8), "flat")
    assert contact_sheet([[flat]] * 3, side=200).shape[0] < 200


@pytest.mark.parametrize("shape", [(1, 1), (20000, 3), (3, 20000)])
def test_extreme_shapes_fit_on_a_sheet(shape):
    contact_sheet([[Cell(np.zeros((*shape, 3), np.uint8), "x")]], side=64)


def test_every_step_of_every_recipe_is_described_without_leftovers():
    for name in degrade.list_recipes():
        recipe = degrade.load_recipe(name)
        for number in range(100):
            plan = degrade.plan(recipe, seed=0, image_id=f"{number}.png", size=(64, 48))
            for step in plan.steps:
                told = describe_step(step)
                assert "{" not in told
                assert len(told) < 80


def test_steps_are_described_in_plain_words():
    def told(operation, **parameters):
        return describe_step(Step(operation, 1, "lq", parameters))

    assert told("jpeg", quality=43, subsampling="420") == "JPEG 43, 420"
    assert told("gaussian_blur", sigma_x=2.0, sigma_y=2.0, angle=0.0) == "Gaussian blur 2.0"
    assert told("gaussian_blur", sigma_x=2.0, sigma_y=1.0, angle=30.0) == (
        "Gaussian blur 2.0 x 1.0, 30 deg"
    )
    assert told("impulse_noise", amount=0.016) == "impulse noise 1.6%"
    assert told("new_thing", level=3) == "new thing level 3"


def test_a_plan_without_steps_is_called_untouched():
    plan = degrade.Plan("r", "0", 0, "a.png", 0, (4, 4), ())
    assert Cell.of_plan(np.zeros((4, 4, 3), np.uint8), "t", plan).lines == ("untouched",)
