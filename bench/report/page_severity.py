"""What the page shows by severity: tables of the error left, plots, and every number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.report.model import Report
from bench.report.plots import Plot, plots, series_class
from bench.report.ranking import ranking_column
from bench.report.severity_text import DRAWN, EXPLANATION, coverage, percent
from bench.stats.scores import BASELINE
from bench.stats.severity import ErrorLeft, Severity, Standing
from bench.stats.severity.levels import Grading

__all__ = ["Block", "severity_blocks"]

_SHADES = (0.03, 0.12, 0.25)
"""Shares of the input's error by which a cell is tinted a little, more, and most."""


_ENOUGH = 6
"""Photographs; with fewer no sign test reaches .05, and a bootstrap's interval is too narrow."""


@dataclass(frozen=True, slots=True)
class _Cell:
    mean: str
    interval: str
    sort: float | None
    shade: str
    photographs: int
    coverage: str


@dataclass(frozen=True, slots=True)
class _Row:
    restorer: str
    cells: tuple[_Cell, ...]
    worst: str


@dataclass(frozen=True, slots=True)
class _Numbers:
    """One level of one degradation: each restorer's score in words."""

    degradation: str
    family: str
    level: str
    texts: tuple[str, ...]
    images: int


@dataclass(frozen=True, slots=True)
class _Panel:
    severity: Severity
    families: tuple[str, ...]
    rows: tuple[tuple[str, tuple[_Row, ...]], ...]
    plots: tuple[Plot, ...]
    numbers: tuple[_Numbers, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One grading with a panel for each metric.

    ``explanation`` is a sentence and all that follows it; ``key`` is restorer and its colour's
    class.
    """

    grading: Grading
    explanation: tuple[str, str]
    key: tuple[tuple[str, str], ...]
    panels: tuple[_Panel, ...]


def severity_blocks(report: Report) -> list[Block]:
    """Return a block for each data set and recipe whose images' strengths differ."""
    order = list(report.run.record["restorers"])
    order.sort(key=lambda name: name != BASELINE)
    groups: dict[int, list[Severity]] = {}
    first = ranking_column(report)
    for each in sorted(report.severity, key=lambda one: not first or one.metric != first.name):
        if any(len(one.levels) > 1 for one in each.grading.degradations):
            groups.setdefault(id(each.grading), []).append(each)
    key = tuple((name, series_class(number)) for number, name in enumerate(order))
    return [_block(report, group, key) for group in groups.values()]


def _block(report: Report, group: Sequence[Severity], key: tuple[tuple[str, str], ...]) -> Block:
    grading, order = group[0].grading, [name for name, _ in key]
    brief, _, more = EXPLANATION.partition(". ")
    said = f"{brief}.", more if grading.stated else f"{more} {DRAWN}"
    return Block(grading, said, key, tuple(_panel(report, each, order) for each in group))


def _panel(report: Report, severity: Severity, order: Sequence[str]) -> _Panel:
    families = tuple(dict.fromkeys(each.family for each in severity.grading.degradations))
    blind = {name for name, card in report.run.record["restorers"].items() if card["blind"]}
    rows: dict[str, list[_Row]] = {}
    for standing in sorted(severity.standings, key=_share):
        if standing.restorer != BASELINE:
            kind = "blind" if standing.restorer in blind else "oracle"
            rows.setdefault(kind, []).append(_row(standing, families))
    return _Panel(
        severity,
        families,
        tuple((kind, tuple(rows[kind])) for kind in ("blind", "oracle") if kind in rows),
        tuple(plots(severity, order)),
        tuple(_numbers(severity, order)),
    )


def _share(standing: Standing) -> float:
    """Return the mean restoration error; infinity, to stand last, where there is none."""
    found = standing.mean.share.mean
    return math.inf if found is None else found


def _row(standing: Standing, families: Sequence[str]) -> _Row:
    cells = [_cell(standing.mean), *(_cell(standing.families[name]) for name in families)]
    return _Row(standing.restorer, tuple(cells), standing.worst)


def _cell(left: ErrorLeft) -> _Cell:
    found = left.share
    return _Cell(
        mean=percent(found, spread=False),
        interval=percent(found).partition("(")[2].removesuffix(")"),
        sort=found.mean,
        shade=_shade(left),
        photographs=left.photographs,
        coverage=coverage(left),
    )


def _shade(left: ErrorLeft) -> str:
    """Return a class where enough photographs tell that it is not as good as doing nothing."""
    found = left.share
    if found.mean is None or found.low is None or found.high is None or left.photographs < _ENOUGH:
        return ""
    if found.low <= 1 <= found.high:
        return ""
    depth = sum(abs(found.mean - 1) > least for least in _SHADES)
    return f"{'gain' if found.mean < 1 else 'loss'}-{depth}" if depth else ""


def _numbers(severity: Severity, order: Sequence[str]) -> list[_Numbers]:
    cells = {
        (curve.degradation, point.level, curve.restorer): point
        for curve in severity.curves
        for point in curve.points
    }
    lines = []
    for each in severity.grading.degradations:
        for level in each.levels:
            points = [cells.get((each.name, level.number, name)) for name in order]
            texts = [
                "–" if p is None or p.value.mean is None else f"{p.value.mean:.4g}" for p in points
            ]
            images = max((p.images for p in points if p is not None), default=0)
            lines.append(_Numbers(each.name, each.family, level.title, tuple(texts), images))
    return lines
