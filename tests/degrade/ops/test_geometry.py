import numpy as np
import pytest

import degrade
from degrade.errors import ImageError
from degrade.ops import OPERATIONS

STREAM = np.zeros(5, np.uint32)


def finished(name, planes, **parameters):
    return OPERATIONS[name].load()(planes, STREAM, **parameters)


def image(height, width):
    rng = np.random.default_rng(height * 100 + width)
    return rng.uniform(0, 255, (3, height, width)).astype(np.float32)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (65, 33)])
def test_a_flip_is_numpys_and_undoes_itself(size):
    planes = image(*size)
    flipped = finished("flip", planes)
    np.testing.assert_array_equal(flipped, planes[:, :, ::-1])
    np.testing.assert_array_equal(finished("flip", flipped), planes)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (65, 33)])
@pytest.mark.parametrize(("down", "right"), [(0, 0), (1, 0), (-2, 3), (32, -96), (100, 200)])
def test_a_shift_is_a_window_of_the_symmetrically_padded_picture(size, down, right):
    planes = image(*size)
    room = 256
    padded = np.pad(planes, ((0, 0), (room, room), (room, room)), "symmetric")
    top, left = room - down, room - right
    expected = padded[:, top : top + size[0], left : left + size[1]]
    np.testing.assert_array_equal(finished("shift", planes, down=down, right=right), expected)


def test_a_shift_moves_down_and_to_the_right():
    planes = np.zeros((3, 9, 9), np.float32)
    planes[:, 4, 4] = 1
    assert finished("shift", planes, down=2, right=3)[0, 6, 7] == 1


def test_a_crop_is_a_slice_of_its_own_memory():
    planes = image(65, 33)
    actual = finished("crop", planes, top=5, left=7, height=11, width=13)
    np.testing.assert_array_equal(actual, planes[:, 5:16, 7:20])
    assert actual.flags.c_contiguous and not np.may_share_memory(actual, planes)


def load(folder, steps):
    path = folder / "mine.yaml"
    path.write_text(f"version: 1\nsteps:\n{steps}", encoding="utf-8")
    return degrade.load_recipe(path)


def test_a_crop_beyond_the_picture_is_told_while_planning(tmp_path):
    recipe = load(
        tmp_path, "  - {operation: crop, top: 4, left: 0, height: 30, width: 20, target: both}\n"
    )
    assert degrade.plan(recipe, seed=0, image_id="a.png", size=(34, 20))
    for size in ((33, 20), (34, 19)):
        with pytest.raises(ImageError, match="30 × 20 px from row 4, column 0"):
            degrade.plan(recipe, seed=0, image_id="a.png", size=size)


def test_both_halves_move_alike_and_a_crop_changes_what_follows(tmp_path):
    recipe = load(
        tmp_path,
        "  - {operation: flip, target: both}\n"
        "  - {operation: shift, down: 3, right: -5, target: both}\n"
        "  - {operation: crop, top: 4, left: 2, height: 30, width: 40, target: both}\n"
        "  - {operation: resize, divisor: 2}\n",
    )
    source = np.random.default_rng(1).integers(0, 256, (50, 60, 3), np.uint8)
    plan = degrade.plan(recipe, seed=0, image_id="a.png", size=(50, 60))
    assert (
        dict(plan.steps[-1].parameters) | {"height": 15, "width": 20} == plan.steps[-1].parameters
    )
    hq, lq = degrade.apply_pair(plan, source)
    assert hq.shape == (30, 40, 3) and lq.shape == (15, 20, 3)
    rolled = np.roll(source[:, ::-1], (3, -5), (0, 1))
    np.testing.assert_array_equal(hq[:, :40], rolled[4:34, 2:42])
