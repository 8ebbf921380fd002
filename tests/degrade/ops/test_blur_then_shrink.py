import numpy as np
import pytest

from degrade.engine.apply import apply
from degrade.ops.blur.blur import gaussian_blur
from degrade.ops.blur.blur_then_shrink import blur_then_shrink
from degrade.ops.blur.kernel_form import (
    Slanted,
    TapList,
    Terms,
    gaussian_form,
)
from degrade.ops.kernels.memory import PLANES
from degrade.ops.size.resize import resize
from degrade.planner.plan import Plan, Step

BLURS = [
    ({"sigma_x": 4.0, "sigma_y": 4.0, "angle": 0.0, "kernel_size": 0}, Terms),
    ({"sigma_x": 9.5, "sigma_y": 9.5, "angle": 0.0, "kernel_size": 41}, Terms),
    ({"sigma_x": 6.0, "sigma_y": 3.0, "angle": 25.0, "kernel_size": 0}, Slanted),
    ({"sigma_x": 6.0, "sigma_y": 3.0, "angle": 70.0, "kernel_size": 41}, Slanted),
    ({"sigma_x": 9.5, "sigma_y": 3.0, "angle": 5.0, "kernel_size": 41}, Slanted),
    ({"sigma_x": 9.0, "sigma_y": 7.0, "angle": 45.0, "kernel_size": 41}, Terms),
    ({"sigma_x": 3.0, "sigma_y": 0.4, "angle": 45.0, "kernel_size": 41}, TapList),
]


def planes(height, width):
    return np.random.default_rng(5).uniform(0, 255, (3, height, width)).astype(np.float32)


def small(height, width):
    return {"height": height, "width": width, "filter": "linear", "antialias": False}


@pytest.mark.parametrize(("blur", "form"), BLURS)
def test_each_kernel_takes_the_form_it_is_meant_to(blur, form):
    assert isinstance(gaussian_form(**blur), form)


def test_slanted_passes_go_down_first_only_where_a_cut_forces_them_to():
    assert not gaussian_form(**BLURS[3][0]).upright
    assert gaussian_form(**BLURS[4][0]).upright


@pytest.mark.parametrize(("blur", "form"), BLURS)
@pytest.mark.parametrize("size", [(64, 32), (31, 47), (12, 5), (1, 1)])
def test_one_pass_equals_the_two_steps(blur, form, size):
    source = planes(130, 97)
    shrink = small(*size)
    expected = resize(gaussian_blur(source, None, **blur), None, **shrink)
    measured = blur_then_shrink(source, blur, shrink)
    np.testing.assert_allclose(measured, expected, atol=0.01)


@pytest.mark.parametrize(
    "shrink",
    [
        {**small(64, 32), "filter": "area"},
        {**small(64, 32), "antialias": True},
        small(120, 90),
        small(64, 98),
    ],
)
def test_it_declines_what_is_not_a_plain_linear_shrink(shrink):
    assert blur_then_shrink(planes(130, 97), BLURS[0][0], shrink) is None


def test_the_engine_gives_the_same_pixels_as_two_steps_to_a_rounding():
    image = np.random.default_rng(6).integers(0, 256, (130, 97, 3), dtype=np.uint8)
    blur, shrink = BLURS[2][0], small(40, 30)
    steps = (Step("gaussian_blur", 1, "lq", blur), Step("resize", 2, "lq", shrink))
    one = apply(Plan("r", "d", 1, "a.png", 0, (130, 97), steps), image)
    first = apply(Plan("r", "d", 1, "a.png", 0, (130, 97), steps[:1]), image)
    assert one.shape == (40, 30, 3) and first.shape == image.shape
    exact = resize(
        gaussian_blur(image.transpose(2, 0, 1).astype(np.float32), None, **blur), None, **shrink
    )
    assert np.abs(one - exact.transpose(1, 2, 0)).max() < 0.52


def test_a_buffer_is_handed_out_again_and_never_twice():
    first = PLANES.take((3, 50, 50))
    second = PLANES.take((3, 50, 50))
    assert not np.may_share_memory(first, second)
    PLANES.give(first)
    PLANES.give(first)
    third, fourth = PLANES.take((3, 40, 40)), PLANES.take((3, 40, 40))
    assert not np.may_share_memory(third, fourth)


def test_a_view_gives_back_the_whole_buffer():
    whole = PLANES.take((3, 500, 500))
    PLANES.give(whole[:, :10])
    assert np.may_share_memory(PLANES.take((3, 500, 500)), whole)
