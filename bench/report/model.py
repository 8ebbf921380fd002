"""The one model behind every report: tables of scores, what has no value, and what was used.

Built from a run folder alone; the writers only lay it out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.metrics.entry import MetricEntry, Status
from bench.stats.compatibility import refuse_mixed_signatures
from bench.stats.scores import BASELINE, ColumnKey, Score, ScoreKey, score
from bench.stats.severity import Severity, analyse
from bench.stats.significance import Grouping, WinRate, significance_groups, win_rates
from bench.store.images import ConditionKey, ImageKey
from bench.store.plans import read_plans
from bench.store.record import SECONDS, Run
from bench.store.rows import ScoreRow
from degrade.planner.plan import Plan


@dataclass(frozen=True, slots=True)
class Column:
    """One metric, as all writers show it."""

    entry: MetricEntry

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.entry.name

    @property
    def higher_is_better(self) -> bool:
        """Which way is better."""
        return self.entry.direction == "higher"

    @property
    def arrow(self) -> str:
        """Which way is better, as a sign."""
        return "↑" if self.higher_is_better else "↓"

    @property
    def heading(self) -> str:
        """Name, unit and arrow."""
        return " ".join(filter(None, (self.name, self.entry.unit, self.arrow)))

    @property
    def is_quality(self) -> bool:
        """Whether it judges images; the time a restorer takes is no contest with doing nothing."""
        return self.name != SECONDS["name"]


@dataclass(frozen=True, slots=True)
class RestorerScores:
    """One restorer's scores under one condition, a cell for each column; None before it is there.

    Daggers say whether the judge of the column is a network that the restorer was trained against.
    """

    restorer: str
    card: Mapping[str, Any]
    cells: tuple[Score | None, ...]
    daggers: tuple[bool, ...]

    @property
    def is_baseline(self) -> bool:
        """Whether this is the restorer that does nothing."""
        return self.restorer == BASELINE

    @property
    def is_oracle(self) -> bool:
        """Whether it is non-blind: given how each image was degraded."""
        return not self.card["blind"]

    @property
    def label(self) -> str:
        """The name, marked where it is an oracle."""
        return f"{self.restorer} (oracle)" if self.is_oracle else self.restorer

    @property
    def group(self) -> str:
        """``baseline``, ``blind`` or ``oracle``: those that compete with each other."""
        return "oracle" if self.is_oracle else "baseline" if self.is_baseline else "blind"


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The leaderboard of one condition.

    ``lines`` has the baseline first, then the blind restorers, then the oracles.
    """

    dataset: str
    recipe: str
    images: int
    photographs: int
    columns: tuple[Column, ...]
    lines: tuple[RestorerScores, ...]

    @property
    def condition(self) -> ConditionKey:
        """Data set and recipe."""
        return self.dataset, self.recipe

    @property
    def title(self) -> str:
        """Data set and recipe as text."""
        return f"{self.dataset} × {self.recipe}"

    @property
    def count(self) -> str:
        """How many images, and of how many originals."""
        if self.photographs == self.images:
            return f"{self.images} images"
        return f"{self.images} images, degraded versions of {self.photographs} photographs"

    def key(self, column: int) -> ColumnKey:
        """Return what names a column among those of all tables."""
        return self.dataset, self.recipe, self.columns[column].name

    def scores(self, column: int) -> list[Score]:
        """Return the scores that are there of a column."""
        return [cell for line in self.lines if (cell := line.cells[column]) is not None]

    def best(self, column: int) -> frozenset[str]:
        """Return the blind restorers whose mean is the best of a column, ties included.

        Nobody is best where all are equal or on a single image, and the time taken is no contest.
        """
        means = {
            line.restorer: cell.mean.mean
            for line in self.lines
            if not line.is_oracle
            and (cell := line.cells[column]) is not None
            and cell.n > 1
            and cell.mean.mean is not None
        }
        if len(set(means.values())) < 2 or not self.columns[column].is_quality:
            return frozenset()
        pick = max if self.columns[column].higher_is_better else min
        return frozenset(name for name, mean in means.items() if mean == pick(means.values()))

    def scored(self) -> tuple[int, ...]:
        """Return the positions of the columns in which anything has a value."""
        return tuple(
            position
            for position in range(len(self.columns))
            if any(cell.n or cell.infinite for cell in self.scores(position))
        )


@dataclass(frozen=True, slots=True)
class MissingValues:
    """Rows without a value that share a reason; ``images`` names them, each once."""

    status: str
    metric: str
    restorers: tuple[str, ...]
    conditions: tuple[str, ...]
    count: int
    detail: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnRank:
    """One restorer's rank and letters in one column, see `bench.stats.significance.Grouping`.

    The rank is one more than the restorers that stand above it and differ significantly from it, so
    those that do not differ significantly from the best share the first rank.
    """

    rank: int
    letters: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a report shows; a table for each condition.

    ``gaps`` says why values are missing, the most serious first. ``plans``, ``severity``,
    ``groups`` and ``wins`` are empty for a run that is not finished.
    """

    run: Run
    tables: tuple[Leaderboard, ...]
    gaps: tuple[MissingValues, ...]
    plans: Mapping[ConditionKey, Mapping[ImageKey, Plan]]
    severity: tuple[Severity, ...]
    groups: tuple[Grouping, ...] = ()
    wins: tuple[WinRate, ...] = ()

    @property
    def signatures(self) -> dict[str, str]:
        """Signature of each metric that has a value anywhere."""
        return {
            table.columns[at].name: table.columns[at].entry.signature
            for table in self.tables
            for at in table.scored()
        }

    @property
    def has_references(self) -> bool:
        """Whether the images have HQ; those that nobody degraded have none."""
        return bool(self.run.record["suite"].get("truths", True))


def build_report(run: Run) -> Report:
    """Score a run's rows and arrange them.

    Raises NotComparableError for a metric computed in two ways, DatasetError for unreadable plans.
    """
    refuse_mixed_signatures(run)
    scores = score(run.rows, seed=run.record["suite"]["seed"])
    columns = tuple(map(Column, run.metrics.values()))
    tables = tuple(_leaderboard(run, each, columns, scores) for each in run.record["conditions"])
    plans = read_plans(run.folder)
    groups = tuple(significance_groups(run)) if run.complete else ()
    best = {t.key(at): sorted(t.best(at)) for t in tables for at in range(len(columns))}
    wins = tuple(win_rates(run, best)) if run.complete else ()
    return Report(run, tables, missing_values(run.rows), plans, analyse(run, plans), groups, wins)


def _leaderboard(
    run: Run,
    condition: Mapping[str, Any],
    columns: tuple[Column, ...],
    scores: Mapping[ScoreKey, Score],
) -> Leaderboard:
    key = condition["dataset"], condition["recipe"]
    lines = [
        RestorerScores(
            restorer=name,
            card=card,
            cells=tuple(scores.get((*key, name, column.name)) for column in columns),
            daggers=tuple(column.entry.judge in card["loss_networks"] for column in columns),
        )
        for name, card in run.record["restorers"].items()
    ]
    lines.sort(key=lambda line: (line.is_oracle, not line.is_baseline))
    images = condition["images"]
    return Leaderboard(*key, images, condition.get("photographs", images), columns, tuple(lines))


def missing_values(rows: Sequence[ScoreRow]) -> tuple[MissingValues, ...]:
    """Return why values are missing: rows that share a reason together, errors first."""
    groups: dict[tuple[str, str, str], list[ScoreRow]] = {}
    for row in rows:
        if row.status != Status.OK:
            groups.setdefault((row.status, row.metric, row.detail), []).append(row)
    order = [Status.ERROR, *(status for status in Status if status is not Status.ERROR)]
    return tuple(
        MissingValues(
            status=status,
            metric=metric,
            restorers=tuple(dict.fromkeys(row.restorer for row in group)),
            conditions=tuple(dict.fromkeys(f"{row.dataset} × {row.recipe}" for row in group)),
            count=len(group),
            detail=detail,
            images=tuple(dict.fromkeys(row.key for row in group if row.key)),
        )
        for (status, metric, detail), group in sorted(
            groups.items(), key=lambda item: order.index(Status(item[0][0]))
        )
    )


def column_ranks(groups: Sequence[Grouping]) -> dict[ColumnKey, Mapping[str, ColumnRank]]:
    """Return restorer to rank for each column; a column without letters has no ranks."""
    return {(each.dataset, each.recipe, each.metric): _ranks(each.letters) for each in groups}


def _ranks(letters: Mapping[str, str]) -> dict[str, ColumnRank]:
    """Return the ranks of restorers that are listed with the best mean first."""
    groups = {name: frozenset(re.findall(r"[a-z]\d*", own)) for name, own in letters.items()}
    ranks: dict[str, ColumnRank] = {}
    above: list[frozenset[str]] = []
    for name, own in groups.items():
        ranks[name] = ColumnRank(1 + sum(not own & other for other in above), letters[name])
        above.append(own)
    return ranks
