"""The one model behind every report: tables of scores, what has no value, and what was used.

Built from a run folder alone; CSV, Markdown, HTML and the terminal only lay it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.report.gaps import Gap, gaps_of
from bench.report.places import PlaceKey
from bench.report.win_rates import WinRate, win_rates
from bench.stats.compatibility import refuse_mixed_signatures
from bench.stats.scores import BASELINE, Score, ScoreKey, score
from bench.stats.severity import Severity, analyse
from bench.stats.significance import Grouping, significance_groups
from bench.store.photographs import ImageKey
from bench.store.plans import Where, read_plans
from bench.store.record import SECONDS, Run
from degrade.planner.plan import Plan

__all__ = ["Column", "Line", "Report", "Table", "build_report"]


@dataclass(frozen=True, slots=True)
class Column:
    """One metric: its name, direction, unit, signature, source and the network that judges."""

    name: str
    higher_is_better: bool
    unit: str
    signature: str
    source: str
    judge: str

    @property
    def is_quality(self) -> bool:
        """Whether it judges images; the time a restorer takes is no contest with doing nothing."""
        return self.name != SECONDS["name"]

    @property
    def arrow(self) -> str:
        """Which way is better, as a sign."""
        return "↑" if self.higher_is_better else "↓"


@dataclass(frozen=True, slots=True)
class Line:
    """One restorer's scores under one condition, one cell for each column.

    Attributes
    ----------
    restorer
        Its name.
    card
        Its card as a record.
    cells
        A score for each column; None while the run has not got there.
    daggers
        Whether the judge of the column is a network that the restorer was trained against.
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
        """Whether it was told how each image had been degraded."""
        return not self.card["blind"]


@dataclass(frozen=True, slots=True)
class Table:
    """The leaderboard of one condition.

    ``lines`` has the baseline first, then the blind restorers, then the oracles.
    """

    dataset: str
    recipe: str
    images: int
    photographs: int
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]

    @property
    def place(self) -> tuple[str, str]:
        """Data set and recipe as they are named everywhere."""
        return self.dataset, self.recipe

    @property
    def title(self) -> str:
        """Data set and recipe."""
        return f"{self.dataset} × {self.recipe}"

    def key(self, column: int) -> PlaceKey:
        """Return what names a column among those of all tables."""
        return self.dataset, self.recipe, self.columns[column].name

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
            if any(cell and (cell.n or cell.infinite) for cell in self._column(position))
        )

    def _column(self, position: int) -> list[Score | None]:
        return [line.cells[position] for line in self.lines]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a report shows.

    Attributes
    ----------
    run
        The run itself; its record holds the manifest.
    tables
        One for each condition.
    gaps
        Why values are missing, the most serious first.
    plans
        How each image was degraded; empty for a run that is not finished.
    severity
        Every metric over the strength of the degradations; empty without plans.
    groups
        Which restorers of a column can be told apart; empty for a run that is not finished.
    wins
        On how many photographs each beats the input, and the best; empty likewise.
    """

    run: Run
    tables: tuple[Table, ...]
    gaps: tuple[Gap, ...]
    plans: Mapping[Where, Mapping[ImageKey, Plan]]
    severity: tuple[Severity, ...]
    groups: tuple[Grouping, ...] = ()
    wins: tuple[WinRate, ...] = ()


def build_report(run: Run) -> Report:
    """Score a run's rows and arrange them.

    Raises
    ------
    NotComparableError
        A metric was computed in two ways.
    DatasetError
        The run's plans cannot be read.
    """
    refuse_mixed_signatures(run)
    scores = score(run.rows, seed=run.record["suite"]["seed"])
    columns = tuple(
        Column(
            name=facts["name"],
            higher_is_better=facts["direction"] == "higher",
            unit=facts["unit"],
            signature=facts["signature"],
            source=facts["source"],
            judge=facts["judge"],
        )
        for facts in run.record["metrics"].values()
    )
    tables = tuple(_table(run, each, columns, scores) for each in run.record["conditions"])
    plans = read_plans(run.folder)
    groups = tuple(significance_groups(run)) if run.complete else ()
    wins = tuple(win_rates(run, _best(tables))) if run.complete else ()
    return Report(run, tables, gaps_of(run.rows), plans, analyse(run, plans), groups, wins)


def _best(tables: Sequence[Table]) -> dict[PlaceKey, list[str]]:
    every = ((table, at) for table in tables for at in range(len(table.columns)))
    return {table.key(at): sorted(table.best(at)) for table, at in every}


def _table(
    run: Run,
    condition: Mapping[str, Any],
    columns: tuple[Column, ...],
    scores: Mapping[ScoreKey, Score],
) -> Table:
    place = condition["dataset"], condition["recipe"]
    lines = [
        Line(
            restorer=name,
            card=card,
            cells=tuple(scores.get((*place, name, column.name)) for column in columns),
            daggers=tuple(column.judge in card["loss_networks"] for column in columns),
        )
        for name, card in run.record["restorers"].items()
    ]
    lines.sort(key=lambda line: (line.is_oracle, not line.is_baseline))
    images = condition["images"]
    return Table(*place, images, condition.get("photographs", images), columns, tuple(lines))
