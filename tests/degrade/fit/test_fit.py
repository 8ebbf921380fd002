from dataclasses import replace

import numpy as np
import pytest
from known_recipes import ALONE, every_second, make_known, ratios

from degrade.dataset.sources import open_source
from degrade.errors import DatasetError
from degrade.fit.candidate import LEVELS
from degrade.fit.fit import fit, generate, images_needed, recipe_of


@pytest.fixture(scope="module")
def sources():
    """Three sample photographs that hold smooth places, small: these tests are of the loop."""
    keys = ("astronaut.png", "chelsea.png", "coffee.png")
    return replace(open_source("sample-photos", longest=192), keys=keys)


@pytest.fixture(scope="module")
def known(sources, tmp_path_factory):
    return make_known(ALONE["noise"], tmp_path_factory.mktemp("known"), sources, 24)


@pytest.fixture(scope="module")
def actual(known, sources):
    return fit(known.measured, sources, count=20, rounds=1)


def test_noise_alone_is_found_on_twenty_four_small_photographs(known, actual):
    true, fitted, ratio = ratios(known, actual.candidate, "noise")
    assert actual.candidate.noise.probability > 0.9
    assert np.abs(ratio - 1).max() < 0.2, (true, fitted)


def test_degradations_that_are_not_there_are_not_fitted(actual):
    candidate = actual.candidate
    assert candidate.scale.probability <= 0.1
    assert candidate.quality.probability <= 0.1
    assert candidate.block.probability == 0.0


def test_a_fit_is_the_same_twice_and_tells_of_every_picture_it_makes(known, sources, actual):
    reported = []
    again = fit(known.measured, sources, count=20, rounds=1, on_progress=lambda: reported.append(1))
    assert again.candidate == actual.candidate
    assert len(reported) == images_needed(len(known.measured), 20, 1) == 80


def test_generated_pictures_take_the_sources_in_turn_and_know_what_was_drawn(actual, sources):
    produced = generate(actual.candidate, sources, 5, seed=4)
    assert len(produced.plan_values) == len(produced.measured) == 5
    assert [(one.height, one.width) for one in produced.measured[:2]] == [
        (one.height, one.width) for one in produced.measured[3:5]
    ]
    levels = np.array([0.0, *actual.candidate.noise.levels])
    for draw in produced.plan_values:
        assert np.abs(draw.noise - levels).min() < 0.01 * draw.noise + 1e-9


def test_a_fitted_recipe_holds_no_more_steps_than_recipes_may(actual):
    assert len(actual.candidate.noise.levels) == LEVELS
    assert recipe_of(actual.candidate).operations() != ()


def test_too_few_photographs_are_refused(known, sources):
    with pytest.raises(DatasetError, match="19 photographs could be measured, 20 are needed"):
        fit(known.measured[:19], sources)


def test_halves_of_a_source_share_nothing(sources):
    first, second = every_second(sources, 0), every_second(sources, 1)
    assert set(first.keys).isdisjoint(second.keys)
    assert {*first.keys, *second.keys} == set(sources.keys)
