"""The report as JSON: every table, severity, what has no value, and the run's own record."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from bench.report.costs import costs_of, machine_of
from bench.report.model import Leaderboard, Report, column_ranks
from bench.stats.scores import Score
from bench.stats.severity import Severity


def report_json(report: Report) -> str:
    """Return strict JSON, indented; infinities are the strings ``inf`` and ``-inf``.

    ``leaderboards`` holds a list of lines for each condition, a cell for each metric by name;
    ``run`` is the content of ``run.json``.
    """
    content = {
        "suite": report.run.suite,
        "complete": report.run.complete,
        "leaderboards": [_table(table) for table in report.tables],
        "significance_groups": _groups(report),
        "win_rates": [asdict(each) for each in report.wins],
        "severity": [_severity(each) for each in report.severity],
        "costs": [
            {**each.as_record(), "machine": machine_of(report.run.record)}
            for each in costs_of(report.run.record)
        ],
        "without_a_value": [asdict(missing) for missing in report.gaps],
        "run": report.run.record,
    }
    return json.dumps(_strict(content), indent=1, allow_nan=False) + "\n"


def _groups(report: Report) -> list[dict[str, Any]]:
    """Return each column's letters, and the rank of whoever has one."""
    ranks = column_ranks(report.groups)
    return [
        {
            **asdict(each),
            "ranks": {
                name: own.rank
                for name, own in ranks[each.dataset, each.recipe, each.metric].items()
            },
        }
        for each in report.groups
    ]


def _table(table: Leaderboard) -> dict[str, Any]:
    lines = []
    for line in table.lines:
        named = zip(table.columns, line.cells, line.daggers, strict=True)
        cells = {
            column.name: {**_score(cell), "judged_by_training_network": dagger}
            for column, cell, dagger in named
            if cell is not None
        }
        lines.append({"restorer": line.restorer, "blind": not line.is_oracle, "scores": cells})
    condition = {"dataset": table.dataset, "recipe": table.recipe}
    return {**condition, "images": table.images, "photographs": table.photographs, "lines": lines}


def _score(cell: Score) -> dict[str, Any]:
    left_out = ("dataset", "recipe", "restorer", "metric")
    facts = {key: value for key, value in asdict(cell).items() if key not in left_out}
    return {**facts, "coverage": cell.coverage}


def _severity(each: Severity) -> dict[str, Any]:
    grading = each.grading
    return {
        "dataset": grading.dataset,
        "recipe": grading.recipe,
        "stated": grading.stated,
        "metric": each.metric,
        "direction": each.direction,
        "unit": each.unit,
        "curves": [asdict(curve) for curve in each.curves],
        "restoration_errors": [asdict(error) for error in each.standings],
    }


def _strict(value: Any) -> Any:
    """Return the same with infinities as text."""
    if isinstance(value, dict):
        return {key: _strict(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
