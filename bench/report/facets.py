"""What the conditions of a report are told apart by, so that a page can filter them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.report.model import Report
from bench.stats.severity import parts_of
from bench.store.photographs import ImageKey
from degrade.planner.plan import Plan

__all__ = ["FACETS", "Facets", "facets_of", "families_of"]

FACETS = ("dataset", "recipe", "family", "degradation", "severity")
"""In the order of a page's filters."""

_UNSAID = ("any", "mixed", "")


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
    found = []
    for table, condition in zip(report.tables, report.run.record["conditions"], strict=True):
        plans = report.plans.get((table.dataset, table.recipe), {})
        choices: Mapping[str, Any] = condition.get("choices", {})
        degradation = choices.get("corruption", choices.get("family", ""))
        severity = choices.get("severity", "")
        told = {degradation, severity} - {""}
        recipe = ":".join(part for part in table.recipe.split(":") if part not in told)
        stated = degradation not in _UNSAID
        found.append(
            Facets(
                table.dataset,
                recipe,
                families_of(plans, first=stated),
                degradation.replace("_", " ") if stated else "",
                severity,
            )
        )
    return found


def families_of(plans: Mapping[ImageKey, Plan], *, first: bool) -> tuple[str, ...]:
    """Return the families in these plans, or of each plan's first degradation alone, sorted.

    A recipe that states its degradation may close with a mild JPEG, which is not what it is about.
    """
    found = set()
    for plan in plans.values():
        parts = parts_of(plan)
        found |= {part.family for part in (parts[:1] if first else parts)}
    return tuple(sorted(found))
