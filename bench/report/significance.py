"""Tables of significance letters and of win rates."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bench.report.tables import TextTable, count_range
from bench.stats.comparison import SIGNIFICANT
from bench.stats.resampling import DRAWS, smallest_p
from bench.stats.significance import Grouping, WinRate
from bench.store.images import ConditionKey

_NOTE = (
    "Two restorers that share a letter do not differ significantly: paired bootstrap over "
    "photographs, 5 % over the comparisons of a column (Holm). a is the group of the best mean "
    "over the images that all have; – has no value."
)

WIN_NOTE = (
    "On how many photographs the restored image is better than the input, and than that of the "
    "best mean of the column, ties counting half: 50 % is a coin's toss. n is photographs."
)

_MANY = 1000
"""Images with which the draws alone bound p."""


def groups_text(groups: Sequence[Grouping]) -> str:
    """Return aligned columns for a terminal."""
    tables = [f"{table.terminal()}\n" for table in _letter_tables(groups, ", significance letters")]
    return "\n".join([*tables, _NOTE, ""])


def groups_markdown(groups: Sequence[Grouping]) -> str:
    """Return a section of Markdown, or the empty string."""
    if not groups:
        return ""
    left = range(2 + len(groups))  # letters
    tables = (part for table in _letter_tables(groups, left=left) for part in table.markdown())
    return "\n\n".join(["## Significance letters", *tables, _NOTE])


def _letter_tables(
    groups: Sequence[Grouping], ending: str = "", left: Collection[int] = (0,)
) -> list[TextTable]:
    """Return letters by restorer and metric for each condition; n stands in the head."""
    conditions: dict[ConditionKey, list[Grouping]] = {}
    for each in groups:
        conditions.setdefault((each.dataset, each.recipe), []).append(each)
    tables = []
    for (dataset, recipe), columns in conditions.items():
        notes = [note for each in columns if (note := too_few(each))]
        columns = [each for each in columns if each.letters]
        names = dict.fromkeys(
            name for each in columns for name in (*each.letters, *each.without_value)
        )
        header = ["", *(f"{each.metric} (n {_count(each)})" for each in columns)]
        rows = [[name, *(each.letters.get(name, "–") for each in columns)] for name in names]
        title = f"{dataset} × {recipe}{ending}"
        tables.append(TextTable(title, header, rows if columns else [], notes, left))
    return tables


def _count(each: Grouping) -> str:
    return count_range((each.photographs, each.most_photographs))


def too_few(each: Grouping) -> str:
    """Say which comparisons of a column could tell nothing whatever its values, or nothing."""
    if not each.beyond_telling:
        return ""
    pairs = f"{each.pairs} pair{'s' if each.pairs > 1 else ''}"
    if smallest_p(_MANY, each.pairs) > SIGNIFICANT:
        return f"{each.metric}: {pairs} are too many to tell apart with {DRAWS:,} draws."
    needed = next(n for n in itertools.count(2) if smallest_p(n, each.pairs) <= SIGNIFICANT)
    some = f"{each.beyond_telling} of " if each.beyond_telling < each.pairs else ""
    return (
        f"{each.metric}: too few photographs to tell {some}{pairs} apart "
        f"(n {_count(each)}; {needed} can)."
    )


@dataclass(frozen=True, slots=True)
class WinTable:
    """The win rates of one condition, under ``(metric, against, photographs)`` columns.

    A row is a restorer and its cells: ``87 %``, and a dash where it is not compared.
    """

    title: str
    columns: tuple[tuple[str, str, str], ...]
    rows: tuple[tuple[str, ...], ...]


def win_tables(wins: Sequence[WinRate]) -> dict[ConditionKey, WinTable]:
    """Return the win rates of each condition in which two restorers share an image."""
    conditions: dict[ConditionKey, list[WinRate]] = {}
    for each in wins:
        if each.wins is not None:
            conditions.setdefault((each.dataset, each.recipe), []).append(each)
    return {key: _win_table(key, rates) for key, rates in conditions.items()}


def _win_table(condition: ConditionKey, rates: Sequence[WinRate]) -> WinTable:
    columns: dict[tuple[str, str], dict[str, WinRate]] = {}
    for each in rates:
        columns.setdefault((each.metric, each.against), {})[each.restorer] = each
    names = dict.fromkeys(each.restorer for each in rates)
    return WinTable(
        " × ".join(condition),
        tuple(
            (*key, count_range(each.photographs for each in own.values()))
            for key, own in columns.items()
        ),
        tuple((name, *(_share(own.get(name)) for own in columns.values())) for name in names),
    )


def _share(rate: WinRate | None) -> str:
    return "–" if rate is None or rate.wins is None else f"{100 * rate.wins:.0f} %"


def win_rates_markdown(wins: Sequence[WinRate]) -> str:
    """Return a section of Markdown, or the empty string."""
    parts = []
    for table in win_tables(wins).values():
        heads = [f"{metric} over {against} (n {n})" for metric, against, n in table.columns]
        parts += TextTable(table.title, ["", *heads], table.rows).markdown()
    return "\n\n".join(["## Win rates", *parts, WIN_NOTE]) if parts else ""
