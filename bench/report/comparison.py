"""Comparisons as text: aligned columns for a terminal, Markdown for a README or a card, JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from bench.metrics.distribution.distances import SMALL_SET
from bench.metrics.pixel.psnr import CAP
from bench.metrics.registry import recorded_entry
from bench.report.tables import (
    TextTable,
    aligned,
    count_range,
    escape,
    interval_text,
    markdown_table,
    p_text,
    shared_decimals,
    signature_block,
    signature_sentence,
    signed,
)
from bench.stats.comparison import SIGNIFICANT, Comparison, Comparisons
from bench.stats.groups import GroupScore
from bench.stats.paired_sets import FEW
from bench.stats.resampling import DRAWS

_SUBSETS = {"all": "", "hardest-third": ", the third whose inputs are the worst"}


def comparison_text(table: Comparisons) -> str:
    """Return every comparison as a line of aligned columns, a block for each condition."""
    parts = []
    for title, rows in _conditions(table.rows):
        parts.append(f"{title}{_SUBSETS[table.subset]}")
        header = ("metric", "against", "difference", "95 %", "wins", "p Holm", "Wilcoxon", "n", "")
        lines = [header, *(_line(row, rows) for row in rows)]
        parts.append(aligned(lines, left=(0, 1, 8)) + "\n")
    parts += [*table.notes, legend(table), signature_block(_signatures(table))]
    return "\n".join(parts)


def comparison_table(table: Comparisons) -> str:
    """Return Markdown: a table for each condition, opponents down, metrics across."""
    parts = []
    for title, rows in _conditions(table.rows):
        names = list(dict.fromkeys(row.metric for row in rows))
        arrows = {row.metric: "↑" if row.direction == "higher" else "↓" for row in rows}
        header = [f"{_subject(rows)} against", *(f"{escape(n)} {arrows[n]}" for n in names)]
        cells = {(_opponent(row), row.metric): _cell(row, rows) for row in rows}
        body = [
            [escape(opponent), *(cells.get((opponent, name), "–") for name in names)]
            for opponent in dict.fromkeys(_opponent(row) for row in rows)
        ]
        count = max(row.photographs for row in rows)
        images = max(row.images for row in rows)
        parts.append(
            f"**{escape(title)}**{_SUBSETS[table.subset]}: {count} photographs, "
            f"{images} degraded images"
        )
        parts.append(markdown_table(header, body, escaped=True))
    parts += [f"- {escape(note)}" for note in table.notes]
    parts.append(legend(table) + " **Bold**: better; *italic*: worse; else it cannot be told.")
    parts.append(signature_sentence(_signatures(table)))
    return "\n\n".join(parts) + "\n"


def comparison_records(table: Comparisons) -> dict[str, object]:
    """Return a JSON-ready mapping: the subset, the notes and every fact of each comparison."""
    rows = [{**asdict(row), "verdict": row.verdict} for row in table.rows]
    return {"subset": table.subset, "notes": list(table.notes), "comparisons": rows}


def _signatures(table: Comparisons) -> dict[str, str]:
    return {row.metric: row.signature for row in table.rows}


def legend(table: Comparisons) -> str:
    """Return what the numbers are, in a few sentences."""
    text = (
        "Mean difference over the same photographs, all degraded versions of one together, with "
        f"its paired 95 % bootstrap interval over photographs ({DRAWS:,} draws); better or worse "
        f"where that excludes 0 and Holm's p over these {len(table.rows)} comparisons is at most "
        f"{SIGNIFICANT}."
    )
    capped = sum(row.capped for row in table.rows)
    if capped:
        text += f" PSNR counts at most {CAP:.1f} dB, which cut {capped} values."
    unbounded = sum(row.unbounded for row in table.rows)
    if unbounded:
        text += f" {unbounded} infinite values of PSNR are left out."
    left = sum(row.left_out for row in table.rows)
    if left:
        text += f" {left} values are missing on one side and left out."
    text += frechet_caution((row.metric, row.images, row.photographs) for row in table.rows)
    if any(row.daggered for row in table.rows):
        text += " †: judged by a network that one of the two was trained against."
    return text


def frechet_caution(rows: Iterable[tuple[str, int, int]]) -> str:
    """Say what intervals of Fréchet distances leave out, of ``(metric, images, photographs)``."""
    counts = [row[1:] for row in rows if recorded_entry({"name": row[0]}).distance == "frechet"]
    if not counts:
        return ""
    text = (
        " Fréchet distances are compared as they are expected of so many images (jackknife over "
        "photographs): each restorer's own is biased, by about c/n with a c of its own"
    )
    if min(images for images, _ in counts) < SMALL_SET:
        # Seen in simulations: studies/measure_frechet_coverage.py.
        text += f"; with n below {SMALL_SET:,} more images may even turn the sign"
    if min(photographs for _, photographs in counts) < FEW:
        text += f"; of fewer than {FEW} photographs the interval may be too narrow"
    return f"{text}."


def _line(row: Comparison, rows: Sequence[Comparison]) -> tuple[str, ...]:
    digits = _digits(row.metric, rows)
    return (
        f"{row.metric} {'↑' if row.direction == 'higher' else '↓'}{'†' if row.daggered else ''}",
        _opponent(row),
        signed(row.difference.mean, digits),
        interval_text(row.difference, digits),
        "" if row.wins is None else f"{100 * row.wins:.0f} %",
        p_text(row.p_holm),
        "" if row.wilcoxon_holm is None else p_text(row.wilcoxon_holm),
        f"{row.photographs}",
        row.verdict,
    )


def _cell(row: Comparison, rows: Sequence[Comparison]) -> str:
    digits = _digits(row.metric, rows)
    sign = {"better": "**", "worse": "*"}.get(row.verdict, "")
    text = f"{sign}{signed(row.difference.mean, digits)}{sign}{'†' if row.daggered else ''}"
    wins = "" if row.wins is None else f", wins {100 * row.wins:.0f} %"
    return f"{text}<br><sub>{interval_text(row.difference, digits)}{wins}</sub>"


def _digits(metric: str, rows: Sequence[Comparison]) -> int:
    return shared_decimals(row.difference.mean for row in rows if row.metric == metric)


def _opponent(row: Comparison) -> str:
    """Return whom it is compared with; a restorer compared with itself is so in another run."""
    return f"{row.against}, before" if row.against == row.restorer else row.against


def _subject(rows: Sequence[Comparison]) -> str:
    names = list(dict.fromkeys(row.restorer for row in rows))
    return escape(names[0]) if len(names) == 1 else "after"


def _conditions(
    rows: Sequence[Comparison],
) -> Iterable[tuple[str, Sequence[Comparison]]]:
    conditions: dict[str, list[Comparison]] = {}
    for row in rows:
        conditions.setdefault(f"{row.dataset} × {row.recipe}", []).append(row)
    return conditions.items()


_LEGEND = (
    "Mean difference to the input over the photographs of a group, with its 95 % bootstrap "
    "interval over photographs, uncorrected for the number of groups."
)


def group_text(scores: Sequence[GroupScore]) -> str:
    """Return a block for each condition, a line for each group, a column for each metric."""
    return "\n".join([*(f"{table.terminal()}\n" for table in _group_tables(scores)), _LEGEND])


def group_table(scores: Sequence[GroupScore]) -> str:
    """Return Markdown: a table for each condition."""
    parts = (part for table in _group_tables(scores) for part in table.markdown())
    return "\n\n".join([*parts, _LEGEND]) + "\n"


def _group_tables(scores: Sequence[GroupScore]) -> list[TextTable]:
    blocks: dict[str, list[GroupScore]] = {}
    for each in scores:
        blocks.setdefault(f"{each.restorer} on {each.dataset} × {each.recipe}", []).append(each)
    tables = []
    for title, rows in blocks.items():
        arrows = {row.metric: "↑" if row.direction == "higher" else "↓" for row in rows}
        header = ["", "group", "n", *(f"{name} {arrow}" for name, arrow in arrows.items())]
        tables.append(TextTable(title, header, _group_rows(rows, list(arrows)), left=(0, 1)))
    return tables


def _group_rows(rows: Sequence[GroupScore], names: Sequence[str]) -> list[list[str]]:
    digits = {
        name: shared_decimals(row.difference.mean for row in rows if row.metric == name)
        for name in names
    }
    cells = {(row.attribute, row.group, row.metric): row for row in rows}
    lines, last = [], ""
    for attribute, group in dict.fromkeys((row.attribute, row.group) for row in rows):
        each = [cells[attribute, group, name] for name in names]
        count = count_range((row.photographs for row in each), "-")
        texts = [_gain(row, digits[row.metric]) for row in each]
        lines.append(["" if attribute == last else attribute, group, count, *texts])
        last = attribute
    return lines


def _gain(row: GroupScore, digits: int) -> str:
    interval = interval_text(row.difference, digits)
    return f"{signed(row.difference.mean, digits)}{f' ({interval})' if interval else ''}"
