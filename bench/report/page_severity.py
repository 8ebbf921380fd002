"""What the page shows by severity: tables of the error left, plots, and every number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bench.report.gallery import ranking_column
from bench.report.model import Report
from bench.report.severity import EXPLANATION, MIXED_NOTE, coverage, percent
from bench.stats.scores import BASELINE
from bench.stats.severity import Curve, ErrorLeft, MeanRestorationError, Point, Severity
from bench.stats.severity.levels import Grading

_SHADES = (0.03, 0.12, 0.25)
"""Shares of the input's error by which a cell is tinted a little, more, and most."""


_ENOUGH = 6
"""Photographs; with fewer no sign test reaches .05, and a bootstrap's interval is too narrow."""


@dataclass(frozen=True, slots=True)
class _ErrorCell:
    mean: str
    interval: str
    sort: float | None
    shade: str
    photographs: int
    coverage: str


@dataclass(frozen=True, slots=True)
class _ErrorRow:
    restorer: str
    cells: tuple[_ErrorCell, ...]
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
    rows: tuple[tuple[str, tuple[_ErrorRow, ...]], ...]
    plots: tuple[Plot, ...]
    numbers: tuple[_Numbers, ...]


@dataclass(frozen=True, slots=True)
class SeverityBlock:
    """One grading with a panel for each metric.

    ``explanation`` is a sentence and all that follows it; ``key`` is restorer and its colour's
    class.
    """

    grading: Grading
    explanation: tuple[str, str]
    key: tuple[tuple[str, str], ...]
    panels: tuple[_Panel, ...]


def severity_blocks(report: Report) -> list[SeverityBlock]:
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


def _block(
    report: Report, group: Sequence[Severity], key: tuple[tuple[str, str], ...]
) -> SeverityBlock:
    grading, order = group[0].grading, [name for name, _ in key]
    brief, _, more = EXPLANATION.partition(". ")
    explanation = f"{brief}.", more if grading.stated else f"{more} {MIXED_NOTE}"
    return SeverityBlock(
        grading, explanation, key, tuple(_panel(report, each, order) for each in group)
    )


def _panel(report: Report, severity: Severity, order: Sequence[str]) -> _Panel:
    families = tuple(dict.fromkeys(each.family for each in severity.grading.degradations))
    blind = {name for name, card in report.run.record["restorers"].items() if card["blind"]}
    rows: dict[str, list[_ErrorRow]] = {}
    for error in sorted(severity.standings, key=_share):
        if error.restorer != BASELINE:
            kind = "blind" if error.restorer in blind else "oracle"
            rows.setdefault(kind, []).append(_row(error, families))
    return _Panel(
        severity,
        families,
        tuple((kind, tuple(rows[kind])) for kind in ("blind", "oracle") if kind in rows),
        tuple(plots(severity, order)),
        tuple(_numbers(severity, order)),
    )


def _share(error: MeanRestorationError) -> float:
    """Return the mean restoration error; infinity, to stand last, where there is none."""
    share = error.mean.share.mean
    return math.inf if share is None else share


def _row(error: MeanRestorationError, families: Sequence[str]) -> _ErrorRow:
    cells = [_cell(error.mean), *(_cell(error.families[name]) for name in families)]
    return _ErrorRow(error.restorer, tuple(cells), error.worst)


def _cell(left: ErrorLeft) -> _ErrorCell:
    share = left.share
    return _ErrorCell(
        mean=percent(share, spread=False),
        interval=percent(share).partition("(")[2].removesuffix(")"),
        sort=share.mean,
        shade=_shade(left),
        photographs=left.photographs,
        coverage=coverage(left),
    )


def _shade(left: ErrorLeft) -> str:
    """Return a class where enough photographs tell that it is not as good as doing nothing."""
    share = left.share
    if share.mean is None or share.low is None or share.high is None or left.photographs < _ENOUGH:
        return ""
    if share.low <= 1 <= share.high:
        return ""
    depth = sum(abs(share.mean - 1) > least for least in _SHADES)
    return f"{'gain' if share.mean < 1 else 'loss'}-{depth}" if depth else ""


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


_WIDTH, _HEIGHT = 240, 168
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 10, 10, 26
_TICKS = 4
_COLOURS = 8


@dataclass(frozen=True, slots=True)
class Plot:
    """One degradation: every restorer's score over its levels."""

    degradation: str
    family: str
    svg: Markup


@dataclass(frozen=True, slots=True)
class _Axes:
    low: float
    high: float
    step: float
    levels: int

    def x(self, level: int) -> float:
        share = (level - 1) / max(1, self.levels - 1) if self.levels > 1 else 0.5
        return _LEFT + 8 + share * (_WIDTH - _LEFT - _RIGHT - 16)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def plots(severity: Severity, order: Sequence[str]) -> list[Plot]:
    """Return a plot for each degradation, all with the same axes.

    A restorer's place in ``order`` is its colour's number everywhere.
    """
    values = [
        point.value.mean
        for curve in severity.curves
        for point in curve.points
        if point.value.mean is not None
    ]
    if not values:
        return []
    levels = [p.level for curve in severity.curves for p in curve.points]
    axes = _Axes(*_range(values), max(levels))
    every = []
    for each in severity.grading.degradations:
        curves = [c for c in severity.curves if c.degradation == each.name]
        curves.sort(key=lambda curve: order.index(curve.restorer), reverse=True)
        every.append(Plot(each.name, each.family, _svg(severity, each.name, curves, axes, order)))
    return every


def series_class(number: int) -> str:
    """Return the class that colours the lines of a place; ``again`` where colours repeat."""
    if number == 0:
        return "s0"
    again = " again" if number > _COLOURS else ""
    return f"s{(number - 1) % _COLOURS + 1}{again}"


def _svg(
    severity: Severity, name: str, curves: Sequence[Curve], axes: _Axes, order: Sequence[str]
) -> Markup:
    parts = [*_grid(axes, stated=severity.grading.stated)]
    parts += [_series(curve, axes, order.index(curve.restorer)) for curve in curves]
    label = f"{name}: {severity.metric} over severity. " + " ".join(
        _range_text(curve) for curve in reversed(curves)
    )
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(_WIDTH, _HEIGHT, label, Markup("").join(parts))


def _grid(axes: _Axes, *, stated: bool) -> list[Markup]:
    parts = []
    digits = max(0, -math.floor(math.log10(axes.step) + 1e-9))
    for index in range(round((axes.high - axes.low) / axes.step) + 1):
        value = axes.low + index * axes.step
        y = axes.y(value)
        parts.append(
            Markup(
                '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
                '<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>'
            ).format(_LEFT, _WIDTH - _RIGHT, y, y, _LEFT - 5, y + 3.5, f"{value:.{digits}f}")
        )
    words = ("mild", "middle", "severe")
    for level in range(1, axes.levels + 1):
        label = words[level - 1] if not stated and level <= len(words) else str(level)
        parts.append(
            Markup('<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                axes.x(level), _HEIGHT - 9, label
            )
        )
    return parts


def _series(curve: Curve, axes: _Axes, number: int) -> Markup:
    known = [p for p in curve.points if p.value.mean is not None]
    line = " ".join(_at(axes, p, p.value.mean) for p in known)
    bounded = [p for p in known if p.value.low is not None and p.value.high is not None]
    upper = [_at(axes, p, p.value.high) for p in bounded]
    lower = [_at(axes, p, p.value.low) for p in reversed(bounded)]
    dots = Markup("").join(
        Markup('<circle cx="{:.1f}" cy="{:.1f}" r="2.4"><title>{}</title></circle>').format(
            axes.x(p.level), axes.y(p.value.mean or 0.0), _point_text(curve.restorer, p)
        )
        for p in known
    )
    return Markup(
        '<g class="series {}" data-series="{}"><polygon class="band" points="{}"/>'
        '<polyline points="{}"/>{}</g>'
    ).format(series_class(number), number,
             " ".join(upper + lower), line, dots)  # fmt: skip


def _at(axes: _Axes, point: Point, value: float | None) -> str:
    inside = min(axes.high, max(axes.low, value or 0.0))
    return f"{axes.x(point.level):.1f},{axes.y(inside):.1f}"


def _point_text(restorer: str, point: Point) -> str:
    value = point.value
    spread = f", {value.low:.4g} to {value.high:.4g}" if value.low is not None else ""
    return f"{restorer}, {point.title}: {value.mean:.4g}{spread} (n {point.images})"


def _range_text(curve: Curve) -> str:
    known = [p.value.mean for p in curve.points if p.value.mean is not None]
    if not known:
        return ""
    return f"{curve.restorer} from {known[0]:.3g} to {known[-1]:.3g}."


def _step(low: float, high: float) -> float:
    """Return a distance between ticks of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(each * power for each in (1, 2, 5, 10) if each * power >= rough * 0.999)


def _range(values: Sequence[float]) -> tuple[float, float, float]:
    """Return ends at whole ticks around the values, and the distance between ticks."""
    low, high = min(values), max(values)
    if high - low < 1e-9 * max(1.0, abs(high)):
        low, high = low - 0.5, high + 0.5
    step = _step(low, high)
    return math.floor(low / step) * step, math.ceil(high / step) * step, step
