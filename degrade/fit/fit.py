"""Fit a recipe to measured photographs: guess, generate, measure, correct, again.

An estimator is biased by everything else that was done to a picture: JPEG takes noise away,
noise hides blur. So a candidate's pictures are measured by the same estimators, and each
distribution is corrected rank by rank by the ratio of what was drawn to what was measured
(quantile mapping inside the method of simulated moments, D. McFadden, Econometrica 1989). Both
sides of that ratio come from the same pictures, so chance in drawing them cancels out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from degrade.dataset.sources import ImageSource
from degrade.errors import DatasetError
from degrade.fit.candidate import Candidate, Part, averaged
from degrade.fit.correction import corrected, first_candidate
from degrade.fit.measurement import Measurement, measure_image
from degrade.fit.quantities import Drawn, Floors, drawn_values, floors_of
from degrade.recipe.recipe import Recipe

FEWEST = 20
"""Photographs below which nothing is fitted; quartiles of fewer mean little."""
ROUNDS = 3
"""Corrections; with three, the tests find known recipes again."""
_FEWEST_GENERATED = 100
_FLOOR_PICTURES = 60


@dataclass(frozen=True, slots=True)
class Generated:
    """Pictures of a candidate: what was drawn for each, and what it measures."""

    drawn: tuple[Drawn, ...]
    measured: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted candidate, its floors, and its pictures beside the photographs."""

    candidate: Candidate
    floors: Floors
    photographs: tuple[Measurement, ...]
    generated: Generated


def fit(
    photographs: Sequence[Measurement],
    sources: ImageSource,
    *,
    count: int | None = None,
    rounds: int = ROUNDS,
    seed: int = 0,
    on_progress: Callable[[], None] = lambda: None,
) -> Fit:
    """Return the candidate whose pictures measure like the photographs.

    Parameters
    ----------
    photographs
        `FEWEST` or more.
    sources
        Clean pictures of the same kind, as large as the full size.
    count
        Pictures to generate in a round; as many as the photographs, 100 at least, by default.
    rounds
        Corrections, 1 or more; the mean of those after the first counts.
    seed
        Of the first round's pictures; each later round takes the next.
    on_progress
        Called once a generated picture.

    Raises
    ------
    DatasetError
        There are too few photographs.
    """
    if len(photographs) < FEWEST:
        raise DatasetError(
            f"{len(photographs)} photographs could be measured, {FEWEST} are needed: add more"
        )
    count = count or max(_FEWEST_GENERATED, len(photographs))
    candidate = first_candidate(photographs, Floors())
    few = min(count, _FLOOR_PICTURES)
    sharp = replace(candidate, blur=_never(candidate.blur))
    noiseless = replace(sharp, noise=_never(candidate.noise))
    floors = floors_of(
        generate(noiseless, sources, few, seed, on_progress).measured,
        generate(sharp, sources, few, seed, on_progress).measured,
    )
    candidate = first_candidate(photographs, floors)
    tried = [candidate]
    for number in range(rounds):
        made = generate(tried[-1], sources, count, seed + number, on_progress)
        tried.append(corrected(tried[-1], photographs, made.drawn, made.measured, floors))
    # The first correction takes the bias out; those after it scatter, and their mean less.
    final = averaged(tried[2:] or tried[1:])
    made = generate(final, sources, count, seed + rounds, on_progress)
    return Fit(final, floors, tuple(photographs), made)


def _never(part: Part) -> Part:
    return replace(part, probability=0.0)


def pictures_needed(photographs: int, count: int | None = None, rounds: int = ROUNDS) -> int:
    """Return how often `fit` calls ``on_progress``."""
    count = count or max(_FEWEST_GENERATED, photographs)
    return 2 * min(count, _FLOOR_PICTURES) + (rounds + 1) * count


def recipe_of(candidate: Candidate, name: str = "fitted") -> Recipe:
    """Return the candidate as a recipe, read as a file would be."""
    from degrade.fit.candidate import as_recipe

    return as_recipe(candidate.steps(), name)


def generate(
    candidate: Candidate,
    sources: ImageSource,
    count: int,
    seed: int,
    on_progress: Callable[[], None] = lambda: None,
) -> Generated:
    """Return what ``count`` pictures of a candidate measure; sources are used in turn."""
    from degrade.engine.apply import apply
    from degrade.planner.draw import plan

    recipe = recipe_of(candidate)
    drawn, measured = [], []
    for number in range(count):
        variant, place = divmod(number, len(sources))
        key = sources.keys[place]
        hq = sources.read(key)
        drawn_plan = plan(
            recipe, seed=seed, image_id=key, size=(hq.shape[0], hq.shape[1]), variant=variant
        )
        drawn.append(drawn_values(drawn_plan))
        lq = apply(drawn_plan, hq)
        measured.append(measure_image(lq, key, full=max(hq.shape[:2])))
        on_progress()
    return Generated(tuple(drawn), tuple(measured))
