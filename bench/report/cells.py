"""The one view of a leaderboard's cells that every writer reads: words, marks and sort keys.

Numbers and coverage are worded here, the same in Markdown, LaTeX, HTML and on the terminal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.metrics.distribution.distances import SMALL_SET
from bench.report.costs import COST_COLUMNS, CostColumn, costs_of
from bench.report.model import (
    Column,
    ColumnRank,
    Leaderboard,
    Report,
    RestorerScores,
    column_ranks,
)
from bench.report.significance import too_few
from bench.report.tables import count_range, interval_text, signed
from bench.runner.efficiency import Efficiency
from bench.stats.scores import Score
from bench.stats.significance import Grouping
from bench.store.record import SECONDS

NOTICE = (
    "Restored detail is invented: a restorer paints what a face could have looked like. "
    "A restored image is no evidence of who someone is."
)

LEGEND = (
    "Mean over the photographs, all degraded versions of one together, its 95 % bootstrap "
    "interval over photographs, the mean difference to input on the same images, and images with "
    "a value / images attempted. A set metric has one value and no interval. ∞ counts perfect "
    "images, which are outside the mean."
)

LETTERS_NOTE = (
    "Two restorers of a column that share a letter do not differ significantly: paired bootstrap "
    "over photographs, 5 % over the comparisons of a column (Holm)."
)

RANK_NOTE = "A rank is one more than the restorers that stand above and differ significantly."

_SIGNIFICANT = 4

_WARRANTED = 2
"""Digits of an uncertainty, as in the GUM (JCGM 100:2008, 7.2.6): one or two are enough."""

_NO_SPREAD = 1e-12
"""Equal values differ by no more when they are added in another order."""


@dataclass(frozen=True, slots=True)
class CellView:
    """One score as the writers show it; every text may be empty.

    ``mean`` is a dash without a value; ``verdict`` is ``better`` or ``worse`` when the difference's
    interval excludes zero; ``dagger``: the restorer was trained against its judge; ``rank`` has
    letters, and is None for an oracle and where nobody differ significantly.
    """

    mean: str
    interval: str = ""
    infinite: str = ""
    difference: str = ""
    verdict: str = ""
    coverage: str = ""
    full_coverage: bool = True
    best: bool = False
    dagger: bool = False
    rank: ColumnRank | None = None
    sort: float | None = None


@dataclass(frozen=True, slots=True)
class CostView:
    """One cost as the page shows it."""

    text: str
    sort: float | None


@dataclass(frozen=True, slots=True)
class Head:
    """One column; ``coverage`` where it is the same of every line, else the empty string."""

    column: Column
    coverage: str


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One restorer: a cell for each head, and a cost for each column of costs."""

    line: RestorerScores
    cells: tuple[CellView, ...]
    costs: tuple[CostView, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One leaderboard in words; ``heads`` are the columns in which anything has a value.

    ``timed`` is how many calls are behind the latencies, or from the fewest to the most; ``notes``
    say which columns have too few images for ranks.
    """

    table: Leaderboard
    heads: tuple[Head, ...]
    rows: tuple[BoardRow, ...]
    cost_columns: tuple[CostColumn, ...]
    timed: str
    lettered: bool
    notes: tuple[str, ...]

    @property
    def bodies(self) -> dict[str, list[BoardRow]]:
        """Rows that are sorted each for itself: ``baseline``, ``blind``, ``oracle``."""
        bodies: dict[str, list[BoardRow]] = {}
        for row in self.rows:
            bodies.setdefault(row.line.group, []).append(row)
        return bodies


def boards_of(report: Report, *, costs: bool = True) -> list[Board]:
    """Return the leaderboard of each table, with costs in place of the mean seconds if asked.

    Raises DatasetError where the costs in the run's record cannot be read.
    """
    known = {each.restorer: each for each in costs_of(report.run.record)} if costs else {}
    ranks = column_ranks(report.groups)
    boards = []
    for table in report.tables:
        timed = SECONDS["name"] if known else ""
        positions = [at for at in table.scored() if table.columns[at].name != timed]
        columns = [
            [
                _view(table, at, line, ranks.get(table.key(at), {}).get(line.restorer))
                for line in table.lines
            ]
            for at in positions
        ]
        rows = [
            BoardRow(line, tuple(column[number] for column in columns), _costs(line, known))
            for number, line in enumerate(table.lines)
        ]
        groups = [each for each in report.groups if (each.dataset, each.recipe) == table.condition]
        counts = (known[each.restorer].faces for each in table.lines if each.restorer in known)
        boards.append(
            Board(
                table=table,
                heads=tuple(
                    Head(table.columns[at], _shared_coverage(column))
                    for at, column in zip(positions, columns, strict=True)
                ),
                rows=tuple(rows),
                cost_columns=COST_COLUMNS if known else (),
                timed=count_range(counts),
                lettered=any(ranks.get(table.key(at)) for at in positions),
                notes=_notes(groups),
            )
        )
    return boards


def _view(
    table: Leaderboard, column: int, line: RestorerScores, rank: ColumnRank | None
) -> CellView:
    """Word one cell; the baseline has no difference to itself."""
    cell, is_quality = line.cells[column], table.columns[column].is_quality
    if cell is None:
        return CellView("…", dagger=line.daggers[column], rank=rank)
    digits = decimals(table, column)
    shows_difference = is_quality and not line.is_baseline and cell.difference.mean is not None
    return CellView(
        mean=signed(cell.mean.mean, digits, plus=False),
        interval=interval_text(cell.mean, digits, plus=False),
        infinite=f"+{cell.infinite} ∞" if cell.infinite else "",
        difference=signed(cell.difference.mean, digits) if shows_difference else "",
        verdict=_verdict(cell, table.columns[column]) if shows_difference else "",
        coverage=f"{cell.n + cell.infinite}/{cell.attempted}",
        full_coverage=cell.n + cell.infinite == cell.attempted,
        best=line.restorer in table.best(column),
        dagger=line.daggers[column],
        rank=rank,
        sort=cell.mean.mean,
    )


def _costs(line: RestorerScores, known: dict[str, Efficiency]) -> tuple[CostView, ...]:
    if not known:
        return ()
    own = known.get(line.restorer)
    values = [(column, None if own is None else column.value(own)) for column in COST_COLUMNS]
    return tuple(
        CostView("–" if value is None else column.brief(value), value) for column, value in values
    )


def _shared_coverage(cells: Sequence[CellView]) -> str:
    coverages = {cell.coverage for cell in cells}
    return coverages.pop() if len(coverages) == 1 else ""


def _notes(groups: Sequence[Grouping]) -> tuple[str, ...]:
    """Return what too few images leave open, columns of one reason together."""
    columns: dict[str, list[str]] = {}
    for each in groups:
        reason = too_few(each).removeprefix(f"{each.metric}: ")
        columns.setdefault(reason, []).append(each.metric)
    return tuple(f"{', '.join(names)}: {why}" for why, names in columns.items() if why)


def _verdict(cell: Score, column: Column) -> str:
    low, high = cell.difference.low, cell.difference.high
    if low is None or high is None or low <= 0 <= high:
        return ""
    return "better" if (low > 0) == column.higher_is_better else "worse"


def decimals(table: Leaderboard, column: int) -> int:
    """Return how many decimals a column is shown with, the same in all of its cells.

    Those of `most_decimals`, and fewer where they would say more than the intervals do: two
    digits of half the width of the narrowest, be it of a mean or of a difference.
    """
    spreads = [
        (each.high - each.low) / 2
        for cell in table.scores(column)
        for each in (cell.mean, cell.difference)
        if each.low is not None and each.high is not None and each.high - each.low > _NO_SPREAD
    ]
    most = most_decimals(table, column)
    if not spreads:
        return most
    return max(0, min(most, _WARRANTED - 1 - math.floor(math.log10(min(spreads)))))


def most_decimals(table: Leaderboard, column: int) -> int:
    """Return how many decimals show four digits of the largest mean of a column."""
    means = [abs(cell.mean.mean) for cell in table.scores(column) if cell.mean.mean]
    if not means:
        return 0
    return min(7, max(0, _SIGNIFICANT - 1 - math.floor(math.log10(max(means)))))


def table_notes(table: Leaderboard) -> list[str]:
    """Return a line for each metric that gave no value at all, and one for sets too small."""
    notes = []
    scored = table.scored()
    for position, column in enumerate(table.columns):
        statuses = sorted({s for cell in table.scores(position) for s in cell.statuses})
        if position not in scored and statuses:
            notes.append(f"{column.name}: no value ({', '.join(statuses).replace('_', ' ')})")
    small = [
        table.columns[at].name
        for at in scored
        if table.columns[at].entry.distance == "frechet"
        and any(0 < cell.n < SMALL_SET for cell in table.scores(at))
    ]
    if small:
        why = f"of fewer than {SMALL_SET:,} images: compare it only at equal n"
        notes.append(f"{', '.join(small)}: {why}")
    return notes
