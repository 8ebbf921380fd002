"""Severity as text and CSV: each restorer's mean restoration error, and its worst family."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence

from bench.report.model import Report
from bench.report.tables import TextTable, escape, markdown_table
from bench.stats.bootstrap import Interval
from bench.stats.scores import BASELINE
from bench.stats.severity import ErrorLeft, MeanRestorationError, Severity
from bench.store.rows import CsvValue, csv_text, format_number

EXPLANATION = (
    "Error left, in per cent of the input's: 100 is doing nothing, less is better. Each "
    "degradation's error is summed over its severities and divided by the input's; the mean over "
    "degradations is the mean restoration error, after ImageNet-C's mCE (Hendrycks and Dietterich "
    "2019), with its 95 % bootstrap interval over photographs. A photograph counts for a "
    "degradation only where the restorer has a value of every image that the input has one of; "
    "where images drop out, those counted of those attempted stand beside the share, and – is one "
    "of which a whole severity has dropped out."
)

MIXED_NOTE = (
    "Where a recipe draws several degradations in one image, the images of each family are cut "
    "into thirds by its strength, and only the severe third of each counts as its error."
)

_HEADER = (
    "dataset", "recipe", "metric", "direction", "unit", "restorer", "measure", "degradation",
    "family", "level", "level_title", "mean", "low", "high", "n", "images", "attempted",
)  # fmt: skip

_DIGITS = 9


def percent(share: Interval, *, spread: bool = True) -> str:
    """Return ``83 (78 to 90)``, or a dash without a value."""
    if share.mean is None:
        return "–"
    text = f"{100 * share.mean:.0f}"
    if not spread or share.low is None or share.high is None:
        return text
    return f"{text} ({100 * share.low:.0f} to {100 * share.high:.0f})"


def coverage(left: ErrorLeft) -> str:
    """Return ``8/10 images`` where images dropped out of a share, or the empty string."""
    return "" if left.images == left.attempted else f"{left.images}/{left.attempted} images"


def severity_terminal(severity: Sequence[Severity], width: int = 100) -> str:
    """Return a block for each data set and recipe: restorers down, metrics across.

    A cell is the mean restoration error and the worst family; sentences fold at ``width``.
    """
    parts = [
        f"{table.terminal()}\n" for table in _tables(severity, _brief, "", ", and the worst family")
    ]
    return "\n".join([*parts, textwrap.fill(_explained(severity), width)]) if parts else ""


def severity_markdown(severity: Sequence[Severity]) -> list[str]:
    """Return the parts of a Markdown document; none where nothing could be graded."""
    parts = []
    for table in _tables(severity, _full, "restorer"):
        parts += [f"### {escape(table.title)}", markdown_table(table.header, table.rows)]
    return ["## By severity", *parts, _explained(severity)] if parts else []


def _tables(
    severity: Sequence[Severity],
    text: Callable[[MeanRestorationError], str],
    corner: str,
    ending: str = "",
) -> list[TextTable]:
    """Return a table for each data set and recipe: restorers down, metrics across."""
    groups: dict[str, list[Severity]] = {}
    for each in severity:
        if each.standings:
            grading = each.grading
            title = f"{grading.dataset} × {grading.recipe}, by severity: % of the input's error"
            groups.setdefault(title, []).append(each)
    tables = []
    for title, group in groups.items():
        columns = [{one.restorer: one for one in each.standings} for each in group]
        names = dict.fromkeys(name for column in columns for name in column if name != BASELINE)
        rows = [
            [name, *(text(column[name]) if name in column else "–" for column in columns)]
            for name in names
        ]
        header = [corner, *(each.metric for each in group)]
        tables.append(TextTable(f"{title}{ending}", header, rows))
    return tables


def _explained(severity: Sequence[Severity]) -> str:
    is_mixed = any(each.standings and not each.grading.stated for each in severity)
    return f"{EXPLANATION} {MIXED_NOTE}" if is_mixed else EXPLANATION


def _brief(error: MeanRestorationError) -> str:
    parts = (percent(error.mean.share, spread=False), error.worst or "–", coverage(error.mean))
    return " ".join(filter(None, parts))


def _full(error: MeanRestorationError) -> str:
    worst = f"worst: {error.worst}" if error.worst else ""
    return ", ".join(filter(None, (percent(error.mean.share), coverage(error.mean), worst)))


def severity_csv(report: Report) -> str:
    """Return every score and error by level in long form, the same bytes for equal rows.

    ``measure`` is ``score`` (the metric at one level; ``n`` images) or ``error_left`` (a share
    of the input's: of a degradation, of a family, or with neither the mean restoration error;
    ``n`` photographs). ``images`` are the degraded ones that count of those ``attempted``: what
    stood there to be restored.
    """
    return csv_text(_HEADER, (line for each in report.severity for line in _lines(each)))


def _lines(each: Severity) -> Iterable[list[CsvValue]]:
    grading = each.grading
    start = [grading.dataset, grading.recipe, each.metric, each.direction, each.unit]
    attempted = {
        (one.name, level.number): len(level.images)
        for one in grading.degradations
        for level in one.levels
    }
    for curve in each.curves:
        for point in curve.points:
            yield [
                *start, curve.restorer, "score", curve.degradation, curve.family, point.level,
                point.title, *_numbers(point.value), point.images, point.images,
                attempted[curve.degradation, point.level],
            ]  # fmt: skip
    families = {one.name: one.family for one in each.grading.degradations}
    for error in each.standings:
        rows: list[tuple[str, str, ErrorLeft]] = [("", "", error.mean)]
        rows += [("", family, left) for family, left in error.families.items()]
        rows += [(name, families[name], left) for name, left in error.degradations.items()]
        for name, family, left in rows:
            yield [
                *start, error.restorer, "error_left", name, family, None, "",
                *_numbers(left.share), left.photographs, left.images, left.attempted,
            ]  # fmt: skip


def _numbers(interval: Interval) -> list[CsvValue]:
    return [
        None if value is None else float(format_number(value, _DIGITS))
        for value in (interval.mean, interval.low, interval.high)
    ]
