import pytest

import degrade
from degrade.errors import RecipeError
from degrade.ops import OPERATIONS, Integer, Number
from degrade.planner.resolve import resolve, scaled

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
        reported = resolve(OPERATIONS[operation], {"divisor": divisor}, SIZE, SOURCE)
        assert reported == {"height": height, "width": width}


def test_sides_stay_within_what_a_plan_may_hold():
    assert resolve(OPERATIONS["resize"], {"divisor": 0.05}, (60000, 2), SOURCE)["height"] == 65535


def test_to_source_gives_the_size_of_the_source():
    assert resolve(OPERATIONS["resize"], {"to": "source", "filter": "linear"}, SIZE, SOURCE) == {
        "height": 600,
        "width": 1024,
        "filter": "linear",
    }


def test_what_was_drawn_is_not_changed():
    drawn_plan = {"divisor": 2.0}
    resolve(OPERATIONS["resize"], drawn_plan, SIZE, SOURCE)
    assert drawn_plan == {"divisor": 2.0}


def test_every_shorthand_stands_for_parameters_of_its_operation():
    for operation in OPERATIONS.values():
        shorthands = operation.shorthands()
        # 'of' stands for nothing: it says which size a divisor divides.
        assert shorthands.keys() == operation.recipe_only.keys() - {"of"}
        for names in shorthands.values():
            assert set(names) <= operation.parameters.keys()


def load(folder, steps, head="size: 512\nscale_with_size: true\n"):
    path = folder / "mine.yaml"
    path.write_text(f"version: 1\n{head}steps:\n{steps}", encoding="utf-8")
    return degrade.load_recipe(path)


def steps_at(recipe, size):
    plan = degrade.plan(recipe, seed=3, image_id="a.png", size=size)
    return [(step.operation, dict(step.parameters)) for step in plan.steps]


@pytest.mark.parametrize(
    ("name", "drawn_plan", "factor", "expected"),
    [
        (
            "gaussian_blur",
            {"sigma": 4.0, "kernel_size": 41},
            0.5,
            {"sigma": 2.0, "kernel_size": 21},
        ),
        ("gaussian_blur", {"sigma": 4.0, "kernel_size": 0}, 3.0, {"sigma": 12.0, "kernel_size": 0}),
        ("motion_blur", {"length": 9.0, "angle": 30.0}, 2.0, {"length": 18.0, "angle": 30.0}),
        (
            "gaussian_noise",
            {"sigma": 9.0, "per_channel": True},
            2.0,
            {"sigma": 9.0, "per_channel": True},
        ),
        ("median_blur", {"size": 5}, 0.25, {"size": 1}),
        ("median_blur", {"size": 5}, 2.0, {"size": 9}),
        ("pixelate", {"block": 8}, 0.25, {"block": 2}),
        ("pixelate", {"block": 8}, 0.01, {"block": 1}),
        ("sinc_blur", {"cutoff": 1.0, "kernel_size": 21}, 0.5, {"cutoff": 2.0, "kernel_size": 11}),
        ("sinc_blur", {"cutoff": 3.0, "kernel_size": 21}, 0.1, {"cutoff": 4.5, "kernel_size": 3}),
        ("resize_blur", {"divisor": 8.0}, 0.25, {"divisor": 2.0}),
        ("resize_blur", {"divisor": 2.0}, 0.25, {"divisor": 1.0}),
        (
            "resize",
            {"divisor": 0.8, "filter": "linear"},
            0.25,
            {"divisor": 0.8, "filter": "linear"},
        ),
        ("resize", {"height": 64, "width": 64}, 0.25, {"height": 64, "width": 64}),
        ("shift", {"down": 32, "right": -32}, 0.5, {"down": 16, "right": -16}),
        ("jpeg", {"quality": 40}, 0.5, {"quality": 40}),
        ("shot_noise", {"photons": 40.0}, 0.5, {"photons": 40.0}),
        ("defocus_blur", {"radius": 150.0}, 4.0, {"radius": 200}),
    ],
)
def test_lengths_scale_and_nothing_else(name, drawn_plan, factor, expected):
    assert scaled(OPERATIONS[name], drawn_plan, factor) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_scaled_parameter_is_one_the_operation_takes(name):
    specs = {**OPERATIONS[name].parameters, **OPERATIONS[name].recipe_only}
    for factor in (0.03, 0.7, 1.0, 9.0):
        for end in ("low", "high"):
            drawn_plan = {
                key: getattr(spec, end)
                for key, spec in specs.items()
                if isinstance(spec, Number | Integer)
            }
            for key, value in scaled(OPERATIONS[name], drawn_plan, factor).items():
                assert specs[key].problem(value) == "", (key, value)
                assert factor != 1.0 or value == drawn_plan[key]


GFPGAN = (
    "  - {operation: gaussian_blur, sigma: 4}\n"
    "  - {operation: resize, divisor: 8, filter: linear}\n"
    "  - {operation: gaussian_noise, sigma: 9}\n"
    "  - {operation: gaussian_blur, sigma: 1}\n"
    "  - {operation: resize, to: source, filter: linear}\n"
    "  - {operation: gaussian_blur, sigma: 1}\n"
)


@pytest.mark.parametrize(("size", "factor"), [(512, 1), (256, 0.5), (1024, 2)])
def test_the_small_picture_has_the_same_pixels_across_the_face_at_any_size(tmp_path, size, factor):
    actual = steps_at(load(tmp_path, GFPGAN), (size, size))
    assert actual[0][1]["sigma_x"] == pytest.approx(4 * factor)
    assert (actual[1][1]["height"], actual[1][1]["width"]) == (64, 64)
    # At 64 pixels across, a pixel is the same share of the face again.
    assert actual[3][1]["sigma_x"] == pytest.approx(1)
    assert (actual[4][1]["height"], actual[4][1]["width"]) == (size, size)
    assert actual[5][1]["sigma_x"] == pytest.approx(factor)


def test_a_picture_that_is_small_already_is_not_shrunk_again(tmp_path):
    actual = steps_at(load(tmp_path, GFPGAN), (48, 48))
    assert actual[1][1]["height"] == 48
    assert actual[3][1]["sigma_x"] == pytest.approx(48 / 64)


def test_without_the_key_a_recipe_is_carried_out_in_its_own_pixels(tmp_path):
    actual = steps_at(load(tmp_path, GFPGAN, "size: 512\n"), (256, 256))
    assert actual[0][1]["sigma_x"] == 4.0
    assert actual[1][1]["height"] == 32


def test_the_key_changes_the_digest_and_needs_a_size(tmp_path):
    plain, scales = (
        load(tmp_path, GFPGAN, head).digest
        for head in ("size: 512\n", "size: 512\nscale_with_size: true\n")
    )
    assert plain != scales
    assert plain == load(tmp_path, GFPGAN, "size: 256\nscale_with_size: false\n").digest
    assert scales != load(tmp_path, GFPGAN, "size: 256\nscale_with_size: true\n").digest
    with pytest.raises(RecipeError, match="line 2: scale_with_size needs the key 'size'"):
        load(tmp_path, GFPGAN, "scale_with_size: true\n")
    with pytest.raises(RecipeError, match="not true or false"):
        load(tmp_path, GFPGAN, "size: 512\nscale_with_size: 3\n")
