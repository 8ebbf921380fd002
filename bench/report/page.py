"""The report as one HTML file that needs no network: style, script and pictures are inside.

Fills ``template.html``; every text from outside is escaped by the template engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from bench.report.model import Line, Report, Table
from bench.report.phrases import LEGEND, NOTICE, CellText, cell_text
from bench.report.pictures import collect
from bench.report.plain import not_scored

__all__ = ["html_page"]

_HERE = Path(__file__).parent


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
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    album = collect(report)
    sections = [
        {
            "table": table,
            "columns": [table.columns[position] for position in table.scored()],
            "bodies": _bodies(table),
            "not_scored": not_scored(table),
            "comparisons": comparisons,
        }
        for table, comparisons in zip(report.tables, album.comparisons, strict=True)
    ]
    inline = {i for group in album.comparisons for each in group for i in each.visible()}
    return engine.get_template("template.html").render(
        report=report,
        record=report.run.record,
        sections=sections,
        pictures=album.data,
        others={str(i): data for i, data in enumerate(album.data) if i not in inline},
        columns=report.tables[0].columns if report.tables else (),
        facts=_facts(report.run.record),
        legend=LEGEND,
        notice=NOTICE,
        style=Markup((_HERE / "report.css").read_text(encoding="utf-8")),
        script=Markup((_HERE / "report.js").read_text(encoding="utf-8")),
    )


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


def _reference(record: Mapping[str, Any]) -> str:
    found = record.get("reference")
    if not found:
        return "the truths of the same images"
    return f"{found['name']} · {found['images']} images · sha256 {found['sha256'][:16]}"


def _facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the manifest of the run as label and text."""
    environment = record["environment"]
    git = environment["git"]
    revision = "not a checkout"
    if git:
        revision = git["revision"] + (" with uncommitted changes" if git["dirty"] else "")
    recipes = {each["recipe"]: each["recipe_digest"] for each in record["conditions"]}
    libraries = environment["libraries"].items()
    return [
        ("Relume", environment["relume"]),
        ("Revision", revision),
        ("Suite", f"{record['suite']['name']} · sha256 {record['suite_sha256'][:16]}"),
        ("Seed", str(record["suite"]["seed"])),
        ("Variants", str(record["suite"]["variants"])),
        ("Reference of set metrics", _reference(record)),
        ("Masks given", record["suite"].get("masks", "none")),
        *((f"Recipe {name}", digest) for name, digest in recipes.items()),
        ("Started", record["started"]),
        ("Finished", record["finished"] or "not yet"),
        *(("Resumed", each["time"]) for each in record["resumed"]),
        ("Processor", f"{environment['cpu']} · {environment['cpus']} CPUs"),
        ("Threads", str(environment["torch_threads"] or "no network was loaded")),
        ("System", f"{environment['platform']} · Python {environment['python']}"),
        ("Libraries", " · ".join(f"{name} {version}" for name, version in libraries)),
    ]
