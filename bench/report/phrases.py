"""How numbers and coverage are worded, the same in Markdown, HTML and on the terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.metrics.distribution.frechet import SMALL_SET
from bench.report.model import Table
from bench.stats.paired_sets import FRECHET_DISTANCES
from bench.stats.scores import Score

__all__ = [
    "LEGEND",
    "LETTERS_NOTE",
    "NOTICE",
    "RANK_NOTE",
    "CellText",
    "cell_text",
    "decimals",
    "most_decimals",
    "small_sets",
]

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
    "Two restorers of a column that share a letter cannot be told apart: paired bootstrap over "
    "photographs, 5 % over the comparisons of a column (Holm)."
)

RANK_NOTE = "A rank is one more than the restorers that stand above and can be told apart."

_SIGNIFICANT = 4

_WARRANTED = 2
"""Digits of an uncertainty, as in the GUM (JCGM 100:2008, 7.2.6): one or two are enough."""

_NO_SPREAD = 1e-12
"""Equal values differ by no more when they are added in another order."""


@dataclass(frozen=True, slots=True)
class CellText:
    """The parts of one cell, each possibly empty.

    Attributes
    ----------
    mean
        ``26.31``; a dash when there is no value.
    interval
        ``25.02 to 27.44``.
    infinite
        ``+2 ∞``.
    difference
        ``+1.20``, against the baseline.
    verdict
        ``better`` or ``worse`` when the difference's interval excludes zero.
    coverage
        ``8/8``.
    full_coverage
        Whether every image attempted has a value.
    """

    mean: str
    interval: str = ""
    infinite: str = ""
    difference: str = ""
    verdict: str = ""
    coverage: str = ""
    full_coverage: bool = True


def decimals(table: Table, column: int) -> int:
    """Return how many decimals a column is shown with, the same in all of its cells.

    Those of `most_decimals`, and fewer where they would say more than the intervals do: two
    digits of half the width of the narrowest, be it of a mean or of a difference.
    """
    cells = [cell for line in table.lines if (cell := line.cells[column]) is not None]
    most = most_decimals(table, column)
    spreads = [
        (each.high - each.low) / 2
        for cell in cells
        for each in (cell.mean, cell.difference)
        if each.low is not None and each.high is not None and each.high - each.low > _NO_SPREAD
    ]
    if not spreads:
        return most
    return max(0, min(most, _WARRANTED - 1 - math.floor(math.log10(min(spreads)))))


def most_decimals(table: Table, column: int) -> int:
    """Return how many decimals show four digits of the largest mean of a column."""
    means = [
        abs(cell.mean.mean)
        for line in table.lines
        if (cell := line.cells[column]) is not None and cell.mean.mean
    ]
    if not means:
        return 0
    return min(7, max(0, _SIGNIFICANT - 1 - math.floor(math.log10(max(means)))))


def cell_text(table: Table, column: int, cell: Score | None, *, is_baseline: bool) -> CellText:
    """Word one cell; the baseline has no difference to itself."""
    if cell is None:
        return CellText("…")
    places = decimals(table, column)
    mean, low, high = cell.mean.mean, cell.mean.low, cell.mean.high
    gap = cell.difference
    contest = table.columns[column].is_quality and not is_baseline
    shows_difference = contest and gap.mean is not None
    return CellText(
        mean="–" if mean is None else _number(mean, places),
        interval=""
        if low is None or high is None
        else f"{_number(low, places)} to {_number(high, places)}",
        infinite=f"+{cell.infinite} ∞" if cell.infinite else "",
        difference=_number(gap.mean, places, sign=True)
        if shows_difference and gap.mean is not None
        else "",
        verdict=_verdict(cell, table.columns[column].higher_is_better) if shows_difference else "",
        coverage=f"{cell.n + cell.infinite}/{cell.attempted}",
        full_coverage=cell.n + cell.infinite == cell.attempted,
    )


def small_sets(table: Table) -> str:
    """Say which Fréchet distances are of so few images that they depend on how many, or nothing."""
    names = [
        table.columns[at].name
        for at in table.scored()
        if table.columns[at].name in FRECHET_DISTANCES
        and any(
            cell and 0 < cell.n < SMALL_SET for cell in (line.cells[at] for line in table.lines)
        )
    ]
    told = f"of fewer than {SMALL_SET:,} images: compare it only at equal n"
    return f"{', '.join(names)}: {told}" if names else ""


def _verdict(cell: Score, higher_is_better: bool) -> str:
    low, high = cell.difference.low, cell.difference.high
    if low is None or high is None or low <= 0 <= high:
        return ""
    return "better" if (low > 0) == higher_is_better else "worse"


def _number(value: float, places: int, *, sign: bool = False) -> str:
    rounded = round(value, places) + 0.0  # no "-0.00"
    return f"{rounded:{'+' if sign and rounded else ''}.{places}f}".replace("-", "−")
