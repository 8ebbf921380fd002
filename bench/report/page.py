"""The report as one HTML file that needs no network: style, script and pictures are inside.

Fills the templates in ``assets``; every text from outside is escaped by the template engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from bench.report.costs import COST_NOTE, machine_of
from bench.report.facets import FACETS, Facets, facets_of
from bench.report.gallery import Captions, captions_of
from bench.report.losses import identity_losses
from bench.report.made import facts_of
from bench.report.model import Report
from bench.report.page_boards import boards_of
from bench.report.page_severity import Block, severity_blocks
from bench.report.phrases import LEGEND, LETTERS_NOTE, NOTICE, RANK_NOTE
from bench.report.pictures import Album, collect, has_truths
from bench.report.plain import table_notes
from bench.report.ranking import ranking_column
from bench.report.win_rates_text import WIN_NOTE, win_tables

__all__ = ["html_page"]

_ASSETS = Path(__file__).parent / "assets"
_STYLES = ("base", "filters", "tables", "gallery", "severity")
_SCRIPTS = ("state", "sort", "board", "gallery", "severity", "filter")

_LARGEST = 14_000_000
"""Bytes of a page, kept below the 15 MB that mail and issue trackers take at most."""

_PICTURES = 9_000_000
"""Bytes of all pictures together, before base64: larger pages open slowly on a phone."""

_CELL = 900
"""About how many bytes of HTML a cell of a leaderboard takes."""


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
    inline = {
        i
        for group in album.comparisons
        for each in group
        for i in [p.index for p in each.visible()]
    }
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
        ranked_by=ranking_column(report),
        truths=has_truths(report.run.record),
        notes={"legend": LEGEND, "letters": LETTERS_NOTE, "rank": RANK_NOTE, "wins": WIN_NOTE},
        costs=f"{COST_NOTE} {machine_of(report.run.record)}.",
        notice=NOTICE,
        style=_joined(_STYLES, "css"),
        script=_joined(_SCRIPTS, "js"),
    )


def _sections(
    report: Report, facets: Sequence[Facets], captions: Sequence[Captions], album: Album
) -> list[dict[str, Any]]:
    wins = {(each.dataset, each.recipe): each for each in win_tables(report.wins)}
    boards = boards_of(report)
    together = zip(report.tables, boards, facets, captions, album.comparisons, strict=True)
    return [
        {
            "table": table,
            "facets": [(facet, own.values(facet)) for facet in FACETS],
            "board": board,
            "wins": wins.get((table.dataset, table.recipe)),
            "table_notes": table_notes(table),
            "comparisons": comparisons,
            "leader": said.leader,
            "ranks": {each.key: said.ranks(each.key) for each in comparisons},
            "made": {each.key: said.made.get(each.key, "") for each in comparisons},
        }
        for table, board, own, said, comparisons in together
    ]


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
        ("leaderboards" if report.tables else "", "Leaderboards"),
        ("severity" if blocks else "", "By severity"),
        ("identity" if losses else "", "Least like the person"),
        ("gaps" if report.gaps else "", "Without a value"),
        ("reading", "How to read it"),
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
    restorers = len(report.run.record["restorers"])
    date = report.run.record["started"][:10].replace("-", "\N{NON-BREAKING HYPHEN}")
    if not has_truths(report.run.record):
        return f"{restorers} restorers on {images} photographs of {datasets}, as found. {date}."
    return (
        f"{restorers} restorers on {images} degraded images: "
        f"{photographs} photographs of {datasets} under {conditions} {recipes}. "
        f"{date}."
    )


def _room(report: Report) -> int:
    """Return how many bytes of pictures leave the page small enough beside its tables."""
    cells = sum(len(table.lines) * (len(table.columns) + 2) for table in report.tables)
    points = sum(len(curve.points) for each in report.severity for curve in each.curves)
    return max(0, min(_PICTURES, int((_LARGEST - _CELL * (cells + points // 2)) * 0.74)))


def _joined(names: Sequence[str], ending: str) -> Markup:
    """Return our own style or script, each part in a scope of its own where it is a script."""
    texts = [(_ASSETS / f"{name}.{ending}").read_text(encoding="utf-8") for name in names]
    return Markup("\n".join(f"{{\n{text}}}" if ending == "js" else text for text in texts))
