"""Small plots of a score over severity as inline SVG: text, lines and nothing to fetch.

Colours are classes, which the page's style gives for light and for dark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bench.stats.severity import Curve, Point, Severity

__all__ = ["Plot", "plots", "series_class"]

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

    Parameters
    ----------
    severity
        One metric over one grading.
    order
        The restorers' names; a restorer's place here is its colour's number everywhere.
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
    found = []
    for each in severity.grading.degradations:
        curves = [c for c in severity.curves if c.degradation == each.name]
        curves.sort(key=lambda curve: order.index(curve.restorer), reverse=True)
        found.append(Plot(each.name, each.family, _svg(severity, each.name, curves, axes, order)))
    return found


def series_class(number: int) -> str:
    """Return the class that colours a restorer's lines; ``again`` where colours repeat.

    Parameters
    ----------
    number
        The restorer's place; 0 is the input.
    """
    if number == 0:
        return "s0"
    again = " again" if number > _COLOURS else ""
    return f"s{(number - 1) % _COLOURS + 1}{again}"


def _svg(
    severity: Severity, name: str, curves: Sequence[Curve], axes: _Axes, order: Sequence[str]
) -> Markup:
    parts = [*_grid(axes, stated=severity.grading.stated)]
    parts += [_series(curve, axes, order.index(curve.restorer)) for curve in curves]
    said = f"{name}: {severity.metric} over severity. " + " ".join(
        _said(curve) for curve in reversed(curves)
    )
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(_WIDTH, _HEIGHT, said, Markup("").join(parts))


def _grid(axes: _Axes, *, stated: bool) -> list[Markup]:
    parts = []
    places = max(0, -math.floor(math.log10(axes.step) + 1e-9))
    for index in range(round((axes.high - axes.low) / axes.step) + 1):
        value = axes.low + index * axes.step
        y = axes.y(value)
        parts.append(
            Markup(
                '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
                '<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>'
            ).format(_LEFT, _WIDTH - _RIGHT, y, y, _LEFT - 5, y + 3.5, f"{value:.{places}f}")
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
            axes.x(p.level), axes.y(p.value.mean or 0.0), _told(curve.restorer, p)
        )
        for p in known
    )
    return Markup(
        '<g class="series {}" data-series="{}"><polygon class="band" points="{}"/>'
        '<polyline points="{}"/>{}</g>'
    ).format(series_class(number), number,
             " ".join(upper + lower), line, dots)  # fmt: skip


def _at(axes: _Axes, point: Point, value: float | None) -> str:
    held = min(axes.high, max(axes.low, value or 0.0))
    return f"{axes.x(point.level):.1f},{axes.y(held):.1f}"


def _told(restorer: str, point: Point) -> str:
    value = point.value
    spread = f", {value.low:.4g} to {value.high:.4g}" if value.low is not None else ""
    return f"{restorer}, {point.title}: {value.mean:.4g}{spread} (n {point.images})"


def _said(curve: Curve) -> str:
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
