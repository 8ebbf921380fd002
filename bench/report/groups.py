"""Gains by group as text: aligned columns for a terminal, Markdown for a README or a card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.report.comparison import interval_text, places, signed
from bench.report.plain import aligned, escape
from bench.stats.groups import GroupScore

__all__ = ["group_table", "group_text"]

_LEGEND = (
    "Mean difference to the input over the photographs of a group, with its 95 % bootstrap "
    "interval over photographs, uncorrected for the number of groups."
)


def group_text(scores: Sequence[GroupScore]) -> str:
    """Return a block for each condition, a line for each group, a column for each metric."""
    parts = []
    for title, rows in _blocks(scores):
        names = list(dict.fromkeys(row.metric for row in rows))
        header = ["", "group", "n", *(_heading(rows, name) for name in names)]
        lines = [header, *_lines(rows, names)]
        parts.append(f"{title}\n{aligned(lines, left=(0, 1))}\n")
    return "\n".join([*parts, _LEGEND])


def group_table(scores: Sequence[GroupScore]) -> str:
    """Return Markdown: a table for each condition."""
    parts = []
    for title, rows in _blocks(scores):
        names = list(dict.fromkeys(row.metric for row in rows))
        header = ["", "group", "n", *(escape(_heading(rows, name)) for name in names)]
        ruler = ["---", "---", "---:", *("---:" for _ in names)]
        body = [[escape(cell) for cell in line] for line in _lines(rows, names)]
        parts.append(f"**{escape(title)}**")
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in (header, ruler, *body)))
    return "\n\n".join([*parts, _LEGEND]) + "\n"


def _blocks(scores: Sequence[GroupScore]) -> Iterable[tuple[str, list[GroupScore]]]:
    blocks: dict[str, list[GroupScore]] = {}
    for each in scores:
        blocks.setdefault(f"{each.restorer} on {each.dataset} × {each.recipe}", []).append(each)
    return blocks.items()


def _lines(rows: Sequence[GroupScore], names: Sequence[str]) -> list[list[str]]:
    digits = {n: places(row.difference.mean for row in rows if row.metric == n) for n in names}
    cells = {(row.attribute, row.group, row.metric): row for row in rows}
    lines, last = [], ""
    for attribute, group in dict.fromkeys((row.attribute, row.group) for row in rows):
        each = [cells[attribute, group, name] for name in names]
        counts = sorted({row.photographs for row in each})
        count = str(counts[0]) if len(counts) == 1 else f"{counts[0]}-{counts[-1]}"
        texts = [_gain(row, digits[row.metric]) for row in each]
        lines.append(["" if attribute == last else attribute, group, count, *texts])
        last = attribute
    return lines


def _gain(row: GroupScore, digits: int) -> str:
    interval = interval_text(row.difference, digits)
    return f"{signed(row.difference.mean, digits)}{f' ({interval})' if interval else ''}"


def _heading(rows: Sequence[GroupScore], name: str) -> str:
    (direction,) = {row.direction for row in rows if row.metric == name}
    return f"{name} {'↑' if direction == 'higher' else '↓'}"
