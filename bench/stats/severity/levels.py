"""Which images of a run stand at which level of which degradation.

Where the recipe states a severity, that is the level; where it draws strengths, the images in
which a family is present are cut into thirds by their strength.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.store.images import ConditionKey, ImageKey
from degrade.ops import FAMILIES, OPERATIONS
from degrade.planner.plan import Plan, Step

Image = tuple[str, ImageKey]
"""``(recipe, (key, variant))`` of a degraded image of one data set."""

_THIRDS = ("mild", "middle", "severe")
_WORDS = {1: ("middle",), 2: ("mild", "severe"), 3: _THIRDS}
"""How many levels there are to what they are called."""

_UNSAID = ("any", "mixed")
"""Values of switches that leave the degradation to each image's draw."""


@dataclass(frozen=True, slots=True)
class Level:
    """Images of about one strength; number 1 is the mildest."""

    number: int
    title: str
    images: tuple[Image, ...]


@dataclass(frozen=True, slots=True)
class Degradation:
    """One kind of degradation with its levels, mildest first."""

    name: str
    family: str
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Grading:
    """The degradations of one data set under recipes that are read together.

    ``recipe`` is without the switches that state degradation and severity; ``stated`` says whether
    they state each image's severity, which else is read from the plans.
    """

    dataset: str
    recipe: str
    stated: bool
    degradations: tuple[Degradation, ...]


def gradings(
    conditions: Sequence[Mapping[str, Any]], plans: Mapping[ConditionKey, Mapping[ImageKey, Plan]]
) -> list[Grading]:
    """Return the gradings of a run's conditions in their order, without those without plans."""
    groups: dict[tuple[str, str, bool], list[Mapping[str, Any]]] = {}
    for each in conditions:
        if plans.get((each["dataset"], each["recipe"])):
            stated = _severity(each) is not None
            title = _common_name(each) if stated else each["recipe"]
            groups.setdefault((each["dataset"], title, stated), []).append(each)
    graded = []
    for (dataset, title, stated), members in groups.items():
        grade = _stated if stated else _from_plans
        degradations = sorted(grade(members, plans), key=lambda one: _order(one.family))
        if degradations:
            graded.append(Grading(dataset, title, stated, tuple(degradations)))
    return graded


def _severity(condition: Mapping[str, Any]) -> int | None:
    text = condition.get("choices", {}).get("severity", "")
    return int(text) if text.isdecimal() else None


def _common_name(condition: Mapping[str, Any]) -> str:
    choices = condition["choices"]
    stating = {choices.get(name) for name in ("corruption", "family", "severity")}
    return ":".join(part for part in condition["recipe"].split(":") if part not in stating)


def _stated(
    conditions: Sequence[Mapping[str, Any]], plans: Mapping[ConditionKey, Mapping[ImageKey, Plan]]
) -> list[Degradation]:
    cells: dict[tuple[str, str], dict[int, list[Image]]] = {}
    for each in conditions:
        level = _severity(each)
        assert level is not None
        choices = each["choices"]
        name = choices.get("corruption", choices.get("family", ""))
        for key, plan in sorted(plans[each["dataset"], each["recipe"]].items()):
            parts = parts_of(plan)
            if not parts:
                continue
            called = parts[0].step.operation if name in ("", *_UNSAID) else name
            cell = cells.setdefault((called.replace("_", " "), parts[0].family), {})
            cell.setdefault(level, []).append((each["recipe"], key))
    return [
        Degradation(name, family, tuple(Level(n, str(n), tuple(levels[n])) for n in sorted(levels)))
        for (name, family), levels in cells.items()
    ]


def _from_plans(
    conditions: Sequence[Mapping[str, Any]], plans: Mapping[ConditionKey, Mapping[ImageKey, Plan]]
) -> list[Degradation]:
    strengths: dict[str, dict[Image, float]] = {}
    for each in conditions:
        for key, plan in sorted(plans[each["dataset"], each["recipe"]].items()):
            for family, part in strongest(plan).items():
                strengths.setdefault(family, {})[each["recipe"], key] = part.strength
    return [Degradation(family, family, _thirds(graded)) for family, graded in strengths.items()]


def _thirds(strengths: Mapping[Image, float]) -> tuple[Level, ...]:
    """Cut images into thirds; equal strengths stay together, so there may be fewer."""
    values = np.array(list(strengths.values()))
    low, high = np.quantile(values, [1 / 3, 2 / 3], method="inverted_cdf")
    numbers = (values > low).astype(int) + (values > high)
    present = sorted(set(numbers.tolist()))
    levels = []
    for third, words in zip(present, _WORDS[len(present)], strict=True):
        own = values[numbers == third]
        span = f"{100 * own.min():.0f}-{100 * own.max():.0f} %"
        images = [i for i, its in zip(strengths, numbers.tolist(), strict=True) if its == third]
        levels.append(Level(1 + _THIRDS.index(words), f"{words}: {span}", tuple(images)))
    return tuple(levels)


def _order(family: str) -> int:
    return FAMILIES.index(family)


@dataclass(frozen=True, slots=True)
class DegradationPart:
    """One operation of a plan that makes the image worse, of one of `degrade.ops.FAMILIES`.

    ``strength`` is where it stands on the operation's ladder, 0 at the mild end and beyond, 1 at
    the severe end and beyond.
    """

    family: str
    step: Step
    strength: float


def parts_of(plan: Plan) -> tuple[DegradationPart, ...]:
    """Return what makes the degraded half of a plan's pair worse, in the plan's order.

    Steps of the truth alone, enlargements and operations without a ladder are left out.
    """
    parts = []
    size = plan.size
    for step in plan.steps:
        if step.target == "hq":
            continue
        operation = OPERATIONS[step.operation]
        family = operation.family_of(step.parameters)
        strength = operation.strength(step.parameters, size)
        if family and strength is not None:
            parts.append(DegradationPart(family, step, strength))
        if operation.resizes:
            size = int(step.parameters["height"]), int(step.parameters["width"])
    return tuple(parts)


def strongest(plan: Plan) -> dict[str, DegradationPart]:
    """Return the strongest part of each family that is in a plan."""
    strongest: dict[str, DegradationPart] = {}
    for part in parts_of(plan):
        known = strongest.get(part.family)
        if known is None or part.strength > known.strength:
            strongest[part.family] = part
    return strongest
