from dataclasses import replace

import numpy as np
import pytest
from made_up_measurements import CLEAN, FLOORS

from degrade.fit.correction import first_candidate
from degrade.fit.fit import Fit, Generated
from degrade.fit.noise import NoiseTrace
from degrade.fit.quantities import PlanValues
from degrade.fit.report import (
    draw_fit,
    fit_text,
    quartiles,
    table_lines,
)
from degrade.recipe.reader import load_recipe


@pytest.fixture
def result():
    photos = tuple(
        replace(CLEAN, noise=NoiseTrace(sigma, sigma**2, 0.0, 0.0, 1.0), quality=80)
        for sigma in (4.0, 6.0, 8.0, 10.0, 12.0)
    )
    generated = Generated((PlanValues(),), (replace(photos[2], quality=60),))
    return Fit(first_candidate(photos, FLOORS), FLOORS, photos, generated)


def test_the_text_is_a_recipe_that_loads(result, tmp_path):
    path = tmp_path / "old-scans.yaml"
    path.write_text(fit_text(result, "old-scans", "/somewhere/old-scans", "clean"))
    recipe = load_recipe(path)
    assert recipe.name == "old-scans"
    assert recipe.operations() == ("gaussian_noise", "jpeg")
    assert recipe.summary == "Fitted to 5 photographs of old-scans."


def test_a_folder_whose_name_has_a_line_break_stays_in_the_comment(result, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(fit_text(result, "a", "/x/bad\nsteps: 4\udcff", "clean"))
    assert load_recipe(path).summary == "Fitted to 5 photographs of bad steps: 4?."


def test_the_header_says_what_was_measured_and_of_how_many(result):
    header = fit_text(result, "a", "bad", "clean").split("name:")[0].splitlines()
    assert all(line.startswith("#") for line in header)
    assert header[0] == "# Fitted by `degrade fit` to 5 photographs of bad."
    assert "# noise, levels   6 / 8 / 10              8 / 8 / 8" in header
    assert "# JPEG quality    80 / 80 / 80            60 / 60 / 60" in header


def test_the_same_fit_gives_the_same_text_with_no_date_in_it(result):
    assert fit_text(result, "a", "bad", "clean") == fit_text(result, "a", "bad", "clean")


def test_quartiles_are_those_of_all_pictures(result):
    assert quartiles(result)["noise"] == {
        "photographs": [6.0, 8.0, 10.0],
        "generated": [8.0, 8.0, 8.0],
    }
    assert "none / none / none" in table_lines(result)[5]


BLUE, ORANGE = (28, 80, 160), (214, 110, 20)


def positions(image, ink):
    return np.argwhere(np.all(image == ink, axis=2))


def noisy(sigmas):
    return [replace(CLEAN, noise=NoiseTrace(s, s * s, 0.0, 0.0, 1.0)) for s in sigmas]


def test_equal_folders_lie_on_one_line_and_different_ones_do_not():
    spread = np.linspace(3, 20, 40)
    same = draw_fit(noisy(spread), noisy(spread))
    apart = draw_fit(noisy(spread), noisy(spread / 2))
    # The line of the generated images is drawn last and hides an equal one.
    below = positions(same, BLUE)[:, 0] > 40
    assert below.sum() < 0.2 * (positions(apart, BLUE)[:, 0] > 40).sum()


def test_there_is_a_panel_for_what_shows_and_none_for_what_does_not():
    images = noisy(np.linspace(3, 20, 30))
    two = draw_fit(images, images).shape
    pixelated = [replace(one, block=4) for one in images[:5]] + images[5:]
    three = draw_fit(pixelated, images).shape
    assert two == (290, 680, 3)
    assert three == (290, 1020, 3)


def test_a_folder_of_one_value_can_be_drawn():
    assert draw_fit([CLEAN] * 3, [CLEAN] * 3).dtype == np.uint8
