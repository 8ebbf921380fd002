"""Which restorers can be told apart, as text: a table of letters for each condition."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from bench.gate.checks import smallest_p
from bench.report.plain import aligned, escape
from bench.stats.comparison import SIGNIFICANT
from bench.stats.resampling import DRAWS
from bench.stats.significance import Grouping

__all__ = ["groups_markdown", "groups_text", "too_few"]

_NOTE = (
    "Two restorers that share a letter cannot be told apart: paired bootstrap over photographs, "
    "5 % over the comparisons of a column (Holm). a is the group of the best mean over the images "
    "that all have; – has no value."
)

_MANY = 1000
"""Photographs with which the draws alone bound p."""


def groups_text(groups: Sequence[Grouping]) -> str:
    """Return aligned columns for a terminal."""
    parts = []
    for title, rows, notes in _tables(groups):
        lines = [f"{title}, who can be told apart", *([aligned(rows)] if rows else []), *notes]
        parts.append("\n".join([*lines, ""]))
    return "\n".join([*parts, _NOTE, ""])


def groups_markdown(groups: Sequence[Grouping]) -> str:
    """Return a section of Markdown, or the empty string."""
    if not groups:
        return ""
    parts = ["## Who can be told apart"]
    for title, rows, notes in _tables(groups):
        parts.append(f"**{escape(title)}**")
        parts += [*([_table(rows)] if rows else []), *(escape(said) for said in notes)]
    return "\n\n".join([*parts, _NOTE])


def _table(rows: Sequence[Sequence[str]]) -> str:
    ruler = ["---"] * len(rows[0])
    cells = [[escape(cell) for cell in row] for row in rows]
    lines = [cells[0], ruler, *cells[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _tables(groups: Sequence[Grouping]) -> list[tuple[str, list[list[str]], list[str]]]:
    """Return title, rows and notes of each condition, the head first; n stands in the head."""
    blocks: dict[str, list[Grouping]] = {}
    for each in groups:
        blocks.setdefault(f"{each.dataset} × {each.recipe}", []).append(each)
    found = []
    for title, columns in blocks.items():
        notes = [note for each in columns if (note := too_few(each))]
        columns = [each for each in columns if each.letters]
        names = dict.fromkeys(
            name for each in columns for name in (*each.letters, *each.without_value)
        )
        head = ["", *(f"{each.metric} (n {_count(each)})" for each in columns)]
        rows = [[name, *(each.letters.get(name, "–") for each in columns)] for name in names]
        found.append((title, [head, *rows] if columns else [], notes))
    return found


def _count(each: Grouping) -> str:
    few, most = each.photographs, each.most_photographs
    return f"{few}" if few == most else f"{few} to {most}"


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
