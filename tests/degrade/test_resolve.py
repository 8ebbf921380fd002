import pytest

from degrade.ops import OPERATIONS
from degrade.planner.resolve import resolve

SIZE, SOURCE = (300, 512), (600, 1024)


def test_a_round_blur_gets_the_same_sigma_both_ways():
    assert resolve(OPERATIONS["gaussian_blur"], {"sigma": 2.5}, SIZE, SOURCE) == {
        "sigma_x": 2.5,
        "sigma_y": 2.5,
    }


def test_the_sigma_of_noise_stays_as_it_is():
    assert resolve(OPERATIONS["gaussian_noise"], {"sigma": 2.5}, SIZE, SOURCE) == {"sigma": 2.5}


@pytest.mark.parametrize(
    ("divisor", "height", "width"),
    # The floor of BasicSR's int(side // divisor): 512 // 0.8 is 639, as 0.8 is above 8/10.
    [(1.0, 300, 512), (2.0, 150, 256), (3.0, 100, 170), (0.8, 374, 639), (1000.0, 1, 1)],
)
def test_a_divisor_floors_each_side_and_leaves_at_least_one_pixel(divisor, height, width):
    for operation in ("resize", "resize_blur"):
        told = resolve(OPERATIONS[operation], {"divisor": divisor}, SIZE, SOURCE)
        assert told == {"height": height, "width": width}


def test_sides_stay_within_what_a_plan_may_hold():
    assert resolve(OPERATIONS["resize"], {"divisor": 0.05}, (60000, 2), SOURCE)["height"] == 65535


def test_to_source_gives_the_size_of_the_source():
    assert resolve(OPERATIONS["resize"], {"to": "source", "filter": "linear"}, SIZE, SOURCE) == {
        "height": 600,
        "width": 1024,
        "filter": "linear",
    }


def test_what_was_drawn_is_not_changed():
    drawn = {"divisor": 2.0}
    resolve(OPERATIONS["resize"], drawn, SIZE, SOURCE)
    assert drawn == {"divisor": 2.0}


def test_every_shorthand_stands_for_parameters_of_its_operation():
    for operation in OPERATIONS.values():
        shorthands = operation.shorthands()
        # 'of' stands for nothing: it says which size a divisor divides.
        assert shorthands.keys() == operation.recipe_only.keys() - {"of"}
        for names in shorthands.values():
            assert set(names) <= operation.parameters.keys()
