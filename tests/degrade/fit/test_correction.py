"""The correction against made-up estimators whose bias is known; no image is touched."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_measurements import CLEAN, FLOORS

from degrade.fit.blur import BlurTrace
from degrade.fit.candidate import FittedPart
from degrade.fit.correction import corrected, first_candidate
from degrade.fit.measurement import NO_JPEG
from degrade.fit.noise import NoiseTrace
from degrade.fit.quantities import (
    Floors,
    PlanValues,
    floors_of,
    shares_of,
)


def measured(draw, number):
    """A biased estimator: JPEG takes a third of the noise, all of it reads a fifth too low."""
    keeps = 0.8 * (1.0 if draw.quality == NO_JPEG else 2 / 3)
    wobble = 1 + 0.05 * np.sin(7.0 * number)
    noise = np.hypot(draw.noise * keeps * wobble, 1.0)
    blur = np.hypot(draw.along, 0.4), np.hypot(draw.across, 0.4)
    quality = NO_JPEG if draw.quality > 95 else int(draw.quality)
    return replace(
        CLEAN, noise=NoiseTrace(noise, noise**2, 0.0, 0.0, 0.9), quality=quality,
        blur=BlurTrace(1.1 * blur[0], 1.1 * blur[1], 30.0), block=int(draw.block),
        factor=draw.scale, last=draw.scale > 1, filter="linear" if draw.scale > 1 else "",
    )  # fmt: skip


def drawn_from(candidate, count, seed):
    random = np.random.default_rng(seed)

    def value(part, none):
        return random.choice(part.levels) if random.random() < part.probability else none

    draws = []
    for _ in range(count):
        blur = value(candidate.blur, 0.0)
        draws.append(
            PlanValues(blur, blur, blur, value(candidate.scale, 1.0), value(candidate.noise, 0.0),
                  round(value(candidate.quality, NO_JPEG)), round(value(candidate.block, 1.0)))
        )  # fmt: skip
    return draws


def true_draws(count, seed=1):
    random = np.random.default_rng(seed)
    draws = []
    for _ in range(count):
        blur, scale, noise = (random.uniform(*ends) for ends in ((1, 4), (1.5, 4), (6, 20)))
        quality = int(random.integers(50, 90)) if random.random() < 0.7 else NO_JPEG
        draws.append(PlanValues(blur, blur, blur, scale, noise, quality))
    return draws


def fitted(reference, rounds):
    photos = [measured(draw, number) for number, draw in enumerate(reference)]
    candidate = first_candidate(photos, FLOORS)
    for number in range(rounds):
        draws = drawn_from(candidate, len(reference), seed=number)
        images = [measured(draw, position) for position, draw in enumerate(draws)]
        candidate = corrected(candidate, photos, draws, images, FLOORS)
    return candidate


def test_a_known_bias_is_taken_out():
    reference = true_draws(400)
    true = np.quantile([draw.noise for draw in reference], [0.25, 0.5, 0.75])
    first, last = fitted(reference, 0), fitted(reference, 2)
    ranks = np.array([0.25, 0.5, 0.75])
    assert np.all(first.noise.at(ranks) < 0.8 * true)
    assert last.noise.at(ranks) == pytest.approx(true, rel=0.08)
    assert last.noise.probability == pytest.approx(1.0, abs=0.02)
    blur = np.quantile([draw.blur for draw in reference], ranks)
    assert last.blur.at(ranks) == pytest.approx(blur, rel=0.09)


def test_what_the_estimator_reads_exactly_stays_as_it_is_read():
    reference = true_draws(400)
    last = fitted(reference, 2)
    ranks = np.array([0.25, 0.5, 0.75])
    scale = np.quantile([draw.scale for draw in reference], ranks)
    assert last.scale.at(ranks) == pytest.approx(scale, rel=0.04)
    quality = [draw.quality for draw in reference if draw.quality < NO_JPEG]
    assert last.quality.at(ranks) == pytest.approx(np.quantile(quality, ranks), abs=2.5)
    assert last.quality.probability == pytest.approx(len(quality) / len(reference), abs=0.05)


def test_what_no_photograph_shows_is_never_made():
    last = fitted(true_draws(100), 2)
    assert last.block.probability == 0.0
    assert (last.turned, last.shot, last.grey) == (0.0, 0.0, 0.0)


def test_photographs_that_are_all_blurred_along_a_line_get_no_other_blur():
    blurred = replace(CLEAN, blur=BlurTrace(4.0, 1.0, 30.0))
    candidate = first_candidate([blurred] * 30, FLOORS)
    assert (candidate.blur.probability, candidate.turned) == (1.0, 1.0)
    (step,) = candidate.steps()
    assert (step["sigma_x"], step["sigma_y"], step["angle"]) == (4.0, 1.0, 30.0)


def test_pixelated_photographs_count_for_their_blocks_alone():
    reference = [
        replace(draw, block=6.0) if n % 4 == 0 else draw for n, draw in enumerate(true_draws(200))
    ]
    photos = [measured(draw, number) for number, draw in enumerate(reference)]
    photos = [replace(p, noise=CLEAN.noise) if p.block > 1 else p for p in photos]
    candidate = first_candidate(photos, FLOORS)
    assert candidate.block == FittedPart(0.25, (6.0,) * len(candidate.block.levels))
    assert candidate.noise.probability == 1.0


def test_shares_are_of_the_pictures_that_could_show_them():
    turned = replace(CLEAN, blur=BlurTrace(4.0, 1.0, 30.0))
    even = replace(CLEAN, blur=BlurTrace(3.0, 3.0, 0.0))
    shot = replace(CLEAN, noise=NoiseTrace(9.0, 0.0, 0.63, 0.0, 0.9))
    grey = replace(CLEAN, noise=NoiseTrace(9.0, 81.0, 0.0, 0.95, 0.9))
    small = replace(CLEAN, height=150, width=100)
    back = replace(CLEAN, factor=2.0, last=True)
    shares = shares_of([turned, even, even, even, shot, grey, small, back], FLOORS)
    assert shares.turned == 0.25
    assert (shares.shot, shares.grey) == (0.5, 0.5)
    assert (shares.scale, shares.back, shares.last) == (0.25, 0.5, 1.0)
    assert shares.blur == 0.5


def test_clean_pictures_that_seem_noisy_are_taken_off():
    noisy = replace(CLEAN, noise=NoiseTrace(9.0, 81.0, 0.0, 0.0, 0.9))
    clean = [CLEAN] * 15 + [noisy] * 5
    floors = floors_of(clean, clean)
    assert (floors.noise, floors.false_noise) == (3.0, 0.25)
    assert shares_of(clean, floors).noise == 0.0
    half = [CLEAN] * 10 + [replace(noisy, noise=NoiseTrace(20.0, 400.0, 0.0, 0.0, 0.9))] * 10
    assert shares_of(half, Floors(2.0, 0.7, 0.2, 0.0)).noise == pytest.approx(0.3 / 0.8)
