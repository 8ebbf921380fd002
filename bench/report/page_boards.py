"""The leaderboards of the page: cells with their words, the key they are sorted by, and costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.report.costs import costs_of, milliseconds
from bench.report.model import Column, Line, Report, Table
from bench.report.phrases import CellText, cell_text
from bench.report.places import Place, PlaceKey, places_of
from bench.report.told_apart import too_few
from bench.runner.efficiency import Efficiency
from bench.stats.significance import Grouping
from bench.store.record import SECONDS

__all__ = ["Board", "boards_of"]


@dataclass(frozen=True, slots=True)
class _Cell:
    text: CellText
    sort: float | None
    best: bool
    dagger: bool
    place: Place | None


@dataclass(frozen=True, slots=True)
class _Head:
    """One column; ``coverage`` where it is the same of every line, else the empty string."""

    column: Column
    coverage: str


@dataclass(frozen=True, slots=True)
class _Cost:
    text: str
    sort: float | None


@dataclass(frozen=True, slots=True)
class _Row:
    line: Line
    cells: tuple[_Cell, ...]
    costs: tuple[_Cost, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One leaderboard.

    Attributes
    ----------
    heads
        The columns in which anything has a value; not the seconds where costs tell them better.
    bodies
        Groups of rows that are sorted each for itself: ``baseline``, ``blind``, ``oracle``.
    cost_heads
        ``(title, unit)`` of the columns of costs; none while a run is not finished.
    timed
        How many calls are behind the latencies: ``120``, or from the fewest to the most.
    lettered
        Whether anybody could be told apart.
    notes
        Which columns have too few photographs for that.
    """

    heads: tuple[_Head, ...]
    bodies: tuple[tuple[str, tuple[_Row, ...]], ...]
    cost_heads: tuple[tuple[str, str], ...]
    timed: str
    lettered: bool
    notes: tuple[str, ...]


_COST_HEADS = (("latency p50", "ms"), ("latency p95", "ms"), ("memory", "MB"), ("parameters", ""))


def boards_of(report: Report) -> list[Board]:
    """Return the leaderboard of each table of a report.

    Raises
    ------
    DatasetError
        The costs in the run's record are none of ours.
    """
    costs = {each.restorer: each for each in costs_of(report.run.record)}
    places = places_of(report.groups)
    return [_board(table, costs, places, report.groups) for table in report.tables]


def _board(
    table: Table,
    costs: Mapping[str, Efficiency],
    places: Mapping[PlaceKey, Mapping[str, Place]],
    groups: Sequence[Grouping],
) -> Board:
    shown = [at for at in table.scored() if not (costs and table.columns[at].name == _TIME)]
    best = {at: table.best(at) for at in shown}
    bodies: dict[str, list[_Row]] = {}
    for line in table.lines:
        kind = "oracle" if line.is_oracle else "baseline" if line.is_baseline else "blind"
        cells = tuple(_cell(table, at, line, best[at], places) for at in shown)
        own = _costs(costs[line.restorer]) if line.restorer in costs else _NOT_KNOWN
        bodies.setdefault(kind, []).append(_Row(line, cells, own if costs else ()))
    own_groups = [each for each in groups if (each.dataset, each.recipe) == table.place]
    return Board(
        heads=tuple(_Head(table.columns[at], _shared_coverage(table, at)) for at in shown),
        bodies=tuple((kind, tuple(rows)) for kind, rows in bodies.items()),
        cost_heads=_COST_HEADS if costs else (),
        timed=_span([costs[each.restorer].faces for each in table.lines if each.restorer in costs]),
        lettered=any(places.get(table.key(at)) for at in shown),
        notes=_notes(own_groups),
    )


def _notes(groups: Sequence[Grouping]) -> tuple[str, ...]:
    """Return what too few photographs leave untold, columns of one reason together."""
    columns: dict[str, list[str]] = {}
    for each in groups:
        reason = too_few(each).removeprefix(f"{each.metric}: ")
        columns.setdefault(reason, []).append(each.metric)
    return tuple(f"{', '.join(names)}: {why}" for why, names in columns.items() if why)


_TIME = SECONDS["name"]


def _cell(
    table: Table,
    at: int,
    line: Line,
    best: frozenset[str],
    places: Mapping[PlaceKey, Mapping[str, Place]],
) -> _Cell:
    cell = line.cells[at]
    return _Cell(
        text=cell_text(table, at, cell, is_baseline=line.is_baseline),
        sort=cell.mean.mean if cell else None,
        best=line.restorer in best,
        dagger=line.daggers[at],
        place=places.get(table.key(at), {}).get(line.restorer),
    )


def _shared_coverage(table: Table, at: int) -> str:
    found = {
        cell_text(table, at, line.cells[at], is_baseline=line.is_baseline).coverage
        for line in table.lines
    }
    return found.pop() if len(found) == 1 else ""


_NOT_KNOWN = (_Cost("–", None),) * len(_COST_HEADS)


def _costs(each: Efficiency) -> tuple[_Cost, ...]:
    memory, parameters = each.memory, each.parameters
    return (
        _Cost(_dash(milliseconds(each.p50)), each.p50),
        _Cost(_dash(milliseconds(each.p95)), each.p95),
        _Cost("–" if memory is None else f"{memory / 1e6:.1f}", memory),
        _Cost(_scaled(parameters), parameters),
    )


def _scaled(count: int | None) -> str:
    """Return a number with three digits and its unit: ``1.92 M``."""
    if count is None:
        return "–"
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= 0.9995 * size:  # else the unit below would show four digits
            return f"{f'{count / size:#.3g}'.rstrip('.')} {unit}"
    return str(count)


def _dash(text: str) -> str:
    return "–" if text == "-" else text


def _span(counts: Sequence[int]) -> str:
    few, most = min(counts, default=0), max(counts, default=0)
    return f"{few}" if few == most else f"{few} to {most}"
