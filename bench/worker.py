"""The worker: images of a data set, their recipes, restorers and metrics, a row for each.

Decides what an earlier session settled, and writes every row through the log; it neither
opens data sets nor averages anything.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from bench.conditions import Condition, Pair
from bench.measuring import Features, Samples, compare_sets, describe, measure
from bench.metrics.metric import Measurement, PairMetric, Sample, SetMetric, Status
from bench.record import SECONDS
from bench.restoring import ErrorLog, Gallery, Outcome, restore_one
from bench.rows import Row, RowLog
from degrade.errors import DatasetError, ImageError
from degrade.terminal import Progress
from zoo.restorer import Restorer

__all__ = ["Worker"]

Metric = PairMetric | SetMetric


class Worker:
    """The loops: images of a data set, its recipes, restorers, metrics."""

    def __init__(
        self,
        suite: str,
        restorers: Sequence[Restorer],
        metrics: Sequence[Metric],
        log: RowLog,
        out: Path,
    ) -> None:
        self._suite, self._restorers, self._log = suite, restorers, log
        self._pair_metrics = [m for m in metrics if not isinstance(m, SetMetric)]
        self._set_metrics = [m for m in metrics if isinstance(m, SetMetric)]
        self._gallery = Gallery(out / "restored")
        self._errors = ErrorLog(out / "errors.log")
        self._features: dict[tuple[str, str, str, str], Features] = {}
        self._paths: set[Path] = set()

    def group(self, group: Sequence[Condition], shown: Progress) -> None:
        """Score every image under each condition of a group, then the sets."""
        truths, versions = Samples(), Samples()
        for index in range(len(group[0].addresses)):
            for condition in group:
                self._image(condition, index, truths, versions, shown)
                versions.forget()
            truths.forget()
        for condition in group:
            for restorer in self._restorers:
                self._sets(condition, restorer.card.name)
        self._features.clear()

    def _image(
        self, condition: Condition, index: int, truths: Samples, versions: Samples, shown: Progress
    ) -> None:
        try:
            pair = condition.pairs[index]
        except (ImageError, OSError) as error:
            key, variant = condition.addresses[index]
            self._unreadable(condition, key, variant, self._errors.note(key, error))
            shown.advance(len(self._restorers))
            return
        hq = truths.of(pair.hq)
        self._keep_truth(condition, pair)
        for restorer in self._restorers:
            self._restored(condition, pair, restorer, hq, versions)
            shown.advance(note=restorer.card.name)

    def _restored(
        self, condition: Condition, pair: Pair, restorer: Restorer, hq: Sample, versions: Samples
    ) -> None:
        name = restorer.card.name
        wanted = [m for m in self._pair_metrics if not self._settled(condition, pair, name, m)]
        sets = [m for m in self._set_metrics if not self._settled(condition, None, name, m)]
        if not (wanted or sets) and self._settled(condition, pair, name, None):
            return
        outcome = self._obtain(condition, pair, restorer)
        if outcome.image is None:
            failed = Measurement(None, Status.ERROR, outcome.detail)
            for metric in self._pair_metrics:
                self._append(condition, pair, name, metric, failed)
            return
        sample = versions.of(outcome.image)
        for metric in wanted:
            value = measure(metric, sample, hq, self._errors)
            self._append(condition, pair, name, metric, value)
        for each in sets:
            vectors = [describe(each, one, self._errors) for one in (sample, hq)]
            place = condition.dataset, condition.recipe, name, each.name
            features = self._features.setdefault(place, Features())
            features.add((pair.key, pair.plan.variant), *vectors)

    def _obtain(self, condition: Condition, pair: Pair, restorer: Restorer) -> Outcome:
        """Return what an earlier session restored, or restore now and keep the image."""
        name = restorer.card.name
        path = self._path(condition, pair, name)
        if self._settled(condition, pair, name, None):
            image = self._gallery.read(path)
            if image is not None and image.shape == pair.hq.shape:
                return Outcome(image)
        outcome = restore_one(restorer, condition, pair, self._errors)
        if outcome.image is not None:
            self._gallery.write(path, outcome.image, made_by=name)
            time = Measurement(outcome.seconds)
        else:
            time = Measurement(None, Status.ERROR, outcome.detail)
        self._append(condition, pair, name, None, time)
        return outcome

    def _sets(self, condition: Condition, restorer: str) -> None:
        for metric in self._set_metrics:
            if self._settled(condition, None, restorer, metric):
                continue
            place = condition.dataset, condition.recipe, restorer, metric.name
            features = self._features.get(place, Features())
            value, count = compare_sets(metric, features, self._errors)
            self._append(condition, None, restorer, metric, value, count)

    def _unreadable(self, condition: Condition, key: str, variant: int, detail: str) -> None:
        failed = Measurement(None, Status.ERROR, detail)
        for restorer in self._restorers:
            for metric in (None, *self._pair_metrics):
                row = self._row(condition, None, restorer.card.name, metric, failed, 0)
                self._log.append(dataclasses.replace(row, key=key, variant=variant))

    def _keep_truth(self, condition: Condition, pair: Pair) -> None:
        path = self._path(condition, pair, "hq")
        if path in self._paths:
            raise DatasetError(
                f"'{pair.key}' in {condition.dataset} stands there twice, or its name is equal "
                "to another's but for signs that file names cannot keep: rename it"
            )
        self._paths.add(path)
        if self._gallery.read(path) is None:
            self._gallery.write(path, pair.hq)

    def _path(self, condition: Condition, pair: Pair, who: str) -> Path:
        return self._gallery.path(condition.dataset, condition.recipe, who, pair.key)

    def _settled(
        self, condition: Condition, pair: Pair | None, restorer: str, metric: Metric | None
    ) -> bool:
        """Say whether a row stands; that of a set stands only when it has every image."""
        row = self._row(condition, pair, restorer, metric, Measurement(None), 0)
        known = self._log.rows.get(row.row_key())
        if known is not None and pair is None and known.n < len(condition.addresses):
            return False
        return self._log.settled(row.row_key())

    def _append(
        self,
        condition: Condition,
        pair: Pair | None,
        restorer: str,
        metric: Metric | None,
        measured: Measurement,
        count: int = 1,
    ) -> None:
        self._log.append(self._row(condition, pair, restorer, metric, measured, count))

    def _row(
        self,
        condition: Condition,
        pair: Pair | None,
        restorer: str,
        metric: Metric | None,
        measured: Measurement,
        count: int,
    ) -> Row:
        """Return a row; no ``pair`` means the whole set, no ``metric`` the time it took."""
        return Row(
            suite=self._suite,
            dataset=condition.dataset,
            recipe=condition.recipe,
            key=pair.key if pair else "",
            variant=pair.plan.variant if pair else 0,
            restorer=restorer,
            metric=metric.name if metric else SECONDS["name"],
            signature=metric.signature if metric else SECONDS["signature"],
            value=measured.value,
            status=measured.status.value,
            detail=" ".join(measured.detail.split()),
            n=count if measured.value is not None or not pair else 0,
        )
