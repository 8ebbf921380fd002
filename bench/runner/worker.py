"""The worker: degraded images through every restorer and metric, a row for each.

Leaves alone what an earlier session settled, and adds every row and feature vector to the results;
it neither opens data sets nor compares sets nor averages anything. It may work in a process of its
own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.metrics.entry import Status
from bench.metrics.metric import Measurement, PairMetric, Sample, SetMetric
from bench.runner.cache import Cache
from bench.runner.measure import Samples, describe, measure_all
from bench.runner.restored_images import DegradedImage, RestoredImages, refuse_other_shape
from bench.runner.restorer_runner import RestoredImage, RestorerRunner, TracebackLog
from bench.runner.results import Metric, ResultsLog
from bench.store.features import file_of
from bench.store.images import HQ, RestoredFiles, pair_digest, photographs
from bench.suite.conditions import Condition
from degrade.errors import ImageError
from degrade.terminal import Progress
from zoo.restorer import Restorer
from zoo.restorers.placement import HERE, Placement


@dataclass(frozen=True, slots=True)
class _ImageTask:
    """What one restorer's image still lacks, and the image."""

    pair_metrics: list[PairMetric]
    set_metrics: list[SetMetric]
    restored: RestoredImage


class Worker:
    """Scores images of a run, as many at a time as a restorer takes at once.

    ``truths``: set metrics compare with the HQ of the same images, so that these need vectors too;
    not so where there is a reference set. Restorers are moved when they are first needed.
    """

    def __init__(
        self,
        restorers: Sequence[Restorer],
        metrics: Sequence[Metric],
        out: Path,
        *,
        truths: bool = True,
        cache: Cache | None = None,
        placement: Placement = HERE,
    ) -> None:
        self._out, self._placement, self.truths = out, placement, truths
        self._pair_metrics = [m for m in metrics if not isinstance(m, SetMetric)]
        self.set_metrics = [m for m in metrics if isinstance(m, SetMetric)]
        self._cache = cache or Cache(None)
        self.errors = TracebackLog(out / "errors.log")
        self._runners = [RestorerRunner(each, placement, self.errors) for each in restorers]
        self._images = RestoredImages(RestoredFiles(out / "restored"), self._cache)

    def score(
        self,
        group: Sequence[Condition],
        versions: Sequence[Sequence[int]],
        results: ResultsLog,
        progress: Progress | None = None,
    ) -> None:
        """Score versions of images (indices in each condition's pairs) under a group's conditions.

        What the results hold as settled is left alone.
        """
        hq_samples = _HqSamples()
        addresses = _addresses(group, versions)
        while batch := list(itertools.islice(addresses, self._placement.batch)):
            self._score_batch(batch, results, hq_samples, progress)

    def lacks(
        self, condition: Condition, restorer: str, metric: SetMetric, results: ResultsLog
    ) -> bool:
        """Say whether a set has still to be compared: no row of all images, or no vectors kept."""
        row = results.row_of(condition, None, restorer, metric)
        settled = results.is_settled(condition, None, restorer, metric)
        if row is None or row.n < len(condition.addresses) or not settled:
            return True
        return not file_of(self._out, (*condition.id, restorer, metric.feature)).exists()

    def _score_batch(
        self,
        addresses: Sequence[tuple[Condition, int, str]],
        results: ResultsLog,
        hq_samples: _HqSamples,
        progress: Progress | None,
    ) -> None:
        """Score images that restorers get at once, one after another."""
        images = [self._read(*address, results) for address in addresses]
        tasks: dict[str, dict[int, _ImageTask]] = {}
        samples = Samples()
        for number, degraded in enumerate(images):
            if degraded is None:
                if progress:
                    progress.advance(len(self._runners))
                continue
            hq = hq_samples.of(degraded)
            for runner in self._runners:
                name = runner.card.name
                if name not in tasks:  # the first image asks for all of them
                    tasks[name] = self._tasks(runner, images, results)
                task = tasks[name].pop(number, None)
                if task is not None:
                    self._measure(degraded, name, task, hq, samples, results)
                if progress:
                    progress.advance(note=name)
            samples.forget()

    def _read(
        self, condition: Condition, index: int, original: str, results: ResultsLog
    ) -> DegradedImage | None:
        """Read an image and its HQ; None, and rows that say why, where that cannot be done."""
        key = condition.addresses[index]
        try:
            pair = condition.pairs[index]
            refuse_other_shape(pair)
        except (ImageError, OSError) as error:
            failed = Measurement(None, Status.ERROR, self.errors.note(key[0], error))
            for runner in self._runners:
                for metric in (None, *self._pair_metrics):
                    results.append(condition, key, runner.card.name, metric, failed)
            return None
        results.plans[condition.id, key] = pair.plan
        results.digests[condition.id, key] = pair_digest(pair.hq, pair.lq)
        degraded = DegradedImage(condition, key, original, pair)
        self._images.keep_hq(degraded)
        return degraded

    def _tasks(
        self, runner: RestorerRunner, images: Sequence[DegradedImage | None], results: ResultsLog
    ) -> dict[int, _ImageTask]:
        """Restore the images of which an earlier session left something to do, by number."""
        name = runner.card.name
        missing = {
            number: metrics
            for number, degraded in enumerate(images)
            if degraded and (metrics := self._missing(degraded, name, results))
        }
        chosen = [each for number, each in enumerate(images) if each and number in missing]
        restored = self._images.restore(runner, chosen, results)
        return {
            number: _ImageTask(*metrics, image)
            for (number, metrics), image in zip(missing.items(), restored, strict=True)
        }

    def _missing(
        self, degraded: DegradedImage, restorer: str, results: ResultsLog
    ) -> tuple[list[PairMetric], list[SetMetric]] | None:
        """Return the metrics that an earlier session left to do; None for nothing."""
        condition, key = degraded.condition, degraded.key
        pair_metrics = [
            each
            for each in self._pair_metrics
            if not results.is_settled(condition, key, restorer, each)
        ]
        set_metrics = [
            each for each in self.set_metrics if self.lacks(condition, restorer, each, results)
        ]
        is_done = results.is_settled(condition, key, restorer, None)
        return (pair_metrics, set_metrics) if pair_metrics or set_metrics or not is_done else None

    def _measure(
        self,
        degraded: DegradedImage,
        restorer: str,
        task: _ImageTask,
        hq: Sample,
        samples: Samples,
        results: ResultsLog,
    ) -> None:
        condition, key, restored = degraded.condition, degraded.key, task.restored
        # The HQ of a lost image too: a file of vectors is written whole, for all images.
        described = {HQ: hq} if self.truths else {}
        if restored.image is None:
            failed = Measurement(None, Status.ERROR, restored.detail)
            for metric in self._pair_metrics:
                results.append(condition, key, restorer, metric, failed)
        else:
            described[restorer] = sample = samples.of(restored.image)
            values = measure_all(task.pair_metrics, sample, hq, self.errors, self._cache)
            for metric, value in zip(task.pair_metrics, values, strict=True):
                results.append(condition, key, restorer, metric, value)
        for each in task.set_metrics:
            for owner, image in described.items():
                vector = describe(each, image, self.errors, self._cache)
                results.features.add((*condition.id, owner, each.feature), key, vector)


class _HqSamples:
    """The samples of HQ, one for equal pixels as long as the original is the same."""

    def __init__(self) -> None:
        self._samples, self._original = Samples(), ""

    def of(self, degraded: DegradedImage) -> Sample:
        if degraded.original != self._original:
            self._samples.forget()
            self._original = degraded.original
        return self._samples.of(degraded.pair.hq)


def _addresses(
    group: Sequence[Condition], versions: Sequence[Sequence[int]]
) -> Iterator[tuple[Condition, int, str]]:
    """Yield condition, index and original, so that each is decoded once for all conditions."""
    names = photographs(group[0].addresses)
    for indices in versions:
        for index in indices:
            for condition in group:
                yield condition, index, names[group[0].addresses[index]]
