"""Curves of a score over severity, and the mean restoration error in the manner of ImageNet-C.

Rows and gradings in, numbers out; it lays nothing out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.pairing import CAPS
from bench.photographs import ImageKey, photographs
from bench.plans import Where
from bench.record import SECONDS, Run
from bench.scores import BASELINE, signatures
from bench.severity.errors import error_of
from bench.severity.levels import Grading, Level, gradings
from bench.severity.resampled import Resampled, interval
from bench.severity.results import Curve, ErrorLeft, Point, Severity, Standing
from degrade.planning import Plan

__all__ = ["analyse"]

Matrix = NDArray[np.float64]


def analyse(run: Run, plans: Mapping[Where, Mapping[ImageKey, Plan]]) -> tuple[Severity, ...]:
    """Return every metric of single images over every grading of a run.

    Parameters
    ----------
    run
        From `bench.record.load_run`.
    plans
        From `bench.plans.read_plans`.

    Raises
    ------
    NotComparableError
        A metric was computed in two ways.
    """
    signatures(run.rows)
    values: dict[tuple[str, str, str], dict[tuple[str, ImageKey], float]] = {}
    for row in run.rows:
        if row.key and row.value is not None:
            place = values.setdefault((row.dataset, row.restorer, row.metric), {})
            place[row.recipe, (row.key, row.variant)] = row.value
    found = []
    for grading in gradings(run.record["conditions"], plans):
        sheet = _Sheet(run, grading, plans, values)
        for facts in run.record["metrics"].values():
            measured = any(
                (grading.dataset, name, facts["name"]) in values for name in sheet.restorers
            )
            if facts["kind"] == "pair" and facts["name"] != SECONDS["name"] and measured:
                found.append(sheet.severity(facts))
    return tuple(found)


class _Sheet:
    """A grading's photographs down and its levels across."""

    def __init__(
        self,
        run: Run,
        grading: Grading,
        plans: Mapping[Where, Mapping[ImageKey, Plan]],
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
        self._order = {name: place for place, name in enumerate(sorted(present))}
        self._resampled = Resampled(run.record["suite"]["seed"], len(self._order))

    def severity(self, facts: Mapping[str, Any]) -> Severity:
        """Return one metric over the grading."""
        cap = CAPS.get(facts["unit"], math.inf)
        error = error_of(facts)
        tables = {name: self._table(name, facts["name"], cap) for name in self.restorers}
        curves = [
            curve for name, (table, counts) in tables.items()
            for curve in self._curves(name, table, counts)
        ]  # fmt: skip
        base = tables.get(BASELINE)
        standings = []
        if error is not None and base is not None:
            for name, (table, _) in tables.items():
                both = self._comparable(table, base[0])
                pair = [np.where(both, error(each), np.nan) for each in (table, base[0])]
                if both.any():
                    standings.append(self._standing(name, pair[0], pair[1]))
        return Severity(
            self._grading, facts["name"], facts["direction"], facts["unit"],
            tuple(curves), tuple(standings),
        )  # fmt: skip

    def _comparable(self, table: Matrix, base: Matrix) -> NDArray[np.bool_]:
        """Return which cells of a restorer and the input are summed.

        A photograph that the restorer lost at one severity counts at none of that degradation:
        a sum over the mild ones would stand beside others' sums over all.
        """
        both = np.isfinite(table) & np.isfinite(base)
        for span in self._counted():
            lost = (np.isfinite(base[:, span]) & ~both[:, span]).any(axis=1)
            both[lost, span] = False
        return np.asarray(both)

    def _table(self, restorer: str, metric: str, cap: float) -> tuple[Matrix, NDArray[np.int64]]:
        """Return the mean over each photograph's images in each cell, and the images of a cell."""
        known = self._values.get((self._grading.dataset, restorer, metric), {})
        sums = np.zeros((len(self._order), len(self._cells)))
        counts = np.zeros_like(sums)
        for column, cell in enumerate(self._cells):
            for image in cell.images:
                value = known.get(image)
                if value is not None and value > -math.inf:
                    row = self._order[self._names[image]]
                    sums[row, column] += min(value, cap)
                    counts[row, column] += 1
        with np.errstate(invalid="ignore"):
            table = np.where(np.isfinite(sums), sums / counts, np.nan)
        return table, counts.sum(axis=0).astype(np.int64)

    def _curves(self, restorer: str, table: Matrix, counts: NDArray[np.int64]) -> Sequence[Curve]:
        means, draws = self._resampled.means(table)
        curves, column = [], 0
        for each in self._grading.degradations:
            points = []
            for level in each.levels:
                spread = interval(
                    means[column], draws[:, column], int(np.isfinite(table[:, column]).sum())
                )
                points.append(Point(level.number, level.title, spread, int(counts[column])))
                column += 1
            curves.append(Curve(restorer, each.name, each.family, tuple(points)))
        return curves

    def _standing(self, restorer: str, errors: Matrix, base: Matrix) -> Standing:
        means, draws = self._resampled.means(errors)
        base_means, base_draws = self._resampled.means(base)
        ratio, ratios = self._ratios(means[None], base_means[None]), self._ratios(draws, base_draws)
        counts = [int(np.isfinite(errors[:, span]).any(axis=1).sum()) for span in self._counted()]
        kinds = self._grading.degradations
        places: dict[str, list[int]] = {}
        for place, each in enumerate(kinds):
            places.setdefault(each.family, []).append(place)

        def left(chosen: Sequence[int]) -> ErrorLeft:
            least = min((counts[place] for place in chosen if counts[place]), default=0)
            mean = float(_mean(ratio[:, chosen])[0])
            return ErrorLeft(interval(mean, _mean(ratios[:, chosen]), least), least)

        families = {family: left(chosen) for family, chosen in places.items()}
        return Standing(
            restorer,
            left(range(len(kinds))),
            {each.name: left([place]) for place, each in enumerate(kinds)},
            families,
            "" if restorer == BASELINE else _worst(families),
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
        """Return each degradation's error over the input's, both summed over its levels."""
        columns = []
        for span in self._counted():
            with np.errstate(invalid="ignore", divide="ignore"):
                ratio = np.nansum(errors[:, span], axis=1) / np.nansum(base[:, span], axis=1)
            columns.append(np.where(np.isfinite(ratio), ratio, np.nan))
        return np.stack(columns, axis=1)


def _worst(families: Mapping[str, ErrorLeft]) -> str:
    """Return the family with the most error left, of those that two photographs tell of."""
    told = {
        name: each.share.mean
        for name, each in families.items()
        if each.share.mean is not None and each.photographs > 1
    }
    return max(told, key=lambda name: told[name]) if len(set(told.values())) > 1 else ""


def _mean(table: Matrix) -> Matrix:
    """Return the mean of each row over what is no NaN; NaN where nothing is."""
    known = np.isfinite(table)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, table, 0.0).sum(axis=1) / known.sum(axis=1), np.float64)
