"""What an analysis by severity found: curves of a score, and the share of the error that is left.

Plain records; nothing here computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.stats.bootstrap import Interval
from bench.stats.severity.levels import Grading


@dataclass(frozen=True, slots=True)
class Point:
    """A score at one level: its mean over photographs with the interval, and the images in it."""

    level: int
    title: str
    value: Interval
    images: int


@dataclass(frozen=True, slots=True)
class Curve:
    """A restorer's score over the levels of one degradation."""

    restorer: str
    degradation: str
    family: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class ErrorLeft:
    """The share of the input's error that is left, and how many photographs tell it.

    ``share`` is without a value where a severity that counts has none of the restorer or of the
    input; ``photographs`` is of the degradation that has the fewest; below two there is no
    interval. A photograph counts for a degradation only where the restorer has a value of every
    image that the input has one of, or its failures on the severe images would be to its credit.
    """

    share: Interval
    photographs: int
    images: int
    attempted: int


@dataclass(frozen=True, slots=True)
class MeanRestorationError:
    """How much of the error a restorer leaves; 1 is doing nothing.

    ``mean`` is the mean restoration error: each degradation's error, summed over its levels, over
    that of the input; then the mean over degradations (Hendrycks and Dietterich 2019, section 4.2,
    with the input in the place of AlexNet). Of drawn degradations only the severe third of the
    images counts: in mixtures the others are the same for every family. ``worst`` is the family
    with the largest, of those with two photographs at least; empty where all are equal or there is
    only one, or where the mean has no value.
    """

    restorer: str
    mean: ErrorLeft
    degradations: Mapping[str, ErrorLeft]
    families: Mapping[str, ErrorLeft]
    worst: str


@dataclass(frozen=True, slots=True)
class Severity:
    """One metric over one grading.

    ``standings`` is empty for a metric without an error scale.
    """

    grading: Grading
    metric: str
    direction: str
    unit: str
    curves: tuple[Curve, ...]
    standings: tuple[MeanRestorationError, ...]
