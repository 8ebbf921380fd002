import numpy as np
import pytest
from click.testing import CliRunner

import degrade
from degrade.commands.preview import preview_command
from degrade.commands.preview_sheet import decibels, ladder_row, variants_row
from degrade.images import read_image, write_png
from degrade.ops import Operation
from degrade.planner.plan import Step


def test_every_step_of_every_recipe_is_described_without_leftovers():
    for name in degrade.list_recipes():
        recipe = degrade.load_recipe(name)
        for number in range(100):
            plan = degrade.plan(recipe, seed=0, image_id=f"{number}.png", size=(64, 48))
            for step in plan.steps:
                reported = step.describe()
                assert "{" not in reported
                assert len(reported) < 80


def test_steps_are_described_in_plain_words():
    def reported(operation, **parameters):
        return Step(operation, 1, "lq", parameters).describe()

    assert reported("jpeg", quality=43, subsampling="420") == "JPEG 43, 420"
    assert reported("gaussian_blur", sigma_x=2.0, sigma_y=2.0, angle=0.0) == "Gaussian blur 2.0"
    assert reported("gaussian_blur", sigma_x=2.0, sigma_y=1.0, angle=30.0) == (
        "Gaussian blur 2.0 x 1.0, 30 deg"
    )
    assert reported("impulse_noise", amount=0.016) == "impulse noise 1.6%"
    plain = Operation("new_thing", 1, "", "", {})
    assert plain.describe({"level": 3}) == "new thing level 3"


def image(height=40, width=32):
    return np.random.default_rng(1).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_a_row_shows_the_source_and_what_a_build_makes_of_it():
    recipe = degrade.load_recipe("kuaishou-128")
    row = variants_row(image(), "a.png", recipe, seed=7, variants=5)
    assert row.heading == "kuaishou-128"
    assert np.array_equal(row.cells[0].image, image())
    for variant, cell in enumerate(row.cells[1:]):
        plan = degrade.plan(recipe, seed=7, image_id="a.png", size=(40, 32), variant=variant)
        assert np.array_equal(cell.image, degrade.apply(plan, image()))
        assert cell.title == f"variant {variant}"
        words = tuple(step.describe() for step in plan.steps)
        assert cell.lines == (words or ("untouched",))


def test_a_smaller_lq_says_its_size_and_has_no_psnr():
    row = variants_row(image(), "a.png", degrade.load_recipe("bsrgan"), seed=1, variants=1)
    assert row.cells[1].lines[-1] == "8 x 10 pixels"
    assert row.cells[1].aside == ""


def test_a_ladder_row_names_each_strength():
    row = ladder_row(image(), "a.png", "motion_blur", seed=0, count=3)
    assert (row.heading, row.note) == ("motion blur", "angle 30.0")
    assert [cell.title for cell in row.cells] == ["a.png", "length 3 px", "length 11 px",
                                                  "length 41 px"]  # fmt: skip


def test_decibels_are_the_psnr_of_all_values():
    zeros = np.zeros((4, 4, 3), np.uint8)
    assert decibels(zeros, zeros + np.uint8(1)) == "48.1 dB"  # 20 log10 255
    assert decibels(zeros, zeros) == "equal"
    assert decibels(zeros, zeros[:2]) == ""


def preview(*arguments):
    return CliRunner().invoke(preview_command, [str(argument) for argument in arguments])


def test_the_command_writes_rows_for_recipes_and_operations(tmp_path):
    write_png(tmp_path / "a.png", image())
    out = tmp_path / "sheet.png"
    finished = preview(tmp_path / "a.png", out, "--recipe", "kuaishou-128", "--operation", "jpeg",
                   "--variants", 2, "--side", 64)  # fmt: skip
    assert finished.exit_code == 0, finished.output
    both = read_image(out).shape
    assert both[1] == 2 * 16 + 3 * 64 + 2 * 12
    preview(tmp_path / "a.png", out, "--operation", "jpeg", "--values", "9", "--side", 64)
    one = read_image(out).shape
    assert one[1] == 2 * 16 + 2 * 64 + 12
    assert one[0] < both[0] / 2 + 30


def test_without_a_recipe_and_an_operation_it_is_kuaishou(tmp_path):
    write_png(tmp_path / "a.png", image())
    named, plain = (
        (tmp_path / name, preview(tmp_path / "a.png", tmp_path / name, *more))
        for name, more in (("x.png", ("--recipe", "kuaishou")), ("y.png", ()))
    )
    assert plain[1].exit_code == 0
    assert np.array_equal(read_image(named[0]), read_image(plain[0]))


@pytest.mark.parametrize(
    "arguments",
    [("--values", "3"), ("--operation", "jpeg", "--values", "x"),
     ("--operation", "jpeg", "--operation", "grey", "--values", "3")],
)  # fmt: skip
def test_values_that_belong_to_no_operation_are_wrong_use(tmp_path, arguments):
    write_png(tmp_path / "a.png", image())
    assert preview(tmp_path / "a.png", tmp_path / "x.png", *arguments).exit_code == 2
    assert not (tmp_path / "x.png").exists()
