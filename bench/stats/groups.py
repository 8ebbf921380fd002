"""Where a restorer is good and where it is not: its gain by group of photographs.

Groups come from a table that somebody made of the photographs (age, luminance of the skin, pose,
...); nothing here looks at an image.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.stats.bootstrap import Bootstrap, Interval
from bench.stats.compatibility import refuse_unfinished
from bench.stats.paired_values import Side, open_condition
from bench.stats.scores import BASELINE, signatures
from bench.store.record import SECONDS, Run
from degrade.config import nearest
from degrade.dataset.keys import pair_key
from degrade.errors import DatasetError, UserError

_KEY_COLUMN = "image"
_DISTINCT = 6
"""A column of numbers with more different ones is cut into three groups of equal size."""
_UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Attributes:
    """Attribute to photograph to group, and attribute to its groups in the order of tables."""

    groups: Mapping[str, Mapping[str, str]]
    order: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class GroupScore:
    """The gain of a restorer over doing nothing in one group, such as ``age`` ``60 and over``.

    ``difference`` is restorer minus `BASELINE`, with its paired 95 % bootstrap interval over the
    photographs in the group that have a value of both.
    """

    dataset: str
    recipe: str
    restorer: str
    metric: str
    direction: str
    attribute: str
    group: str
    photographs: int
    difference: Interval


def read_attributes(path: Path) -> Attributes:
    """Read a CSV with a column ``image`` and a column for each attribute.

    ``image`` is a file name as the data set has it, with or without its ending. An empty cell is a
    group of its own, ``not known``. Numbers with more than six different values are cut into
    thirds, which are named by their bounds. DatasetError for any other file.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as problem:
        raise DatasetError(f"{path} is no table: save it as CSV in UTF-8") from problem
    if not lines or _KEY_COLUMN not in lines[0]:
        raise DatasetError(f"{path} needs a header with the column '{_KEY_COLUMN}', and lines")
    columns = [name for name in lines[0] if name and name != _KEY_COLUMN]
    if not columns:
        raise DatasetError(f"{path} has no column but '{_KEY_COLUMN}': add an attribute")
    groups, order = {}, {}
    for column in columns:
        cells = {
            pair_key(each[_KEY_COLUMN] or "", 0, 1): (each[column] or "").strip() for each in lines
        }
        groups[column], order[column] = _grouped(cells)
    return Attributes(groups, order)


def group_scores(
    run: Run, restorer: str, attributes: Attributes, *, metrics: Sequence[str] = ()
) -> list[GroupScore]:
    """Return the gain of one restorer in every group, for every condition and pair metric.

    No metrics are all of them. UserError where the run is not finished, lacks a name, or holds none
    of the table's photographs.
    """
    refuse_unfinished(run)
    entries = run.metrics
    for name, known in [
        (restorer, run.record["restorers"]),
        *((name, entries) for name in metrics),
    ]:
        if name not in known:
            raise UserError(f"the run has no '{name}'.{nearest(name, known)}")
    signatures(run.rows)
    side, bootstrap = Side(run), Bootstrap(run.record["suite"]["seed"])
    chosen = [
        entries[name]
        for name in metrics or entries
        if entries[name].kind == "pair" and name != SECONDS["name"]
    ]
    scores = []
    for facts in run.record["conditions"]:
        condition = open_condition(side, facts["dataset"], facts["recipe"], "all")
        for each in chosen:
            sides = (side, restorer), (side, BASELINE)
            paired = condition.pair_values(*sides, each.name, each.ceiling)
            gains = dict(zip(condition.order, paired.differences.tolist(), strict=True))
            for attribute, group in _every(attributes):
                members = attributes.groups[attribute]
                values = [
                    gain
                    for name, gain in gains.items()
                    if members.get(name) == group and math.isfinite(gain)
                ]
                scores.append(
                    GroupScore(
                        condition.dataset, condition.recipe, restorer, each.name,
                        each.direction, attribute, group, len(values),
                        bootstrap.interval(values),
                    )
                )  # fmt: skip
    if not any(each.photographs for each in scores):
        raise UserError("the table names none of the run's photographs: check its column 'image'")
    return scores


def _every(attributes: Attributes) -> list[tuple[str, str]]:
    return [(name, group) for name, groups in attributes.order.items() for group in groups]


def _grouped(cells: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return each photograph's group and the groups in order."""
    known = {key: cell for key, cell in cells.items() if cell}
    numbers = {key: value for key, cell in known.items() if (value := _number(cell)) is not None}
    if known and len(numbers) == len(known) and len(set(numbers.values())) > _DISTINCT:
        named, order = _thirds(numbers)
    else:
        named, order = (
            dict(known),
            sorted(set(known.values()), key=lambda t: (_number(t) or 0.0, t)),
        )
    if len(known) < len(cells):
        named |= {key: _UNKNOWN for key in cells if key not in known}
        order = [*order, _UNKNOWN]
    return named, tuple(order)


def _thirds(numbers: Mapping[str, float]) -> tuple[dict[str, str], list[str]]:
    low, high = np.quantile(list(numbers.values()), [1 / 3, 2 / 3])
    order = [f"up to {low:.3g}", f"{low:.3g} to {high:.3g}", f"over {high:.3g}"]
    named = {k: order[0 if v <= low else 1 if v <= high else 2] for k, v in numbers.items()}
    return named, order


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
