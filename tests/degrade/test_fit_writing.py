from dataclasses import replace

import pytest
from made_up_measurements import CLEAN, FLOORS

from degrade.fit.correction import first_candidate
from degrade.fit.fit import Fit, Generated
from degrade.fit.noise import NoiseTrace
from degrade.fit.quantities import PlanValues
from degrade.fit.report import (
    fit_text,
    quartiles,
    table_lines,
)
from degrade.recipe.reader import load_recipe


@pytest.fixture
def result():
    photographs = tuple(
        replace(CLEAN, noise=NoiseTrace(sigma, sigma**2, 0.0, 0.0, 1.0), quality=80)
        for sigma in (4.0, 6.0, 8.0, 10.0, 12.0)
    )
    generated = Generated((PlanValues(),), (replace(photographs[2], quality=60),))
    return Fit(first_candidate(photographs, FLOORS), FLOORS, photographs, generated)


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
