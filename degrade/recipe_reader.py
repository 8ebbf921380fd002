"""YAML to Recipe, checking every key and every range, with the line in each message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

from degrade.distributions import (
    Distribution,
    Fixed,
    InvalidDistributionError,
    Range,
    parse_distribution,
)
from degrade.errors import RecipeError
from degrade.operations import OPERATIONS, Boolean, Choice, Integer, Operation, Parameter
from degrade.recipe import Group, Recipe, RecipeStep, recipe_digest
from degrade.yaml_lines import KeyPath, load_yaml, nearest

__all__ = ["read_recipe"]

_TOP = ("name", "version", "summary", "source", "size", "untouched", "shuffle", "steps", "measured")
_GROUPS = ("one_of", "some_of", "all_of")
_GROUP_KEYS = ("probability", "weight", "shuffle", "count", *_GROUPS)
_STEP_KEYS = ("operation", "probability", "weight", "target")
_TARGETS = ("lq", "hq", "both")


def read_recipe(path: Path) -> Recipe:
    """Return the recipe in a YAML file; raises RecipeError with the line of the mistake."""
    data, lines = load_yaml(path, path.name, error=RecipeError)
    return _Reader(path, lines).recipe(data)


@dataclass(slots=True)
class _Reader:
    """One pass over one file; counts the slots as it goes."""

    path: Path
    lines: Mapping[KeyPath, int]
    used: dict[str, int] = field(default_factory=dict)
    slots: int = 0

    def fail(self, where: KeyPath, message: str) -> NoReturn:
        line = next(
            (self.lines[where[:n]] for n in range(len(where), -1, -1) if where[:n] in self.lines), 1
        )
        raise RecipeError(f"{self.path.name} line {line}: {message}")

    def mapping(self, data: object, where: KeyPath, valid: Iterable[str]) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail(where, "a mapping of keys to values was expected here")
        valid = tuple(valid)
        unknown = [key for key in data if key not in valid]
        if unknown:
            key = next((key for key in unknown if nearest(key, valid)), unknown[0])
            known = f"use {', '.join(valid)}"
            self.fail((*where, str(key)), f"unknown key '{key}': {known}.{nearest(key, valid)}")
        return data

    def recipe(self, data: object) -> Recipe:
        top = self.mapping(data, (), _TOP)
        for key in ("version", "steps"):
            if key not in top:
                self.fail((), f"the key '{key}' is missing")
        if not _is_whole(top["version"]):
            self.fail(("version",), "version is a whole number")
        untouched = self.probability(top.get("untouched", 0.0), ("untouched",))
        self.slots += 1
        root = self.members("all_of", top["steps"], ("steps",), slot=0, probability=1.0,
                            shuffle=self.flag(top.get("shuffle", False), ("shuffle",)))  # fmt: skip
        measured = self.mapping(top.get("measured", {}), ("measured",), ("median_psnr", "protocol"))
        return Recipe(
            name=self.text(top, "name", self.path.stem),
            version=top["version"],
            summary=self.text(top, "summary", ""),
            source=self.text(top, "source", ""),
            size=self.size(top.get("size")),
            untouched=untouched,
            root=root,
            median_psnr=self.decibels(measured.get("median_psnr")),
            digest=recipe_digest(untouched, root, self.used),
        )

    def text(self, top: Mapping[str, Any], key: str, default: str) -> str:
        written = top.get(key, default)
        if not isinstance(written, str):
            self.fail((key,), f"{key} is a text: put it in quotes")
        return " ".join(written.split())

    def decibels(self, written: object) -> float | None:
        if written is None:
            return None
        distribution = self.distribution(written, ("measured", "median_psnr"))
        if not (isinstance(distribution, Fixed) and isinstance(distribution.value, int | float)):
            self.fail(("measured", "median_psnr"), "median_psnr is a number of decibels")
        return float(distribution.value)

    def size(self, written: object) -> tuple[int, int] | None:
        if written is None:
            return None
        sides = [written, written] if isinstance(written, int) else written
        if not (isinstance(sides, list) and len(sides) == 2 and all(
            _is_whole(side) and 1 <= side <= 65535 for side in sides
        )):  # fmt: skip
            self.fail(("size",), "size is one number of pixels, or [height, width]")
        return sides[0], sides[1]

    def probability(self, written: object, where: KeyPath) -> float:
        if isinstance(written, bool) or not isinstance(written, int | float):
            self.fail(where, f"'{written}' is not a probability between 0 and 1")
        if not 0 <= written <= 1:
            self.fail(where, f"{written} is not a probability between 0 and 1")
        return float(written)

    def flag(self, written: object, where: KeyPath) -> bool:
        if not isinstance(written, bool):
            self.fail(where, f"'{written}' is not true or false")
        return written

    def node(self, data: object, where: KeyPath) -> RecipeStep | Group:
        if not isinstance(data, dict):
            self.fail(where, "a step was expected: a mapping with 'operation' or 'one_of'")
        slot, self.slots = self.slots, self.slots + 1
        if self.slots > 256:
            self.fail(where, "a recipe may have 255 steps and groups at most")
        kinds = [kind for kind in _GROUPS if kind in data]
        if "operation" in data:
            return self.step(data, where, slot)
        if len(kinds) != 1:
            self.mapping(data, where, (*_GROUP_KEYS, "operation"))
            self.fail(where, "a step has one of 'operation', 'one_of', 'some_of' and 'all_of'")
        counted = kinds[0] == "some_of"
        keys = [key for key in _GROUP_KEYS if counted or key != "count"]
        group = self.mapping(data, where, keys)
        count = self.count(group, where) if counted else None
        return self.members(
            kinds[0],
            group[kinds[0]],
            (*where, kinds[0]),
            slot=slot,
            probability=self.probability(group.get("probability", 1.0), (*where, "probability")),
            shuffle=self.flag(group.get("shuffle", False), (*where, "shuffle")),
            count=count,
        )

    def count(self, group: Mapping[str, Any], where: KeyPath) -> Distribution:
        place = (*where, "count")
        if "count" not in group:
            self.fail(where, "some_of needs the key 'count': how many of its members happen")
        count = self.distribution(group["count"], place)
        most = len(group["some_of"]) if isinstance(group["some_of"], list) else 0
        for value in count.extremes():
            if not _is_whole(value) or not 0 <= value <= most:
                self.fail(place, f"count is a whole number from 0 to the {most} members")
        return count

    def members(
        self,
        kind: str,
        data: object,
        where: KeyPath,
        *,
        slot: int,
        probability: float,
        shuffle: bool,
        count: Distribution | None = None,
    ) -> Group:
        if not isinstance(data, list) or not data:
            self.fail(where, f"'{where[-1]}' is a list of at least one step")
        nodes = tuple(self.node(entry, (*where, i)) for i, entry in enumerate(data))
        weights = []
        for i, entry in enumerate(data):
            weights.append(self.weight(entry, (*where, i, "weight"), chosen=kind != "all_of"))
        if sum(weights) <= 0:
            self.fail(where, "the weights are all 0")
        return Group(slot, kind, probability, shuffle, count, nodes, tuple(weights))

    def weight(self, entry: Mapping[str, Any], where: KeyPath, *, chosen: bool) -> float:
        weight = entry.get("weight", 1.0)
        if "weight" in entry and not chosen:
            self.fail(where, "a weight counts inside 'one_of' and 'some_of' only: remove it")
        # The bound also refuses not-a-number, infinity and whole numbers no float can hold.
        plain = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not plain or not 0 <= weight <= 1e9:
            self.fail(where, f"'{weight}' is not a weight from 0 to 1e9")
        return float(weight)

    def step(self, data: Mapping[str, Any], where: KeyPath, slot: int) -> RecipeStep:
        name = data["operation"]
        if not isinstance(name, str) or name not in OPERATIONS:
            self.fail(
                (*where, "operation"),
                f"there is no operation '{name}': `degrade list --operations` shows them."
                f"{nearest(name, OPERATIONS)}",
            )
        operation = OPERATIONS[name]
        self.used[name] = operation.version
        known = {**operation.parameters, **operation.recipe_only}
        self.mapping(data, where, (*_STEP_KEYS, *known))
        target = data.get("target", "lq")
        if target not in _TARGETS:
            self.fail((*where, "target"), f"'{target}' is not one of {', '.join(_TARGETS)}")
        parameters = {
            key: self.parameter(operation, key, spec, data[key], (*where, key))
            for key, spec in known.items()
            if key in data
        }
        self.complete(operation, parameters, where)
        probability = self.probability(data.get("probability", 1.0), (*where, "probability"))
        return RecipeStep(slot, name, probability, target, parameters)

    def complete(
        self, operation: Operation, given: Mapping[str, Distribution], where: KeyPath
    ) -> None:
        """Refuse a step that leaves out a parameter without default, or gives one twice."""
        from degrade.resolve import STANDS_FOR

        shorthands = [key for key in STANDS_FOR.get(operation.name, {}) if key in given]
        replaced = {name for key in shorthands for name in STANDS_FOR[operation.name][key]}
        twice = [name for name in given if name in replaced] + shorthands[1:]
        if twice:
            self.fail(
                (*where, twice[0]),
                f"'{twice[0]}' is already decided by '{shorthands[0]}': remove one",
            )
        for name, spec in operation.parameters.items():
            if spec.default is None and name not in given and name not in replaced:
                self.fail(where, f"{operation.name} needs the parameter '{name}'")

    def parameter(
        self, operation: Operation, name: str, spec: Parameter, written: object, where: KeyPath
    ) -> Distribution:
        distribution = self.distribution(written, where)
        whole = isinstance(spec, Integer)
        if isinstance(spec, Boolean | Choice) and isinstance(distribution, Range):
            self.fail(where, f"{operation.name}: '{name}' takes fixed values or a choice")
        if whole and isinstance(distribution, Range) and distribution.kind != "integer":
            self.fail(where, f"{operation.name}: '{name}' takes whole numbers: use integer")
        for value in distribution.extremes():
            problem = spec.problem(value)
            if problem:
                self.fail(where, f"{operation.name}: {name} {value} {problem}")
        return distribution

    def distribution(self, written: object, where: KeyPath) -> Distribution:
        try:
            return parse_distribution(written)
        except InvalidDistributionError as error:
            self.fail(where, str(error))


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
