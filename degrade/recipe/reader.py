"""YAML to Recipe, checking every key and every range, with the line in each message.

Of values that depend on a switch only the chosen one is checked; steps that a switch leaves
out are checked all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from degrade.config import KeyPath, load_yaml, nearest
from degrade.errors import RecipeError
from degrade.ops import OPERATIONS, Boolean, Choice, Integer, Operation, Parameter
from degrade.recipe.distributions import KINDS, Distribution, Range
from degrade.recipe.recipe import Group, Recipe, RecipeStep, recipe_digest
from degrade.recipe.values import RecipeValues, is_whole
from degrade.recipe.variants import choose, parse_switches, select

_TOP = (
    "name", "version", "summary", "source", "size", "scale", "scale_with_size", "switches",
    "untouched", "shuffle", "steps", "measured",
)  # fmt: skip
_GROUPS = ("one_of", "some_of", "all_of")
_MEMBER_KEYS = ("when", "probability", "weight", "in_order")
_GROUP_KEYS = (*_MEMBER_KEYS, "shuffle", "count", *_GROUPS)
_STEP_KEYS = ("operation", *_MEMBER_KEYS, "target")
_TARGETS = ("lq", "hq", "both")


def read_recipe(path: Path, requested: Sequence[str] = ()) -> Recipe:
    """Return the recipe in a YAML file; raises RecipeError with the line of the mistake.

    ``requested`` are values of its switches; those not asked for stand at their defaults.
    """
    data, lines = load_yaml(path, path.name, error=RecipeError)
    return _RecipeReader(path, lines).recipe(data, requested)


@dataclass(slots=True)
class _RecipeReader(RecipeValues):
    """One pass over one file; counts the slots as it goes."""

    values: Mapping[str, bool] = field(default_factory=dict)  # of switches: is it chosen
    used: dict[str, int] = field(default_factory=dict)
    slots: int = 0

    def recipe(self, data: object, requested: Sequence[str]) -> Recipe:
        written = self.mapping(data, (), _TOP)
        taken = (*_TOP, *_GROUP_KEYS, *_STEP_KEYS, *KINDS)
        switches = parse_switches(written.get("switches", {}), taken, self.fail)
        chosen = choose(switches, requested, self.path.stem)
        self.values = {v: v == chosen[s.name] for s in switches for v in s.values}
        asides = [chosen[s.name] for s in switches if chosen[s.name] != s.default]
        rest = {key: value for key, value in written.items() if key != "switches"}
        top = select(rest, switches, chosen, self.fail, ())
        for key in ("version", "steps"):
            if key not in top:
                self.fail((), f"the key '{key}' is missing")
        if not is_whole(top["version"]):
            self.fail(("version",), "version is a whole number")
        untouched = self.probability(top.get("untouched", 0.0), ("untouched",))
        self.slots += 1
        root = self.members("all_of", top["steps"], ("steps",), slot=0, probability=1.0,
                            shuffle=self.flag(top.get("shuffle", False), ("shuffle",)))  # fmt: skip
        size, scales = self.size(top.get("size")), self.scales(top)
        measured = self.mapping(top.get("measured", {}), ("measured",), ("median_psnr", "protocol"))
        median = self.decibels(measured.get("median_psnr"))
        if asides and written.get("measured") == top.get("measured"):
            median = None  # A number that no switch chose was measured with the defaults.
        return Recipe(
            name=":".join([self.text(top, "name", self.path.stem), *asides]),
            version=top["version"],
            summary=self.text(top, "summary", ""),
            source=self.text(top, "source", ""),
            size=size,
            scale=self.scale(top.get("scale")),
            untouched=untouched,
            root=root,
            median_psnr=median,
            digest=recipe_digest(untouched, root, self.used, size if scales else None),
            scale_with_size=scales,
            switches=switches,
        )

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
        path_here = (*where, "count")
        if "count" not in group:
            self.fail(where, "some_of needs the key 'count': how many of its members happen")
        count = self.distribution(group["count"], path_here)
        most = len(group["some_of"]) if isinstance(group["some_of"], list) else 0
        for value in count.extremes():
            if not is_whole(value) or not 0 <= value <= most:
                self.fail(path_here, f"count is a whole number from 0 to the {most} members")
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
        nodes: list[RecipeStep | Group] = []
        weights: list[float] = []
        in_order: list[int] = []
        for i, entry in enumerate(data):
            path_here, used = (*where, i), dict(self.used)
            node = self.node(entry, path_here)
            weight = self.weight(entry, (*path_here, "weight"), chosen=kind != "all_of")
            ordered = self.flag(entry.get("in_order", False), (*path_here, "in_order"))
            if "in_order" in entry and not shuffle:
                self.fail((*path_here, "in_order"), "in_order counts where steps are shuffled only")
            if not self.is_kept(entry, (*path_here, "when")):
                self.used = used
                continue
            in_order += [len(nodes)] if ordered else []
            nodes.append(node)
            weights.append(weight)
        if not nodes:
            self.fail(where, "the switches leave none of these steps")
        if sum(weights) <= 0:
            self.fail(where, "the weights are all 0")
        return Group(
            slot, kind, probability, shuffle, count, tuple(nodes), tuple(weights), tuple(in_order)
        )

    def is_kept(self, entry: Mapping[str, Any], where: KeyPath) -> bool:
        """Return whether the switches keep a member: one of its ``when`` values is chosen."""
        if "when" not in entry:
            return True
        written = entry["when"] if isinstance(entry["when"], list) else [entry["when"]]
        for value in map(str, written):
            if value not in self.values:
                self.fail(where, f"no switch has the value '{value}'.{nearest(value, self.values)}")
        return any(self.values[str(value)] for value in written)

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
                f"unknown operation '{name}': `degrade list --operations` shows them."
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
        self, operation: Operation, written_parameters: Mapping[str, Distribution], where: KeyPath
    ) -> None:
        """Refuse a step that leaves out a parameter without default, or gives one twice."""
        stands_for = operation.shorthands()
        shorthands = [key for key in stands_for if key in written_parameters]
        replaced = {name for key in shorthands for name in stands_for[key]}
        twice = [name for name in written_parameters if name in replaced] + shorthands[1:]
        if twice:
            self.fail(
                (*where, twice[0]),
                f"'{twice[0]}' is already decided by '{shorthands[0]}': remove one",
            )
        for name, spec in operation.parameters.items():
            if spec.default is None and name not in written_parameters and name not in replaced:
                self.fail(where, f"{operation.name} needs the parameter '{name}'")

    def parameter(
        self, operation: Operation, name: str, spec: Parameter, written: object, where: KeyPath
    ) -> Distribution:
        if isinstance(written, float) and spec.problem(written):
            self.fail(where, f"{operation.name}: {name} {written} {spec.problem(written)}")
        distribution = self.distribution(written, where, f"{operation.name}: {name} {written}: ")
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


_SHIPPED = Path(__file__).parents[1] / "recipes"


def list_recipes() -> tuple[str, ...]:
    """Return the names of the recipes that come with the package, sorted."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.yaml")))


def load_recipe(name_or_path: str | Path) -> Recipe:
    """Return a recipe by its name, or from a YAML file.

    Values of its switches follow, each after a colon: ``gfpgan:correct``,
    ``imagenet-c:defocus_blur:5:64``, ``mine.yaml:correct``.

    Raises RecipeError, one line, naming the file, the line and the nearest valid key.
    """
    from degrade.config import nearest
    from degrade.recipe.reader import read_recipe

    parts = str(name_or_path).split(":")
    for count in range(len(parts), 0, -1):
        name, requested = ":".join(parts[:count]), parts[count:]
        if name in list_recipes():
            return read_recipe(_SHIPPED / f"{name}.yaml", requested)
        path = Path(name)
        if path.suffix in (".yaml", ".yml") or (name and path.exists()):
            return read_recipe(path, requested)
    raise RecipeError(
        f"unknown recipe '{parts[0]}': `degrade list` shows the names, "
        f"or give a .yaml file.{nearest(parts[0], list_recipes())}"
    )
