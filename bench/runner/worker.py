"""The worker: degraded images through every restorer and metric, a row for each.

Decides what an earlier session settled, and hands every row and feature vector on; it neither
opens data sets nor compares sets nor averages anything. It may work in a process of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.metrics.metric import Measurement, PairMetric, Sample, SetMetric, Status
from bench.runner.cache import Cache
from bench.runner.efficiency import Calls, facts_of_seconds
from bench.runner.measure import Samples, describe, measure_all
from bench.runner.restored_images import Place, Supply
from bench.runner.restored_output import ErrorLog, Gallery, Outcome, refuse_other_shape
from bench.runner.restorer_runner import Station
from bench.store.data_digest import DataDigests
from bench.store.features import TRUTH, FeatureStore, file_of
from bench.store.photographs import photographs
from bench.store.plans import PlanStore
from bench.store.results_log import Ledger, Metric
from bench.store.rows import Row, RowBuffer
from bench.suite.conditions import Condition
from degrade.errors import ImageError
from degrade.terminal import Progress
from zoo.restorer import Restorer
from zoo.restorers.placement import HERE, Placement

__all__ = ["Metric", "Worker"]

_Address = tuple[Condition, int, str]
"""A condition, the index of an image in it, and the photograph that it is a version of."""


class Worker:
    """Scores images of a run, as many at a time as a restorer takes at once.

    Parameters
    ----------
    suite
        The suite's name.
    restorers, metrics
        Loaded.
    out
        The folder of the run.
    truths
        Whether set metrics compare with the truths, so that these need vectors too; not so
        where there is a reference set.
    cache
        What other runs found.
    placement
        Where restorers compute that can; they are moved there when they are first needed.

    Attributes
    ----------
    suite, truths
        As given.
    set_metrics
        Those of ``metrics`` that compare sets.
    errors
        Takes the tracebacks.
    digests
        Of the images seen so far.
    """

    def __init__(
        self,
        suite: str,
        restorers: Sequence[Restorer],
        metrics: Sequence[Metric],
        out: Path,
        *,
        truths: bool = True,
        cache: Cache | None = None,
        placement: Placement = HERE,
    ) -> None:
        self.suite, self._out, self._placement = suite, out, placement
        self._seconds = facts_of_seconds(placement)["signature"]
        self.truths = truths
        self._pair_metrics = [m for m in metrics if not isinstance(m, SetMetric)]
        self.set_metrics = [m for m in metrics if isinstance(m, SetMetric)]
        self._gallery = Gallery(out / "restored")
        self._cache = cache or Cache(None)
        self.errors = ErrorLog(out / "errors.log")
        self._stations = [Station(each, placement, self.errors) for each in restorers]
        self._supply = Supply(self._gallery, self._cache)
        self.digests = DataDigests()

    @property
    def calls(self) -> Calls:
        """What each restorer's calls took, so far."""
        return self._supply.calls

    def photographs(
        self,
        group: Sequence[Condition],
        versions: Sequence[Sequence[int]],
        log: RowBuffer,
        features: FeatureStore,
        plans: PlanStore,
        shown: Progress | None = None,
    ) -> None:
        """Score the versions of photographs under each condition of a group.

        Parameters
        ----------
        group
            Conditions of the same images.
        versions
            Of each photograph, the indices of its versions in each condition's pairs.
        log, features, plans
            Where rows, vectors and plans go; what ``log`` holds as settled is left alone.
        """
        books = _Books(Ledger(self.suite, self._seconds, log), log, features, plans)
        truths = _Truths()
        addresses = _addresses(group, versions)
        while batch := list(itertools.islice(addresses, self._placement.batch)):
            self._batch(batch, books, truths, shown)

    def wants(self, condition: Condition, restorer: str, metric: SetMetric, log: RowBuffer) -> bool:
        """Say whether a set has still to be compared: no row of all images, or no vectors kept."""
        ledger = Ledger(self.suite, self._seconds, log)
        known = ledger.known(condition, None, restorer, metric)
        settled = ledger.settled(condition, None, restorer, metric)
        if known is None or known.n < len(condition.addresses) or not settled:
            return True
        place = condition.dataset, condition.recipe, restorer, metric.feature
        return not file_of(self._out, place).exists()

    def row_of_set(
        self, condition: Condition, restorer: str, metric: SetMetric, value: Measurement, count: int
    ) -> Row:
        """Return the row of a whole set."""
        ledger = Ledger(self.suite, self._seconds, RowBuffer())
        return ledger.row(condition, None, restorer, metric, value, count)

    def _batch(
        self,
        addresses: Sequence[_Address],
        books: _Books,
        truths: _Truths,
        shown: Progress | None,
    ) -> None:
        """Score images that restorers are given at once, one after another."""
        places = [self._read(address, books) for address in addresses]
        found: dict[str, dict[int, _Work]] = {}
        versions = Samples()
        for number, place in enumerate(places):
            if place is None:
                if shown:
                    shown.advance(len(self._stations))
                continue
            hq = truths.of(place)
            for station in self._stations:
                name = station.card.name
                if name not in found:  # the first image asks for all of them
                    found[name] = self._restored(station, places, books)
                work = found[name].pop(number, None)
                if work is not None:
                    self._score(place, name, work, hq, versions, books)
                if shown:
                    shown.advance(note=name)
            versions.forget()

    def _read(self, address: _Address, books: _Books) -> Place | None:
        """Read an image and its truth; None, and rows that say why, where that cannot be done."""
        condition, index, photograph = address
        key = condition.addresses[index]
        try:
            pair = condition.pairs[index]
            refuse_other_shape(pair)
        except (ImageError, OSError) as error:
            failed = Measurement(None, Status.ERROR, self.errors.note(key[0], error))
            for station in self._stations:
                for metric in (None, *self._pair_metrics):
                    books.ledger.append(condition, key, station.card.name, metric, failed)
            return None
        where = condition.dataset, condition.recipe
        books.plans.add(where, key, pair.plan)
        self.digests.add(where, key, pair)
        path = self._gallery.path(*where, TRUTH, key[0])
        if condition.truths and self._gallery.read(path) is None:
            self._gallery.write(path, pair.hq)
        return Place(condition, key, photograph, pair, books.ledger)

    def _restored(
        self, station: Station, places: Sequence[Place | None], books: _Books
    ) -> dict[int, _Work]:
        """Return what one restorer makes of the images that want it, by their number."""
        wanted = {
            number: (place, *metrics)
            for number, place in enumerate(places)
            if place and (metrics := self._wanted(place, station.card.name, books))
        }
        outcomes = self._supply.restored(station, [place for place, _, _ in wanted.values()])
        return {
            number: _Work(metrics, sets, outcome)
            for (number, (_, metrics, sets)), outcome in zip(wanted.items(), outcomes, strict=True)
        }

    def _wanted(
        self, place: Place, restorer: str, books: _Books
    ) -> tuple[list[PairMetric], list[SetMetric]] | None:
        """Return what an earlier session left to do; None for nothing."""
        condition, key, ledger = place.condition, place.key, books.ledger
        metrics = [m for m in self._pair_metrics if not ledger.settled(condition, key, restorer, m)]
        sets = [m for m in self.set_metrics if self.wants(condition, restorer, m, books.log)]
        return (metrics, sets) if metrics or sets or not place.settled(restorer) else None

    def _score(
        self,
        place: Place,
        restorer: str,
        work: _Work,
        hq: Sample,
        versions: Samples,
        books: _Books,
    ) -> None:
        condition, key, outcome = place.condition, place.key, work.outcome
        # The truth of a lost image too: a file of vectors is written whole, for all images.
        pictures = {TRUTH: hq} if self.truths else {}
        if outcome.image is None:
            failed = Measurement(None, Status.ERROR, outcome.detail)
            for metric in self._pair_metrics:
                books.ledger.append(condition, key, restorer, metric, failed)
        else:
            pictures[restorer] = sample = versions.of(outcome.image)
            values = measure_all(work.metrics, sample, hq, self.errors, self._cache)
            for metric, value in zip(work.metrics, values, strict=True):
                books.ledger.append(condition, key, restorer, metric, value)
        for each in work.sets:
            for owner, picture in pictures.items():
                vector = describe(each, picture, self.errors, self._cache)
                home = condition.dataset, condition.recipe, owner, each.feature
                books.features.add(home, key, vector)


@dataclass(frozen=True, slots=True)
class _Work:
    """What is wanted of one restorer's image, and the image."""

    metrics: list[PairMetric]
    sets: list[SetMetric]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Books:
    """Where what is found goes."""

    ledger: Ledger
    log: RowBuffer
    features: FeatureStore
    plans: PlanStore


class _Truths:
    """Hands out the truth's sample, one for equal pixels as long as the photograph is the same."""

    def __init__(self) -> None:
        self._samples, self._photograph = Samples(), ""

    def of(self, place: Place) -> Sample:
        if place.photograph != self._photograph:
            self._samples.forget()
            self._photograph = place.photograph
        return self._samples.of(place.pair.hq)


def _addresses(group: Sequence[Condition], versions: Sequence[Sequence[int]]) -> Iterator[_Address]:
    """Yield photograph by photograph, so that each is decoded once for all conditions."""
    names = photographs(group[0].addresses)
    for indices in versions:
        for index in indices:
            for condition in group:
                yield condition, index, names[group[0].addresses[index]]
