"""Curves of a score over severity, and the mean restoration error in the manner of ImageNet-C.

Rows and gradings in, numbers out; it lays nothing out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import MetricEntry
from bench.stats.bootstrap import ColumnBootstrap, interval_of_draws
from bench.stats.scores import BASELINE, signatures
from bench.stats.severity.levels import Grading, Image, Level, gradings
from bench.stats.severity.results import Curve, ErrorLeft, MeanRestorationError, Point, Severity
from bench.store.images import ConditionKey, ImageKey, photographs
from bench.store.record import SECONDS, Run
from degrade.planner.plan import Plan

Matrix = NDArray[np.float64]


def analyse(
    run: Run, plans: Mapping[ConditionKey, Mapping[ImageKey, Plan]]
) -> tuple[Severity, ...]:
    """Return every metric of single images over every grading of a run; NotComparableError."""
    signatures(run.rows)
    values: dict[tuple[str, str, str], dict[tuple[str, ImageKey], float]] = {}
    for row in run.rows:
        if row.key and row.value is not None:
            index = values.setdefault((row.dataset, row.restorer, row.metric), {})
            index[row.recipe, (row.key, row.variant)] = row.value
    severities = []
    for grading in gradings(run.record["conditions"], plans):
        sheet = _Sheet(run, grading, plans, values)
        for metric in run.metrics.values():
            measured = any(
                (grading.dataset, name, metric.name) in values for name in sheet.restorers
            )
            if metric.kind == "pair" and metric.name != SECONDS["name"] and measured:
                severities.append(sheet.severity(metric))
    return tuple(severities)


class _Sheet:
    """A grading's photographs down and its levels across."""

    def __init__(
        self,
        run: Run,
        grading: Grading,
        plans: Mapping[ConditionKey, Mapping[ImageKey, Plan]],
        values: Mapping[tuple[str, str, str], Mapping[tuple[str, ImageKey], float]],
    ) -> None:
        self._grading, self._values = grading, values
        self.restorers = tuple(run.record["restorers"])
        recipes = {recipe for dataset, recipe in plans if dataset == grading.dataset}
        self._names = {
            (recipe, key): name
            for recipe in recipes
            for key, name in photographs(plans[grading.dataset, recipe]).items()
        }
        self._cells: list[Level] = [level for each in grading.degradations for level in each.levels]
        present = {self._names[image] for cell in self._cells for image in cell.images}
        self._order = {name: index for index, name in enumerate(sorted(present))}
        self._bootstrap = ColumnBootstrap(run.record["suite"]["seed"], len(self._order))

    def severity(self, metric: MetricEntry) -> Severity:
        """Return one metric over the grading."""
        error = error_of(metric)
        values = {name: self._finite(name, metric.name, metric.ceiling) for name in self.restorers}
        curves = [
            curve for name, known in values.items()
            for curve in self._curves(name, *self._table(known))
        ]  # fmt: skip
        base = values.get(BASELINE)
        standings = []
        if error is not None and base:
            for name, known in values.items():
                complete = [self._complete(span, known, base) for span in self._counted()]
                pair = [error(self._counting(complete, each)) for each in (known, base)]
                standings.append(self._restoration_error(name, pair[0], pair[1], complete))
        return Severity(
            self._grading, metric.name, metric.direction, metric.unit,
            tuple(curves), tuple(standings),
        )  # fmt: skip

    def _finite(self, restorer: str, metric: str, cap: float) -> dict[Image, float]:
        """Return a restorer's values that have a mean."""
        known = self._values.get((self._grading.dataset, restorer, metric), {})
        capped = {image: min(value, cap) for image, value in known.items()}
        return {image: value for image, value in capped.items() if math.isfinite(value)}

    def _table(self, known: Mapping[Image, float]) -> tuple[Matrix, NDArray[np.int64]]:
        """Return the mean over each photograph's images in each cell, and the images of a cell."""
        return self._means([[i for i in cell.images if i in known] for cell in self._cells], known)

    def _means(
        self, images: Sequence[Iterable[Image]], known: Mapping[Image, float]
    ) -> tuple[Matrix, NDArray[np.int64]]:
        sums = np.zeros((len(self._order), len(self._cells)))
        counts = np.zeros_like(sums)
        for column, chosen in enumerate(images):
            for image in chosen:
                row = self._order[self._names[image]]
                sums[row, column] += known[image]
                counts[row, column] += 1
        with np.errstate(invalid="ignore"):
            return sums / counts, counts.sum(axis=0).astype(np.int64)

    def _complete(
        self, span: slice, known: Mapping[Image, float], base: Mapping[Image, float]
    ) -> list[list[Image]]:
        """Return the images of each counted level that both have, of unbroken photographs alone.

        A photograph of which the restorer lacks a value that the input has is left out of the
        degradation: the levels that are left would be the mild ones, and the share flattered.
        """
        cells = [[i for i in cell.images if i in base] for cell in self._cells[span]]
        broken = {self._names[i] for cell in cells for i in cell if i not in known}
        return [[i for i in cell if self._names[i] not in broken] for cell in cells]

    def _counting(
        self, complete: Sequence[Sequence[list[Image]]], known: Mapping[Image, float]
    ) -> Matrix:
        """Return the table of the kept images; NaN in the columns that do not count."""
        images: list[list[Image]] = [[] for _ in self._cells]
        for span, cells in zip(self._counted(), complete, strict=True):
            images[span] = cells
        return self._means(images, known)[0]

    def _curves(self, restorer: str, table: Matrix, counts: NDArray[np.int64]) -> Sequence[Curve]:
        means, draws = self._bootstrap.means(table)
        curves, column = [], 0
        for each in self._grading.degradations:
            points = []
            for level in each.levels:
                spread = interval_of_draws(
                    means[column], draws[:, column], int(np.isfinite(table[:, column]).sum())
                )
                points.append(Point(level.number, level.title, spread, int(counts[column])))
                column += 1
            curves.append(Curve(restorer, each.name, each.family, tuple(points)))
        return curves

    def _restoration_error(
        self, restorer: str, errors: Matrix, base: Matrix, complete: Sequence[Sequence[list[Image]]]
    ) -> MeanRestorationError:
        means, draws = self._bootstrap.means(errors)
        base_means, base_draws = self._bootstrap.means(base)
        ratio, ratios = self._ratios(means[None], base_means[None]), self._ratios(draws, base_draws)
        spans, kinds = self._counted(), self._grading.degradations
        counts = [int(np.isfinite(errors[:, span]).any(axis=1).sum()) for span in spans]
        absent = [not all(cells) for cells in complete]
        by_family: dict[str, list[int]] = {}
        for index, each in enumerate(kinds):
            by_family.setdefault(each.family, []).append(index)

        def left(chosen: Sequence[int]) -> ErrorLeft:
            least = min(counts[index] for index in chosen)
            known = not any(absent[index] for index in chosen)
            mean = float(_mean(ratio[:, chosen])[0]) if known else math.nan
            counted = {image for index in chosen for cell in complete[index] for image in cell}
            attempted = {
                i for index in chosen for cell in self._cells[spans[index]] for i in cell.images
            }
            share = interval_of_draws(mean, _mean(ratios[:, chosen]), least)
            return ErrorLeft(share, least, len(counted), len(attempted))

        mean = left(range(len(kinds)))
        families = {family: left(chosen) for family, chosen in by_family.items()}
        known = restorer != BASELINE and mean.share.mean is not None
        return MeanRestorationError(
            restorer,
            mean,
            {each.name: left([index]) for index, each in enumerate(kinds)},
            families,
            _worst(families) if known else "",
        )

    def _counted(self) -> list[slice]:
        """Return the columns of each degradation whose errors are summed.

        Drawn degradations come mixed, several in an image, and are the same images in all; of
        those only the severe third counts, which is another one for each.
        """
        spans, stop = [], 0
        for each in self._grading.degradations:
            stop += len(each.levels)
            spans.append(slice(stop - (len(each.levels) if self._grading.stated else 1), stop))
        return spans

    def _ratios(self, errors: Matrix, base: Matrix) -> Matrix:
        """Return each degradation's error over the input's, both summed over its levels.

        NaN where a level has no photograph, or the input no error.
        """
        columns = []
        for span in self._counted():
            with np.errstate(invalid="ignore", divide="ignore"):
                ratio = errors[:, span].sum(axis=1) / base[:, span].sum(axis=1)
            columns.append(np.where(np.isfinite(ratio), ratio, np.nan))
        return np.stack(columns, axis=1)


def error_of(metric: MetricEntry) -> Callable[[Matrix], Matrix] | None:
    """Return how a metric's values become errors, elementwise; None without a perfect value.

    PSNR becomes the root mean square error as a share of white, ``10 ** (-dB / 20)``, whose
    mean no single perfect image can carry away; a similarity of at most 1 (SSIM, a cosine)
    becomes its distance from 1; a distance from HQ, or an angle, stands as it is.
    """
    scales: dict[str, Callable[[Matrix], Matrix]] = {
        "rmse": lambda values: np.asarray(10.0 ** (-values / 20.0), np.float64),
        "one_minus": lambda values: np.asarray(1.0 - values, np.float64),
        "value": lambda values: values,
    }
    return scales.get(metric.error)


def _worst(families: Mapping[str, ErrorLeft]) -> str:
    """Return the family with the most error left, of those that two photographs tell of."""
    known = {
        name: each.share.mean
        for name, each in families.items()
        if each.share.mean is not None and each.photographs > 1
    }
    return max(known, key=lambda name: known[name]) if len(set(known.values())) > 1 else ""


def _mean(table: Matrix) -> Matrix:
    """Return the mean of each row over what is no NaN; NaN where nothing is."""
    known = np.isfinite(table)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, table, 0.0).sum(axis=1) / known.sum(axis=1), np.float64)
