"""Win rates as text: a table for each condition, of Markdown or of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.report.plain import escape
from bench.report.win_rates import WinRate

__all__ = ["WIN_NOTE", "WinTable", "win_rates_markdown", "win_tables"]

WIN_NOTE = (
    "On how many photographs the restored image is better than the input, and than that of the "
    "best mean of the column, ties counting half: 50 % is a coin's toss. n is photographs."
)


@dataclass(frozen=True, slots=True)
class WinTable:
    """The win rates of one condition.

    Attributes
    ----------
    dataset, recipe
        Which.
    columns
        ``(metric, against, photographs)``.
    rows
        Restorer, and a cell for each column: ``87 %``, and a dash where it is not compared.
    """

    dataset: str
    recipe: str
    columns: tuple[tuple[str, str, str], ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def win_tables(wins: Sequence[WinRate]) -> list[WinTable]:
    """Return a table for each condition in which two restorers share a photograph."""
    conditions: dict[tuple[str, str], list[WinRate]] = {}
    for each in wins:
        if each.wins is not None:
            conditions.setdefault((each.dataset, each.recipe), []).append(each)
    return [_table(*place, rates) for place, rates in conditions.items()]


def win_rates_markdown(wins: Sequence[WinRate]) -> str:
    """Return a section of Markdown, or the empty string."""
    parts = []
    for table in win_tables(wins):
        heads = [f"{metric} over {against} (n {n})" for metric, against, n in table.columns]
        lines = [["", *heads], *([name, *cells] for name, cells in table.rows)]
        texts = [[escape(cell) for cell in line] for line in lines]
        texts.insert(1, ["---", *("---:" for _ in heads)])
        parts.append(f"**{escape(f'{table.dataset} × {table.recipe}')}**")
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in texts))
    return "\n\n".join(["## Win rates", *parts, WIN_NOTE]) if parts else ""


def _table(dataset: str, recipe: str, rates: Sequence[WinRate]) -> WinTable:
    columns = tuple(dict.fromkeys((each.metric, each.against) for each in rates))
    cells = {(each.metric, each.against, each.restorer): each for each in rates}
    names = tuple(dict.fromkeys(each.restorer for each in rates))
    return WinTable(
        dataset,
        recipe,
        tuple((*column, _count(rates, *column)) for column in columns),
        tuple((name, tuple(_text(cells.get((*c, name))) for c in columns)) for name in names),
    )


def _text(rate: WinRate | None) -> str:
    return "–" if rate is None or rate.wins is None else f"{100 * rate.wins:.0f} %"


def _count(rates: Sequence[WinRate], metric: str, against: str) -> str:
    found = [each.photographs for each in rates if (each.metric, each.against) == (metric, against)]
    few, most = min(found), max(found)
    return f"{few}" if few == most else f"{few} to {most}"
