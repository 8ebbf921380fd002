"""The leaderboard as CSV: every cell of every table in long form, the same bytes for equal rows."""

from __future__ import annotations

from bench.report.model import Line, Report, Table
from bench.stats.scores import Score
from bench.store.csv_text import Cell, csv_text, format_number

__all__ = ["leaderboard_csv"]

_HEADER = (
    "suite", "dataset", "recipe", "restorer", "kind", "blind", "metric", "direction", "unit",
    "signature", "judged_by_training_network", "mean", "low", "high", "n", "infinite", "attempted",
    "coverage", "difference", "difference_low", "difference_high", "difference_n",
    "difference_infinite", "statuses",
)  # fmt: skip

# The last digits of a mean of resamples depend on how a CPU adds; these do not.
_DIGITS = 9


def leaderboard_csv(report: Report) -> str:
    """Return CSV text, one line for each condition, restorer and metric.

    ``low`` and ``high`` bound the 95 % bootstrap interval of ``mean``; ``difference`` is
    against the baseline on the same images; ``coverage`` is ``(n + infinite) / attempted``;
    ``statuses`` reads ``ok 7; no_face 1``. No value is an empty cell.
    """
    return csv_text(
        _HEADER,
        (
            _cells(report.run.suite, table, line, position, cell)
            for table in report.tables
            for line in table.lines
            for position, cell in enumerate(line.cells)
            if cell is not None
        ),
    )


def _cells(suite: str, table: Table, line: Line, position: int, cell: Score) -> list[Cell]:
    column = table.columns[position]
    return [
        suite,
        table.dataset,
        table.recipe,
        line.restorer,
        str(line.card["kind"]),
        not line.is_oracle,
        column.name,
        "higher" if column.higher_is_better else "lower",
        column.unit,
        column.signature,
        line.daggers[position],
        _number(cell.mean.mean),
        _number(cell.mean.low),
        _number(cell.mean.high),
        cell.n,
        cell.infinite,
        cell.attempted,
        _number(cell.coverage),
        _number(cell.difference.mean),
        _number(cell.difference.low),
        _number(cell.difference.high),
        cell.difference_n,
        cell.difference_infinite,
        "; ".join(f"{status} {count}" for status, count in cell.statuses.items()),
    ]


def _number(value: float | None) -> float | None:
    return None if value is None else float(format_number(value, _DIGITS))
