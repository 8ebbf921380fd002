"""Which restorers can be told apart, as text: a table of letters for each condition."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.plain import aligned, escape
from bench.significance import Grouping

__all__ = ["groups_markdown", "groups_text"]

_NOTE = (
    "Two restorers that share a letter cannot be told apart: paired bootstrap over photographs, "
    "5 % over the comparisons of a column (Holm). a is the group of the best mean."
)


def groups_text(groups: Sequence[Grouping]) -> str:
    """Return aligned columns for a terminal."""
    parts = [
        f"{title}, who can be told apart\n{aligned(rows)}\n" for title, rows in _tables(groups)
    ]
    return "\n".join([*parts, _NOTE, ""])


def groups_markdown(groups: Sequence[Grouping]) -> str:
    """Return a section of Markdown, or the empty string."""
    if not groups:
        return ""
    parts = ["## Who can be told apart"]
    for title, rows in _tables(groups):
        ruler = ["---"] * len(rows[0])
        cells = [[escape(cell) for cell in row] for row in rows]
        lines = [cells[0], ruler, *cells[1:]]
        parts.append(f"**{escape(title)}**")
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join([*parts, _NOTE])


def _tables(groups: Sequence[Grouping]) -> list[tuple[str, list[list[str]]]]:
    """Return title and rows of each condition, the head first; n stands in the head."""
    blocks: dict[str, list[Grouping]] = {}
    for each in groups:
        blocks.setdefault(f"{each.dataset} × {each.recipe}", []).append(each)
    found = []
    for title, columns in blocks.items():
        names = dict.fromkeys(name for each in columns for name in each.letters)
        head = ["", *(f"{each.metric} (n {each.photographs})" for each in columns)]
        rows = [[name, *(each.letters.get(name, "–") for each in columns)] for name in names]
        found.append((title, [head, *rows]))
    return found
