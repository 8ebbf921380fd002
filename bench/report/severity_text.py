"""Severity as text: each restorer's mean restoration error, and its worst family."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from bench.report.plain import aligned, escape
from bench.stats.bootstrap import Interval
from bench.stats.scores import BASELINE
from bench.stats.severity import ErrorLeft, Severity, Standing
from bench.store.csv_text import Cell, csv_text, format_number

__all__ = [
    "DRAWN",
    "EXPLANATION",
    "coverage",
    "percent",
    "severity_csv",
    "severity_markdown",
    "severity_terminal",
]

EXPLANATION = (
    "Error left, in per cent of the input's: 100 is doing nothing, less is better. Each "
    "degradation's error is summed over its severities and divided by the input's; the mean over "
    "degradations is the mean restoration error, after ImageNet-C's mCE (Hendrycks and Dietterich "
    "2019), with its 95 % bootstrap interval over photographs. A photograph counts for a "
    "degradation only where the restorer has a value of every image that the input has one of; "
    "where images drop out, those counted of those attempted stand beside the share, and – is one "
    "of which a whole severity has dropped out."
)

DRAWN = (
    "Where a recipe draws several degradations in one image, the images of each family are cut "
    "into thirds by its strength, and only the severe third of each counts as its error."
)

_HEADER = (
    "dataset", "recipe", "metric", "direction", "unit", "restorer", "measure", "degradation",
    "family", "level", "level_title", "mean", "low", "high", "n", "images", "attempted",
)  # fmt: skip

_DIGITS = 9


def percent(found: Interval, *, spread: bool = True) -> str:
    """Return ``83 (78 to 90)``, or a dash without a value."""
    if found.mean is None:
        return "–"
    text = f"{100 * found.mean:.0f}"
    if not spread or found.low is None or found.high is None:
        return text
    return f"{text} ({100 * found.low:.0f} to {100 * found.high:.0f})"


def coverage(left: ErrorLeft) -> str:
    """Return ``8/10 images`` where images dropped out of a share, or the empty string."""
    return "" if left.images == left.attempted else f"{left.images}/{left.attempted} images"


def severity_terminal(severity: Sequence[Severity], width: int = 100) -> str:
    """Return a block for each data set and recipe: restorers down, metrics across.

    A cell is the mean restoration error and the worst family; sentences fold at ``width``.
    """
    parts = []
    for title, group in _groups(severity):
        lines = [["", *(each.metric for each in group)]]
        for name in _restorers(group):
            standings = (_standing(each, name) for each in group)
            lines.append([name, *("–" if one is None else _brief(one) for one in standings)])
        parts.append(f"{title}, and the worst family\n{aligned(lines)}\n")
    said = textwrap.fill(_explained(severity), width)
    return "\n".join([*parts, said]) if parts else ""


def severity_markdown(severity: Sequence[Severity]) -> list[str]:
    """Return the parts of a Markdown document; none where nothing was to be told."""
    parts = []
    for title, group in _groups(severity):
        header = ["restorer", *(escape(each.metric) for each in group)]
        ruler = ["---", *("---:" for _ in group)]
        body = []
        for name in _restorers(group):
            standings = (_standing(each, name) for each in group)
            cells = ["–" if one is None else _told(one) for one in standings]
            body.append([escape(name), *(escape(cell) for cell in cells)])
        parts.append(f"### {escape(title)}")
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in (header, ruler, *body)))
    return ["## By severity", *parts, _explained(severity)] if parts else []


def severity_csv(severity: Sequence[Severity]) -> str:
    """Return every score and error by level in long form, the same bytes for equal rows.

    ``measure`` is ``score`` (the metric at one level; ``n`` images) or ``error_left`` (a share
    of the input's: of a degradation, of a family, or with neither the mean restoration error;
    ``n`` photographs). ``images`` are the degraded ones that count of those ``attempted``: what
    stood there to be restored.
    """
    return csv_text(_HEADER, (line for each in severity for line in _lines(each)))


def _lines(each: Severity) -> Iterable[list[Cell]]:
    grading = each.grading
    place = [grading.dataset, grading.recipe, each.metric, each.direction, each.unit]
    attempted = {
        (one.name, level.number): len(level.images)
        for one in grading.degradations
        for level in one.levels
    }
    for curve in each.curves:
        for point in curve.points:
            what: list[Cell] = [curve.degradation, curve.family, point.level, point.title]
            yield [
                *place, curve.restorer, "score", *what, *_numbers(point.value), point.images,
                point.images, attempted[curve.degradation, point.level],
            ]  # fmt: skip
    families = {one.name: one.family for one in each.grading.degradations}
    for standing in each.standings:
        of: list[tuple[str, str, ErrorLeft]] = [("", "", standing.mean)]
        of += [("", family, found) for family, found in standing.families.items()]
        of += [(name, families[name], found) for name, found in standing.degradations.items()]
        for name, family, found in of:
            yield [
                *place, standing.restorer, "error_left", name, family, None, "",
                *_numbers(found.share), found.photographs, found.images, found.attempted,
            ]  # fmt: skip


def _numbers(found: Interval) -> list[Cell]:
    return [
        None if value is None else float(format_number(value, _DIGITS))
        for value in (found.mean, found.low, found.high)
    ]


def _groups(severity: Sequence[Severity]) -> Iterable[tuple[str, list[Severity]]]:
    groups: dict[str, list[Severity]] = {}
    for each in severity:
        if each.standings:
            grading = each.grading
            title = f"{grading.dataset} × {grading.recipe}, by severity: % of the input's error"
            groups.setdefault(title, []).append(each)
    return groups.items()


def _restorers(group: Sequence[Severity]) -> list[str]:
    names = dict.fromkeys(one.restorer for each in group for one in each.standings)
    return [name for name in names if name != BASELINE]


def _explained(severity: Sequence[Severity]) -> str:
    drawn = any(each.standings and not each.grading.stated for each in severity)
    return f"{EXPLANATION} {DRAWN}" if drawn else EXPLANATION


def _standing(each: Severity, restorer: str) -> Standing | None:
    return next((one for one in each.standings if one.restorer == restorer), None)


def _brief(standing: Standing) -> str:
    told = (percent(standing.mean.share, spread=False), standing.worst or "–")
    return " ".join(filter(None, (*told, coverage(standing.mean))))


def _told(standing: Standing) -> str:
    worst = f"worst: {standing.worst}" if standing.worst else ""
    told = (percent(standing.mean.share), coverage(standing.mean), worst)
    return ", ".join(filter(None, told))
