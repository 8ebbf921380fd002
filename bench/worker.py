"""The worker: one photograph's degraded images through every restorer and metric, a row for each.

Decides what an earlier session settled, and hands every row and feature vector on; it neither
opens data sets nor compares sets nor averages anything. It may work in a process of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from bench.cache import Cache
from bench.conditions import Condition, Pair
from bench.data_digest import DataDigests
from bench.efficiency import TIMED_BEFORE, MemoryPeaks
from bench.features import TRUTH, FeatureStore, file_of
from bench.measuring import Samples, describe, measure_all
from bench.metrics.metric import Measurement, PairMetric, Sample, SetMetric, Status
from bench.photographs import ImageKey, photographs
from bench.plans import PlanStore
from bench.record import SECONDS
from bench.restoring import (
    ErrorLog,
    Gallery,
    Outcome,
    match_size,
    refuse_other_shape,
    restore_one,
)
from bench.rows import Row, RowBuffer
from degrade.errors import ImageError
from degrade.terminal import Progress
from zoo.restorer import Restorer

__all__ = ["Metric", "Worker"]

Metric = PairMetric | SetMetric


class Worker:
    """Scores images of a run, one photograph at a time.

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

    Attributes
    ----------
    peaks
        Each restorer's working memory so far.
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
    ) -> None:
        self._suite, self._restorers, self._out = suite, restorers, out
        self.truths = truths
        self._pair_metrics = [m for m in metrics if not isinstance(m, SetMetric)]
        self.set_metrics = [m for m in metrics if isinstance(m, SetMetric)]
        self._gallery = Gallery(out / "restored")
        self._cache = cache or Cache(None)
        self.errors = ErrorLog(out / "errors.log")
        self.peaks, self.digests = MemoryPeaks(), DataDigests()

    def photograph(
        self,
        group: Sequence[Condition],
        indices: Sequence[int],
        log: RowBuffer,
        features: FeatureStore,
        plans: PlanStore,
        shown: Progress | None = None,
    ) -> None:
        """Score the versions of one photograph under each condition of a group.

        Parameters
        ----------
        group
            Conditions of the same images.
        indices
            Of the versions, in each condition's pairs.
        log, features, plans
            Where rows, vectors and plans go; what ``log`` holds as settled is left alone.
        """
        truths, versions = Samples(), Samples()
        names = photographs(group[0].addresses[index] for index in indices)
        for index in indices:
            for condition in group:
                key = condition.addresses[index]
                place = _Place(condition, index, key, names[key], log, features, plans)
                self._image(place, truths, versions, shown)
                versions.forget()

    def wants(self, condition: Condition, restorer: str, metric: SetMetric, log: RowBuffer) -> bool:
        """Say whether a set has still to be compared: no row of all images, or no vectors kept."""
        row = self._row(condition, None, restorer, metric, Measurement(None), 0)
        known = log.rows.get(row.row_key())
        if known is None or known.n < len(condition.addresses) or not log.settled(row.row_key()):
            return True
        place = condition.dataset, condition.recipe, restorer, metric.feature
        return not file_of(self._out, place).exists()

    def row_of_set(
        self, condition: Condition, restorer: str, metric: SetMetric, value: Measurement, count: int
    ) -> Row:
        """Return the row of a whole set."""
        return self._row(condition, None, restorer, metric, value, count)

    def _image(
        self, place: _Place, truths: Samples, versions: Samples, shown: Progress | None
    ) -> None:
        key = place.key
        try:
            pair = place.condition.pairs[place.index]
            refuse_other_shape(pair)
        except (ImageError, OSError) as error:
            self._unreadable(place, self.errors.note(key[0], error))
            if shown:
                shown.advance(len(self._restorers))
            return
        where = place.condition.dataset, place.condition.recipe
        place.plans.add(where, key, pair.plan)
        self.digests.add(where, key, pair)
        hq = truths.of(pair.hq)
        path = self._gallery.path(*where, TRUTH, key[0])
        if place.condition.truths and self._gallery.read(path) is None:
            self._gallery.write(path, pair.hq)
        for restorer in self._restorers:
            self._restored(place, pair, restorer, hq, versions)
            if shown:
                shown.advance(note=restorer.card.name)

    def _restored(
        self, place: _Place, pair: Pair, restorer: Restorer, hq: Sample, versions: Samples
    ) -> None:
        name, condition = restorer.card.name, place.condition
        wanted = [m for m in self._pair_metrics if not self._settled(place, name, m)]
        sets = [m for m in self.set_metrics if self.wants(condition, name, m, place.log)]
        if not (wanted or sets) and self._settled(place, name, None):
            return
        outcome = self._obtain(place, pair, restorer)
        if outcome.image is None:
            failed = Measurement(None, Status.ERROR, outcome.detail)
            for metric in self._pair_metrics:
                self._append(place, name, metric, failed)
            return
        sample = versions.of(outcome.image)
        values = measure_all(wanted, sample, hq, self.errors, self._cache)
        for metric, value in zip(wanted, values, strict=True):
            self._append(place, name, metric, value)
        for each in sets:
            who = {name: sample, TRUTH: hq} if self.truths else {name: sample}
            for owner, picture in who.items():
                vector = describe(each, picture, self.errors, self._cache)
                home = condition.dataset, condition.recipe, owner, each.feature
                place.features.add(home, place.key, vector)

    def _obtain(self, place: _Place, pair: Pair, restorer: Restorer) -> Outcome:
        """Return what an earlier session restored, or restore now and keep the image."""
        name, condition = restorer.card.name, place.condition
        path = self._gallery.path(condition.dataset, condition.recipe, name, pair.key)
        if self._settled(place, name, None):
            image = self._gallery.read(path)
            if image is not None and image.shape == pair.hq.shape:
                return Outcome(image)
        face = match_size(pair.lq, pair.hq.shape[:2])  # what `restore_one` gives the restorer
        mask = condition.masks.of(place.photograph, face) if condition.masks else None
        cached = self._cache.key_of(restorer.card, face, mask, pair.plan)
        kept = self._cache.restored(cached)
        if kept is not None:
            self._gallery.write_file(path, kept.png)
            self._append(place, name, None, Measurement(kept.seconds, detail=TIMED_BEFORE))
            return Outcome(kept.image)
        outcome = restore_one(restorer, condition, pair, self.errors, mask)
        if outcome.image is not None:
            png = self._gallery.write(path, outcome.image, made_by=name)
            assert outcome.seconds is not None
            self._cache.keep_restored(cached, png, outcome.seconds, outcome.memory)
            self.peaks.add(name, outcome.memory)
            time = Measurement(outcome.seconds)
        else:
            time = Measurement(None, Status.ERROR, outcome.detail)
        self._append(place, name, None, time)
        return outcome

    def _unreadable(self, place: _Place, detail: str) -> None:
        failed = Measurement(None, Status.ERROR, detail)
        for restorer in self._restorers:
            for metric in (None, *self._pair_metrics):
                self._append(place, restorer.card.name, metric, failed)

    def _settled(self, place: _Place, restorer: str, metric: Metric | None) -> bool:
        row = self._row(place.condition, place.key, restorer, metric, Measurement(None), 0)
        return place.log.settled(row.row_key())

    def _append(
        self, place: _Place, restorer: str, metric: Metric | None, measured: Measurement
    ) -> None:
        place.log.append(self._row(place.condition, place.key, restorer, metric, measured, 1))

    def _row(
        self,
        condition: Condition,
        key: ImageKey | None,
        restorer: str,
        metric: Metric | None,
        measured: Measurement,
        count: int,
    ) -> Row:
        """Return a row; no ``key`` means the whole set, no ``metric`` the time it took."""
        return Row(
            suite=self._suite,
            dataset=condition.dataset,
            recipe=condition.recipe,
            key=key[0] if key else "",
            variant=key[1] if key else 0,
            restorer=restorer,
            metric=metric.name if metric else SECONDS["name"],
            signature=metric.signature if metric else SECONDS["signature"],
            value=measured.value,
            status=measured.status.value,
            detail=" ".join(measured.detail.split()),
            n=count if measured.value is not None or not key else 0,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    """One image under one condition, and where what is found of it goes."""

    condition: Condition
    index: int
    key: ImageKey
    photograph: str
    log: RowBuffer
    features: FeatureStore
    plans: PlanStore
