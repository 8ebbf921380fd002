"""How well intervals of differences of Fréchet distances cover: which way, and in which regime.

``python studies/measure_frechet_coverage.py --population blurred --photographs 60`` draws
photographs, each degraded twice and restored by two restorers that share most of its content,
from populations that are known, and asks of each way to make an interval how often it holds

* the expected difference at this n, given the reference set: the mean over twice as many trials,
  or 0 by symmetry where both restorers have one distribution;
* the difference in the limit, of the populations' own means and covariances.

Where both restorers have one distribution, 1 − coverage is the share of false alarms. ``--run``
takes the vectors of two restorers of a run as the population instead: real features, neither
normal nor of light tails. Trials of ways that decompose matrices again and again are fewer.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from bench.metrics.distribution.distances import covariance_root
from bench.stats.frechet_jackknife import (
    ReferenceGaussian,
    distances_without_each,
    fit_reference,
)
from bench.stats.resampling import _draws
from bench.store.features import file_of, read_vectors
from bench.store.images import HQ

_SEED, _VERSIONS, _DRAWS, _REFERENCE = 7, 2, 2000, 2000
_AGAIN, _GROUPS = 60, 20
"""Sets drawn from each sample by the ways that draw sets, and groups of the grouped jackknife."""

Vectors = NDArray[np.float64]
Span = tuple[float, float]
Sampler = Callable[[np.random.Generator, int], tuple[Vectors, Vectors]]


@dataclass(frozen=True, slots=True)
class Population:
    """Two restorers' features: how to draw photographs, their reference, and the limit."""

    draw: Sampler
    versions: int
    reference: ReferenceGaussian
    limit: float
    is_symmetric: bool


def distance(features: Vectors, reference: ReferenceGaussian) -> float:
    """Return the Fréchet distance of the sample, as `bench.metrics.distribution.frechet` does."""
    shift, root = features.mean(axis=0) - reference.mean, covariance_root(features)
    cross = np.linalg.svd(root @ reference.root.T, compute_uv=False).sum()
    spreads = np.square(root).sum() + np.square(reference.root).sum()
    return float(shift @ shift + spreads - 2 * cross)


def gaussian(kind: str, dimensions: int) -> Population:
    """Return features normal (``heavy``: with a t₅ scale a photograph) about a known spectrum."""
    source = np.random.Generator(np.random.Philox(_SEED))
    place = np.arange(1, dimensions + 1)
    spectrum = np.ones(dimensions) if kind == "flat" else place**-0.5
    fall, one, other = np.linspace(1, 0, dimensions), spectrum, spectrum
    shifts = np.zeros((2, dimensions))
    if kind in ("blurred", "flat", "heavy"):
        one, other = spectrum * (0.3 + 0.7 * fall), spectrum * (0.75 + 0.25 * fall)
        shifts = np.array([0.3, 0.15])[:, None] * spectrum * np.sign(np.cos(place * [[7], [3]]))
    if kind == "equal":
        one = other = spectrum * (0.5 + 0.5 * fall)
        shifts = np.tile(0.2 * spectrum, (2, 1))
    turn = np.linalg.qr(source.normal(size=(dimensions, dimensions)))[0]
    reference = fit_reference(source.normal(size=(_REFERENCE, dimensions)) * spectrum @ turn)

    def draw(generator: np.random.Generator, count: int) -> tuple[Vectors, Vectors]:
        face = math.sqrt(0.4) * generator.normal(size=(count, 1, dimensions))
        degraded = generator.normal(size=(count, _VERSIONS, dimensions))
        scale = 1.0
        if kind == "heavy":
            scale = np.sqrt(3 / generator.chisquare(5, size=(count, 1, 1)))
        found = []
        for spread, shift in zip((one, other), shifts, strict=True):
            own = generator.normal(size=degraded.shape)
            content = face + math.sqrt(0.3) * degraded + math.sqrt(0.3) * own
            found.append((shift + scale * content * spread).reshape(-1, dimensions) @ turn)
        return found[0], found[1]

    def limit(spread: Vectors, shift: Vectors) -> float:
        apart = shift @ turn - reference.mean
        cross = np.linalg.svd((spread[:, None] * turn) @ reference.root.T, compute_uv=False)
        spreads = np.square(spread).sum() + np.square(reference.root).sum()
        return float(apart @ apart + spreads - 2 * cross.sum())

    apart = limit(one, shifts[0]) - limit(other, shifts[1])
    return Population(draw, _VERSIONS, reference, apart, kind in ("equal", "reference"))


def real(run: Path, condition: Sequence[str], restorers: Sequence[str], swap: bool) -> Population:
    """Return a population whose photographs are three quarters of a run's, drawn with copies.

    The truths of the last quarter are the reference. With ``swap`` a coin decides for each
    photograph which of the two restorers is the first, so both have one distribution.
    """
    feature = "efficientnet-lite2-pooled"
    truth, one, other = (
        read_vectors(file_of(run, (condition[0], condition[1], who, feature)))
        for who in (HQ, *restorers)
    )
    keys = sorted(truth.keys() & one.keys() & other.keys())
    inside = 3 * len(keys) // 4
    stacks = [np.stack([of[key] for key in keys]).astype(np.float64) for of in (truth, one, other)]
    reference = fit_reference(stacks[0][inside:])
    pool, rival = stacks[1][:inside], stacks[2][:inside]

    def draw(generator: np.random.Generator, count: int) -> tuple[Vectors, Vectors]:
        chosen = generator.integers(inside, size=count)
        first = generator.random((count, 1)) < (0.5 if swap else 1.0)
        a, b = pool[chosen], rival[chosen]
        return np.where(first, a, b), np.where(first, b, a)

    apart = 0.0 if swap else distance(pool, reference) - distance(rival, reference)
    return Population(draw, 1, reference, apart, swap)


def influence(features: Vectors, images: NDArray[np.intp], reference: ReferenceGaussian) -> Vectors:
    """Return each photograph's derivative of the distance, from the plug-in influence function.

    2 (m − m₂)·c + c·(I − T)c of centred vectors c, with T the optimal map between the Gaussians;
    c·Tc is (v − 1) times the diagonal of (A S₂ Aᵀ)^½, with AᵀA the covariance.
    """
    centred = features - features.mean(axis=0)
    shift = features.mean(axis=0) - reference.mean
    left, singular, _ = np.linalg.svd(
        centred @ reference.root.T / math.sqrt(len(features) - 1), full_matrices=False
    )
    mapped = (len(features) - 1) * np.square(left) @ singular
    values = 2 * centred @ shift + np.square(centred).sum(axis=1) - mapped
    means = np.bincount(images, values) / np.bincount(images)
    return np.asarray(means - means.mean())


class Sample:
    """One trial: the two restorers' vectors of the same photographs, and every way's interval."""

    def __init__(self, population: Population, count: int, generator: np.random.Generator) -> None:
        self._reference, self._count, self._generator = population.reference, count, generator
        self._sets = population.draw(generator, count)
        self._images = np.repeat(np.arange(count), population.versions)
        found = [distances_without_each(x, self._images, self._reference) for x in self._sets]
        self.difference = found[0][0] - found[1][0]
        self._without = found[0][1] - found[1][1]

    def ways(self, counts: Vectors, again: bool) -> dict[str, Span]:
        """Return each way's interval; ``counts`` are the shared draws."""
        moved = math.sqrt(self._count * (self._count - 1)) * (self._without.mean() - self._without)
        corrected = (self._count - 1) * (self.difference - self._without.mean())
        one, other = (influence(x, self._images, self._reference) for x in self._sets)
        jackknife = self._percentile(counts, moved)
        found = {
            "jackknife": jackknife,
            "influence": self._percentile(counts, one - other),
            "corrected": (jackknife[0] + corrected, jackknife[1] + corrected),
        }
        if again:
            copies = [
                self._generator.integers(self._count, size=self._count) for _ in range(_AGAIN)
            ]
            halves = [self._generator.permutation(self._count)[::2] for _ in range(_AGAIN)]
            drawn, half = self._differences(copies), self._differences(halves)
            found["plain"] = span(drawn)
            found["recentred"] = span(drawn - drawn.mean() + self.difference)
            found["halves"] = span(half - half.mean() + self.difference)
            found["grouped"] = self._grouped()
        return found

    def _percentile(self, counts: Vectors, values: Vectors) -> Span:
        return span(self.difference + counts @ values / self._count)

    def _differences(self, chosen: Sequence[NDArray[np.intp]]) -> Vectors:
        versions = len(self._images) // self._count
        rows = [(each[:, None] * versions + np.arange(versions)).ravel() for each in chosen]
        one, other = ([distance(x[r], self._reference) for r in rows] for x in self._sets)
        return np.array(one) - np.array(other)

    def _grouped(self) -> Span:
        from scipy.stats import t

        order = self._generator.permutation(self._count)
        left = [np.delete(order, np.arange(g, self._count, _GROUPS)) for g in range(_GROUPS)]
        found = self._differences(left)
        error = math.sqrt((_GROUPS - 1) * found.var())
        reach = float(t.ppf(0.975, _GROUPS - 1)) * error
        return self.difference - reach, self.difference + reach


def span(drawn: Vectors) -> Span:
    """Return the percentile interval at 95 %."""
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def measure(population: Population, count: int, trials: int, again: int) -> None:
    """Print each way's coverage, width and trials."""
    counts = np.concatenate(list(islice(_draws(count, _SEED), 1 + _DRAWS * count // 4_000_000)))
    generator = np.random.Generator(np.random.Philox(_SEED + 1))
    found: dict[str, list[Span]] = {}
    differences = []
    for trial in range(trials):
        sample = Sample(population, count, generator)
        differences.append(sample.difference)
        for name, each in sample.ways(counts[:_DRAWS], trial < again).items():
            found.setdefault(name, []).append(each)
    deviation, expected = float(np.std(differences)), 0.0
    if not population.is_symmetric:
        sets = (population.draw(generator, count) for _ in range(trials))
        more = [distance(a, population.reference) - distance(b, population.reference)
                for a, b in sets]  # fmt: skip
        expected = float(np.mean([*differences, *more]))
    click.echo(f"n {count}: expected difference {expected:.4g}, limit {population.limit:.4g}, "
          f"deviation {deviation:.3g}")  # fmt: skip
    for name, spans in found.items():
        low, high = np.array(spans).T
        covers = [np.mean((low <= goal) & (goal <= high)) for goal in (expected, population.limit)]
        width = np.mean(high - low) / (2 * 1.96 * deviation)
        click.echo(f"  {name:10} at n {100 * covers[0]:5.1f} %  limit {100 * covers[1]:5.1f} %  "
              f"width {width:.2f}  trials {len(spans)}")  # fmt: skip


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = ("blurred", "flat", "heavy", "equal", "reference")
    parser.add_argument("--population", choices=kinds, default="blurred")
    parser.add_argument("--dimensions", type=int, default=64)
    parser.add_argument("--photographs", type=int, nargs="+", default=[60])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--again", type=int, default=0, help="trials of the ways that draw sets")
    parser.add_argument("--run", type=Path, help="a run without --reference")
    parser.add_argument("--condition", nargs=2, metavar=("DATASET", "RECIPE"))
    parser.add_argument("--restorers", nargs=2)
    parser.add_argument("--swap", action="store_true", help="both have one distribution")
    return parser.parse_args()


def main() -> None:
    given = options()
    population = gaussian(given.population, given.dimensions)
    if given.run:
        population = real(given.run, given.condition, given.restorers, given.swap)
    for count in given.photographs:
        measure(population, count, given.trials, given.again)


if __name__ == "__main__":
    main()
