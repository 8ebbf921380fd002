"""How each degraded image of a run was made: its plan, kept beside the rows of its values.

So scores can be read against the strength of a degradation without an image or a recipe file.
Nothing here knows what is strong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from bench.store.images import ConditionKey, ImageKey
from degrade.errors import DatasetError
from degrade.images import atomic_file
from degrade.planner.plan import Plan

_FILE = "plans.jsonl"


Plans = dict[tuple[ConditionKey, ImageKey], Plan]
"""The plan of each degraded image of a run, as they come by."""


def write_plans(run: Path, plans: Plans) -> None:
    """Write plans into the folder of a run, whole or not at all, sorted by name."""
    with atomic_file(run / _FILE) as file:
        for (where, key), plan in sorted(plans.items(), key=lambda item: item[0]):
            record = {
                "dataset": where[0],
                "recipe": where[1],
                "key": key[0],
                "variant": key[1],
                "plan": json.loads(plan.to_json()),
            }
            file.write(json.dumps(record, allow_nan=False).encode() + b"\n")


def read_plans(run: Path) -> Mapping[ConditionKey, Mapping[ImageKey, Plan]]:
    """Return the plans of the run in a folder; none where it is not finished, or older than they.

    Nothing in them is ever executed; DatasetError for a line that is no plan.
    """
    path = run / _FILE
    if not path.is_file():
        return {}
    plans: dict[ConditionKey, dict[ImageKey, Plan]] = {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            where = str(record["dataset"]), str(record["recipe"])
            plan = Plan.from_json(json.dumps(record["plan"]))
            plans.setdefault(where, {})[str(record["key"]), int(record["variant"])] = plan
        except (ValueError, KeyError, TypeError) as problem:
            raise DatasetError(
                f"{path} line {number}: this is not a plan: delete the file and run the suite "
                "again into the same folder"
            ) from problem
    return plans
