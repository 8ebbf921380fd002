"""The report as one HTML file that needs no network: style, script and pictures are inside.

Fills the templates in ``assets``; every text from outside is escaped by the template engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from bench.report.facets import FACETS, Facets, facets_of
from bench.report.gallery import Captions, captions_of
from bench.report.losses import identity_losses
from bench.report.made import facts_of
from bench.report.model import Line, Report, Table
from bench.report.page_severity import Block, severity_blocks
from bench.report.phrases import LEGEND, NOTICE, CellText, cell_text
from bench.report.pictures import Album, collect
from bench.report.plain import not_scored

__all__ = ["html_page"]

_ASSETS = Path(__file__).parent / "assets"
_STYLES = ("base", "filters", "tables", "gallery", "severity")
_SCRIPTS = ("sort", "gallery", "severity", "filter")

_LARGEST = 14_000_000
"""Bytes of a page, kept below the 15 MB that mail and issue trackers take at most."""

_PICTURES = 9_000_000
"""Bytes of all pictures together, before base64: larger pages open slowly on a phone."""

_CELL = 900
"""About how many bytes of HTML a cell of a leaderboard takes."""


@dataclass(frozen=True, slots=True)
class _Cell:
    text: CellText
    sort: float | None
    best: bool
    dagger: bool


@dataclass(frozen=True, slots=True)
class _Body:
    """A group of lines that is sorted for itself: the baseline, the blind, the oracles."""

    kind: str
    rows: tuple[tuple[Line, tuple[_Cell, ...]], ...]


def html_page(report: Report) -> str:
    """Return the whole page."""
    engine = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    captions = captions_of(report)
    album = collect(report, [each.order for each in captions], _room(report))
    facets = facets_of(report)
    blocks = severity_blocks(report)
    losses, losses_in_all = identity_losses(report)
    inline = {i for group in album.comparisons for each in group for i in each.visible()}
    return engine.get_template("page.html").render(
        report=report,
        record=report.run.record,
        summary=_summary(report),
        contents=_contents(report, blocks, losses=bool(losses)),
        filters=_filters(facets),
        sections=_sections(report, facets, captions, album),
        severities=blocks,
        pictures=album.data,
        others={str(i): data for i, data in enumerate(album.data) if i not in inline},
        losses=losses,
        losses_in_all=losses_in_all,
        columns=report.tables[0].columns if report.tables else (),
        facts=facts_of(report.run.record),
        legend=LEGEND,
        notice=NOTICE,
        style=_joined(_STYLES, "css"),
        script=_joined(_SCRIPTS, "js"),
    )


def _sections(
    report: Report, facets: Sequence[Facets], captions: Sequence[Captions], album: Album
) -> list[dict[str, Any]]:
    together = zip(report.tables, facets, captions, album.comparisons, strict=True)
    return [
        {
            "table": table,
            "facets": [(facet, own.values(facet)) for facet in FACETS],
            "columns": [table.columns[position] for position in table.scored()],
            "bodies": _bodies(table),
            "not_scored": not_scored(table),
            "comparisons": comparisons,
            "leader": said.leader,
            "ranks": {each.key: said.ranks(each.key) for each in comparisons},
            "made": {each.key: said.made.get(each.key, "") for each in comparisons},
        }
        for table, own, said, comparisons in together
    ]


def _bodies(table: Table) -> list[_Body]:
    shown = table.scored()
    best = {position: table.best(position) for position in shown}
    bodies: dict[str, list[tuple[Line, tuple[_Cell, ...]]]] = {}
    for line in table.lines:
        kind = "oracle" if line.is_oracle else "baseline" if line.is_baseline else "blind"
        cells = []
        for position in shown:
            cell = line.cells[position]
            cells.append(
                _Cell(
                    text=cell_text(table, position, cell, is_baseline=line.is_baseline),
                    sort=cell.mean.mean if cell else None,
                    best=line.restorer in best[position],
                    dagger=line.daggers[position],
                )
            )
        bodies.setdefault(kind, []).append((line, tuple(cells)))
    return [_Body(kind, tuple(rows)) for kind, rows in bodies.items()]


def _filters(facets: Sequence[Facets]) -> list[tuple[str, list[str]]]:
    """Return each facet that tells conditions apart, with its values in order of appearance."""
    found = []
    for facet in FACETS:
        values = list(dict.fromkeys(value for each in facets for value in each.values(facet)))
        if len(values) > 1:
            found.append((facet, values))
    return found


def _contents(report: Report, blocks: Sequence[Block], *, losses: bool) -> list[tuple[str, str]]:
    parts = [
        ("title-1" if report.tables else "", "Leaderboards"),
        ("severity-1" if blocks else "", "By severity"),
        ("identity" if losses else "", "Least like the person"),
        ("gaps" if report.gaps else "", "Without a value"),
        ("restorers", "Restorers"),
        ("metrics", "Metrics"),
        ("made", "How this was made"),
    ]
    return [(anchor, title) for anchor, title in parts if anchor]


def _summary(report: Report) -> str:
    datasets = ", ".join(dict.fromkeys(table.dataset for table in report.tables))
    images = sum(table.images for table in report.tables)
    conditions = len(report.tables)
    recipes = "recipe" if conditions == 1 else "recipes"
    photographs = max((table.photographs for table in report.tables), default=0)
    date = report.run.record["started"][:10].replace("-", "\N{NON-BREAKING HYPHEN}")
    return (
        f"{len(report.run.record['restorers'])} restorers on {images} degraded images: "
        f"{photographs} photographs of {datasets} under {conditions} {recipes}. "
        f"{date}."
    )


def _room(report: Report) -> int:
    """Return how many bytes of pictures leave the page small enough beside its tables."""
    cells = sum(len(table.lines) * len(table.columns) for table in report.tables)
    points = sum(len(curve.points) for each in report.severity for curve in each.curves)
    return max(0, min(_PICTURES, int((_LARGEST - _CELL * (cells + points // 2)) * 0.74)))


def _joined(names: Sequence[str], ending: str) -> Markup:
    """Return our own style or script, each part in a scope of its own where it is a script."""
    texts = [(_ASSETS / f"{name}.{ending}").read_text(encoding="utf-8") for name in names]
    return Markup("\n".join(f"{{\n{text}}}" if ending == "js" else text for text in texts))
