"""Fit a recipe to measured photographs: guess, generate, measure, correct, again.

An estimator is biased by everything else that was done to an image: JPEG takes noise away,
noise hides blur. So a candidate's images are measured by the same estimators, and each
distribution is corrected rank by rank by the ratio of what was drawn to what was measured
(quantile mapping inside the method of simulated moments, D. McFadden, Econometrica 1989). Both
sides of that ratio come from the same images, so chance in drawing them cancels out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from degrade.dataset.sources import ImageSource
from degrade.errors import DatasetError
from degrade.fit.candidate import Candidate, FittedPart, as_recipe, averaged
from degrade.fit.correction import corrected, first_candidate
from degrade.fit.measurement import ImageMeasurement, measure_image
from degrade.fit.quantities import Floors, PlanValues, floors_of, values_of_plan
from degrade.recipe.recipe import Recipe

FEWEST = 20
"""Photographs below which nothing is fitted; quartiles of fewer mean little."""
ROUNDS = 3
"""Corrections; with three, the tests find known recipes again."""
_FEWEST_GENERATED = 100
_FLOOR_PICTURES = 60


@dataclass(frozen=True, slots=True)
class Generated:
    """Images of a candidate: what was drawn for each, and what it measures."""

    plan_values: tuple[PlanValues, ...]
    measured: tuple[ImageMeasurement, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted candidate, its floors, and its images beside the photographs."""

    candidate: Candidate
    floors: Floors
    photos: tuple[ImageMeasurement, ...]
    generated: Generated


def fit(
    photos: Sequence[ImageMeasurement],
    sources: ImageSource,
    *,
    count: int | None = None,
    rounds: int = ROUNDS,
    seed: int = 0,
    on_progress: Callable[[], None] = lambda: None,
) -> Fit:
    """Return the candidate whose images measure like the photographs.

    Parameters
    ----------
    photos
        `FEWEST` or more.
    sources
        Clean images of the same kind, as large as the full size.
    count
        Images to generate in a round; as many as the photographs, 100 at least, by default.
    rounds
        Corrections, 1 or more; the mean of those after the first counts.
    seed
        Of the first round's images; each later round takes the next.
    on_progress
        Called once a generated image.

    Raises
    ------
    DatasetError
        There are too few photographs.
    """
    if len(photos) < FEWEST:
        raise DatasetError(
            f"{len(photos)} photographs could be measured, {FEWEST} are needed: add more"
        )
    count = count or max(_FEWEST_GENERATED, len(photos))
    candidate = first_candidate(photos, Floors())
    few = min(count, _FLOOR_PICTURES)
    sharp = replace(candidate, blur=_never(candidate.blur))
    noiseless = replace(sharp, noise=_never(candidate.noise))
    floors = floors_of(
        generate(noiseless, sources, few, seed, on_progress).measured,
        generate(sharp, sources, few, seed, on_progress).measured,
    )
    candidate = first_candidate(photos, floors)
    tried = [candidate]
    for number in range(rounds):
        generated = generate(tried[-1], sources, count, seed + number, on_progress)
        tried.append(
            corrected(tried[-1], photos, generated.plan_values, generated.measured, floors)
        )
    # The first correction takes the bias out; those after it scatter, and their mean less.
    final = averaged(tried[2:] or tried[1:])
    generated = generate(final, sources, count, seed + rounds, on_progress)
    return Fit(final, floors, tuple(photos), generated)


def _never(part: FittedPart) -> FittedPart:
    return replace(part, probability=0.0)


def images_needed(photos: int, count: int | None = None, rounds: int = ROUNDS) -> int:
    """Return how often `fit` calls ``on_progress``."""
    count = count or max(_FEWEST_GENERATED, photos)
    return 2 * min(count, _FLOOR_PICTURES) + (rounds + 1) * count


def recipe_of(candidate: Candidate, name: str = "fitted") -> Recipe:
    """Return the candidate as a recipe, read as a file would be."""
    return as_recipe(candidate.steps(), name)


def generate(
    candidate: Candidate,
    sources: ImageSource,
    count: int,
    seed: int,
    on_progress: Callable[[], None] = lambda: None,
) -> Generated:
    """Return what ``count`` images of a candidate measure; sources are used in turn."""
    from degrade.engine.apply import apply
    from degrade.planner.draw import plan

    recipe = recipe_of(candidate)
    values, measured = [], []
    for number in range(count):
        variant, position = divmod(number, len(sources))
        key = sources.keys[position]
        hq = sources.read(key)
        image_plan = plan(
            recipe, seed=seed, image_id=key, size=(hq.shape[0], hq.shape[1]), variant=variant
        )
        values.append(values_of_plan(image_plan))
        lq = apply(image_plan, hq)
        measured.append(measure_image(lq, key, full=max(hq.shape[:2])))
        on_progress()
    return Generated(tuple(values), tuple(measured))
