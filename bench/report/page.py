"""The report as one HTML file that needs no network: style, script and images are inside.

Fills the templates in ``assets``; every text from outside is escaped by the template engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from bench.report.cells import (
    LEGEND,
    LETTERS_NOTE,
    NOTICE,
    RANK_NOTE,
    boards_of,
    table_notes,
)
from bench.report.costs import COST_NOTE, cost_facts, machine_of
from bench.report.gallery import Captions, captions_of, identity_losses, ranking_column
from bench.report.images import Album, collect
from bench.report.model import Report
from bench.report.page_severity import SeverityBlock, severity_blocks
from bench.report.significance import WIN_NOTE, win_tables
from bench.stats.severity import parts_of
from bench.store.images import ImageKey
from bench.suite.conditions import AS_FOUND
from degrade.planner.plan import Plan

_ASSETS = Path(__file__).parent / "assets"
_STYLES = ("base", "filters", "tables", "gallery", "severity")
_SCRIPTS = ("state", "sort", "board", "gallery", "severity", "filter")

_LARGEST = 14_000_000
"""Bytes of a page, kept below the 15 MB that mail and issue trackers take at most."""

_IMAGES = 9_000_000
"""Bytes of all images together, before base64: larger pages open slowly on a phone."""

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
    return engine.get_template("page.html").render(
        report=report,
        record=report.run.record,
        summary=_summary(report),
        contents=_contents(report, blocks, losses=bool(losses)),
        filters=_filters(facets),
        sections=_sections(report, facets, captions, album),
        severities=blocks,
        pictures=album.data,
        others=album.hidden,
        losses=losses,
        losses_in_all=losses_in_all,
        columns=report.tables[0].columns if report.tables else (),
        facts=_manifest(report),
        ranked_by=ranking_column(report),
        truths=report.has_references,
        notes={"legend": LEGEND, "letters": LETTERS_NOTE, "rank": RANK_NOTE, "wins": WIN_NOTE},
        costs=f"{COST_NOTE} {machine_of(report.run.record)}.",
        notice=NOTICE,
        style=_joined(_STYLES, "css"),
        script=_joined(_SCRIPTS, "js"),
    )


def _sections(
    report: Report, facets: Sequence[Facets], captions: Sequence[Captions], album: Album
) -> list[dict[str, Any]]:
    wins = win_tables(report.wins)
    together = zip(boards_of(report), facets, captions, album.images, strict=True)
    return [
        {
            "table": board.table,
            "facets": [(facet, own.values(facet)) for facet in FACETS],
            "board": board,
            "wins": wins.get(board.table.condition),
            "table_notes": table_notes(board.table),
            "comparisons": images,
            "leader": texts.leader,
            "ranks": {each.key: texts.ranks.get(each.key, {}) for each in images},
            "made": {each.key: texts.degradations.get(each.key, "") for each in images},
        }
        for board, own, texts, images in together
    ]


def _filters(facets: Sequence[Facets]) -> list[tuple[str, list[str]]]:
    """Return each facet that tells conditions apart, with its values in order of appearance."""
    filters = []
    for facet in FACETS:
        values = list(dict.fromkeys(value for each in facets for value in each.values(facet)))
        if len(values) > 1:
            filters.append((facet, values))
    return filters


def _contents(
    report: Report, blocks: Sequence[SeverityBlock], *, losses: bool
) -> list[tuple[str, str]]:
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
    if not report.has_references:
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
    return max(0, min(_IMAGES, int((_LARGEST - _CELL * (cells + points // 2)) * 0.74)))


def _joined(names: Sequence[str], ending: str) -> Markup:
    """Return our own style or script, each part in a scope of its own where it is a script."""
    texts = [(_ASSETS / f"{name}.{ending}").read_text(encoding="utf-8") for name in names]
    return Markup("\n".join(f"{{\n{text}}}" if ending == "js" else text for text in texts))


FACETS = ("dataset", "recipe", "family", "degradation", "severity")
"""In the order of a page's filters."""

_UNSTATED = ("any", "mixed", "")


@dataclass(frozen=True, slots=True)
class Facets:
    """One condition's values of every facet; a mixture has several families.

    ``recipe`` is without the switches that state degradation and severity, which are empty where
    the recipe states none.
    """

    dataset: str
    recipe: str
    family: tuple[str, ...]
    degradation: str
    severity: str

    def values(self, facet: str) -> tuple[str, ...]:
        """Return the values of a facet, perhaps none."""
        value = getattr(self, facet)
        return value if isinstance(value, tuple) else (value,) if value else ()


def facets_of(report: Report) -> list[Facets]:
    """Return the facets of each table of a report."""
    facets = []
    for table, condition in zip(report.tables, report.run.record["conditions"], strict=True):
        choices: Mapping[str, Any] = condition.get("choices", {})
        degradation = choices.get("corruption", choices.get("family", ""))
        severity = choices.get("severity", "")
        stating = {degradation, severity} - {""}
        stated = degradation not in _UNSTATED
        facets.append(
            Facets(
                table.dataset,
                ":".join(part for part in table.recipe.split(":") if part not in stating),
                families_of(report.plans.get(table.condition, {}), first=stated),
                degradation.replace("_", " ") if stated else "",
                severity,
            )
        )
    return facets


def families_of(plans: Mapping[ImageKey, Plan], *, first: bool) -> tuple[str, ...]:
    """Return the families in these plans, or of each plan's first degradation alone, sorted.

    A recipe that states its degradation may close with a mild JPEG, which is not what it is about.
    """
    every = (parts_of(plan) for plan in plans.values())
    return tuple(sorted({p.family for parts in every for p in (parts[:1] if first else parts)}))


_MANY = 8
"""More recipes than these share one line."""


def _manifest(report: Report) -> list[tuple[str, str]]:
    """Return label and text of everything in ``run.json`` that decides a number."""
    record = report.run.record
    environment = record["environment"]
    git = environment["git"]
    revision = "not a checkout"
    if git:
        revision = git["revision"] + (" with uncommitted changes" if git["dirty"] else "")
    libraries = environment["libraries"].items()
    return [
        ("Relume", environment["relume"]),
        ("Revision", revision),
        ("Suite", f"{record['suite']['name']} · sha256 {record['suite_sha256'][:16]}"),
        ("Seed", str(record["suite"]["seed"])),
        ("Variants", str(record["suite"]["variants"])),
        ("Reference of set metrics", _reference(report)),
        ("Masks given", record["suite"].get("masks", "none")),
        *_recipes(record),
        *_data(record),
        *_judges(record),
        *cost_facts(record),
        ("Started", record["started"]),
        ("Finished", record["finished"] or "not yet"),
        *(("Resumed", each["time"]) for each in record["resumed"]),
        ("Processor", f"{environment['cpu']} · {environment['cpus']} CPUs"),
        ("Threads", str(environment["torch_threads"] or "no network was loaded")),
        ("System", f"{environment['platform']} · Python {environment['python']}"),
        ("Libraries", " · ".join(f"{name} {version}" for name, version in libraries)),
    ]


def _recipes(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    recipes = {each["recipe"]: each["recipe_digest"] for each in record["conditions"]}
    if len(recipes) <= _MANY:
        return [(f"Recipe {name}", digest) for name, digest in recipes.items() if name != AS_FOUND]
    short = (f"{name} {digest[:8]}" for name, digest in recipes.items())
    return [(f"{len(recipes)} recipes", " · ".join(short))]


def _data(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the digest of each condition's pixels, HQ and degraded."""
    known = [each for each in record["conditions"] if each.get("pixels_sha256")]
    if len(known) > _MANY:
        short = (
            f"{each['dataset']} × {each['recipe']} {each['pixels_sha256'][:8]}" for each in known
        )
        return [(f"Pixels of {len(known)} conditions", " · ".join(short))]
    return [
        (f"Pixels of {each['dataset']} × {each['recipe']}", each["pixels_sha256"]) for each in known
    ]


def _judges(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the digest of each file of weights that a metric was computed with."""
    judges: dict[tuple[str, str], list[str]] = {}
    for name, facts in record["metrics"].items():
        for file, digest in (facts.get("weights") or {}).items():
            judges.setdefault((file, digest), []).append(name)
    return [
        (f"Judge of {', '.join(names)}", f"{file} · sha256 {digest}")
        for (file, digest), names in judges.items()
    ]


def _reference(report: Report) -> str:
    reference = report.run.record.get("reference")
    if not reference:
        return "HQ of the same images" if report.has_references else "none"
    name, images, digest = (reference[key] for key in ("name", "images", "sha256"))
    return f"{name} · {images} images · sha256 {digest[:16]}"
