"""Comparisons as text: aligned columns for a terminal, Markdown for a README or a card, JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from bench.metrics.distribution.frechet import SMALL_SET
from bench.report.plain import aligned, escape
from bench.report.signatures import signature_block, signature_sentence
from bench.stats.bootstrap import Interval
from bench.stats.comparison import SIGNIFICANT, Comparison, Comparisons
from bench.stats.paired_sets import FEW, FRECHET_DISTANCES
from bench.stats.paired_values import CAPS
from bench.stats.resampling import DRAWS

__all__ = [
    "comparison_records",
    "comparison_table",
    "comparison_text",
    "frechet_caution",
    "interval_text",
    "places",
    "signed",
]

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
        ruler = ["---", *("---:" for _ in names)]
        cells = {(_opponent(row), row.metric): _cell(row, rows) for row in rows}
        body = [
            [escape(opponent), *(cells.get((opponent, name), "–") for name in names)]
            for opponent in dict.fromkeys(_opponent(row) for row in rows)
        ]
        lines = [f"| {' | '.join(line)} |" for line in (header, ruler, *body)]
        count = max(row.photographs for row in rows)
        images = max(row.images for row in rows)
        parts.append(
            f"**{escape(title)}**{_SUBSETS[table.subset]}: {count} photographs, "
            f"{images} degraded images"
        )
        parts.append("\n".join(lines))
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
        text += f" PSNR counts at most {CAPS['dB']:.1f} dB, which cut {capped} values."
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
    """Return what an interval of Fréchet distances does not say, or the empty string.

    Parameters
    ----------
    rows
        ``(metric, images, photographs)`` of any metrics.
    """
    found = [row[1:] for row in rows if row[0] in FRECHET_DISTANCES]
    if not found:
        return ""
    text = (
        " Fréchet distances are compared as they are expected of so many images (jackknife over "
        "photographs): each restorer's own is biased, by about c/n with a c of its own"
    )
    if min(images for images, _ in found) < SMALL_SET:
        # Seen in simulations: tests/bench/measure_frechet_coverage.py.
        text += f"; with n below {SMALL_SET:,} more images may even turn the sign"
    if min(photographs for _, photographs in found) < FEW:
        text += f"; of fewer than {FEW} photographs the interval may be too narrow"
    return f"{text}."


def interval_text(found: Interval, digits: int, *, between: str = " to ") -> str:
    """Return ``−0.12 to −0.08``, or the empty string without an interval."""
    if found.low is None or found.high is None:
        return ""
    return f"{signed(found.low, digits)}{between}{signed(found.high, digits)}"


def signed(value: float | None, digits: int) -> str:
    """Return a difference with its sign; a dash for none."""
    if value is None:
        return "–"
    rounded = round(value, digits) + 0.0  # no "-0.00"
    return f"{rounded:{'+' if rounded else ''}.{digits}f}".replace("-", "−")


def places(differences: Iterable[float | None]) -> int:
    """Return how many decimals show three digits of the largest difference, at most five."""
    largest = max((abs(each) for each in differences if each), default=0.0)
    return min(5, max(0, 2 - math.floor(math.log10(largest)))) if largest else 0


def _line(row: Comparison, rows: Sequence[Comparison]) -> tuple[str, ...]:
    digits = _digits(row.metric, rows)
    return (
        f"{row.metric} {'↑' if row.direction == 'higher' else '↓'}{'†' if row.daggered else ''}",
        _opponent(row),
        signed(row.difference.mean, digits),
        interval_text(row.difference, digits),
        "" if row.wins is None else f"{100 * row.wins:.0f} %",
        _p(row.p_holm),
        "" if row.wilcoxon_holm is None else _p(row.wilcoxon_holm),
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
    return places(row.difference.mean for row in rows if row.metric == metric)


def _p(value: float) -> str:
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def _opponent(row: Comparison) -> str:
    """Return whom it is compared with; a restorer compared with itself is so in another run."""
    return f"{row.against}, before" if row.against == row.restorer else row.against


def _subject(rows: Sequence[Comparison]) -> str:
    names = list(dict.fromkeys(row.restorer for row in rows))
    return escape(names[0]) if len(names) == 1 else "after"


def _conditions(
    rows: Sequence[Comparison],
) -> Iterable[tuple[str, Sequence[Comparison]]]:
    found: Mapping[str, list[Comparison]] = {f"{row.dataset} × {row.recipe}": [] for row in rows}
    for row in rows:
        found[f"{row.dataset} × {row.recipe}"].append(row)
    return found.items()
