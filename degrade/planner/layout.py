"""A recipe laid out for drawing: which number of which stream decides what.

Where each number of a plan comes from does not depend on the image, so it is worked out once
for a recipe; all the numbers of a plan are then taken in one go
(`degrade.planner.philox_vectorized`), those of members that do not happen too. Nothing here
decides a law: distributions say what a number means, `degrade.planner.resolve` what an operation
takes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from degrade.errors import RecipeError
from degrade.ops import OPERATIONS, Number, Value
from degrade.planner.philox_vectorized import Lanes
from degrade.planner.plan import Step
from degrade.planner.resolve import needs_resolving, resolve
from degrade.random import StreamKey, chosen, shuffled
from degrade.recipe.distributions import Chosen, Distribution, Fixed, Range
from degrade.recipe.recipe import Group, Recipe, RecipeStep
from degrade.recipe.scaling import scaled

__all__ = ["draw_steps"]

Size = tuple[int, int]


def draw_steps(recipe: Recipe, key: StreamKey, size: Size) -> tuple[Step, ...]:
    """Return the steps of one plan.

    Parameters
    ----------
    recipe
        From `degrade.load_recipe`.
    key
        The seed, image and variant whose numbers decide.
    size
        ``(height, width)`` of the source, pixels.

    Raises
    ------
    ImageError
        A crop reaches beyond the picture.
    RecipeError
        The steps do not end at the scale that the recipe says.
    """
    layout = _layout(_Same(recipe))
    units = layout.lanes.units(key)
    draft = _Draft(units, size, recipe.size if recipe.scale_with_size else None)
    if units[0] >= recipe.untouched:
        draft.group(layout.root)
    draft.check_scale(recipe)
    return tuple(draft.steps)


@dataclass(frozen=True, slots=True)
class _StepLayout:
    """A recipe's step, and where its numbers are.

    Attributes
    ----------
    step
        As the recipe has it.
    first
        Position of its first number, which decides whether it happens.
    drawn
        Parameters that take a number, in the order in which they take it.
    given, defaults
        Parameters that the recipe fixes, and the operation's own values of all that have one.
    template
        What the plan records, in the operation's order, with the defaults and the fixed values
        in place; None where sizes or other parameters decide (`needs_resolving`).
    """

    step: RecipeStep
    first: int
    drawn: tuple[tuple[str, Range | Chosen, bool], ...]  # the last: the plan has it as a float
    given: Mapping[str, Value]
    defaults: Mapping[str, Value]
    template: Mapping[str, Value] | None


@dataclass(frozen=True, slots=True)
class _GroupLayout:
    """A recipe's group, where its numbers begin and end, and its members laid out."""

    group: Group
    first: int
    end: int
    members: tuple[_StepLayout | _GroupLayout, ...]


@dataclass(frozen=True, slots=True)
class _Layout:
    root: _GroupLayout
    lanes: Lanes


class _Same:
    """A recipe as a key that equals only itself: recipes hold mappings, which have no hash."""

    __slots__ = ("recipe",)

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.recipe is self.recipe

    def __hash__(self) -> int:
        return id(self.recipe)


@functools.lru_cache(maxsize=128)
def _layout(same: _Same) -> _Layout:
    places: list[tuple[int, int]] = []
    root = _laid_out_group(same.recipe.root, places)
    return _Layout(root, Lanes.of(places))


def _taken(slot: int, numbers: int, places: list[tuple[int, int]]) -> int:
    """Add the blocks that hold so many numbers of a slot; return the position of the first."""
    first = 2 * len(places)
    places += [(slot, block) for block in range((numbers + 1) // 2)]
    return first


def _laid_out_group(group: Group, places: list[tuple[int, int]]) -> _GroupLayout:
    # One to happen, one for each choice, and all but one for a shuffle.
    choices = {"one_of": 1, "some_of": 1 + len(group.members)}.get(group.kind, 0)
    numbers = 1 + choices + (len(group.members) - 1 if group.shuffle else 0)
    first = _taken(group.slot, numbers, places)
    members = tuple(
        _laid_out_group(member, places)
        if isinstance(member, Group)
        else _laid_out_step(member, places)
        for member in group.members
    )
    return _GroupLayout(group, first, first + numbers, members)


def _laid_out_step(step: RecipeStep, places: list[tuple[int, int]]) -> _StepLayout:
    operation = OPERATIONS[step.operation]
    specs = operation.parameters
    drawn = tuple(
        (name, value, isinstance(specs.get(name), Number))
        for name, value in step.parameters.items()
        if not isinstance(value, Fixed)
    )
    given = {n: value.value for n, value in step.parameters.items() if isinstance(value, Fixed)}
    defaults = operation.defaults()
    template = None
    if not needs_resolving(operation, step.parameters):
        placeholders = {name: 0 for name, _, _ in drawn}  # for what is drawn later
        template = operation.recorded({**defaults, **placeholders, **given})
    needed = 1 + len(drawn) if drawn or step.probability < 1.0 else 0
    first = _taken(step.slot, needed, places)
    return _StepLayout(step, first, drawn, given, defaults, template)


class _Draft:
    """The steps drawn so far and the size they leave each half at."""

    __slots__ = ("_meant", "_meant_source", "_sizes", "_source", "_units", "steps")

    def __init__(self, units: list[float], size: Size, meant: Size | None) -> None:
        self._units, self._source, self._meant_source = units, size, meant
        self._sizes = {"lq": size, "hq": size}
        # The sizes that the recipe's own pixels are meant for, where lengths scale with them.
        self._meant = {"lq": meant or size, "hq": meant or size}
        self.steps: list[Step] = []

    def check_scale(self, recipe: Recipe) -> None:
        """Refuse a recipe whose LQ is not ``scale`` times smaller than its HQ."""
        if recipe.scale is None:
            return
        meant = tuple(max(1, side // recipe.scale) for side in self._sizes["hq"])
        if self._sizes["lq"] != meant:
            raise RecipeError(
                f"{recipe.name} says scale {recipe.scale} but its steps leave LQ at "
                f"{self._sizes['lq'][0]} × {self._sizes['lq'][1]} where HQ is "
                f"{self._sizes['hq'][0]} × {self._sizes['hq'][1]}: correct the key scale"
            )

    def group(self, layout: _GroupLayout) -> None:
        group = layout.group
        # The root shares slot 0 with the recipe's own chance, which took its first number.
        if self._units[layout.first] >= group.probability and group.slot:
            return
        members = layout.members
        if group.kind != "all_of" or group.shuffle:
            rest = iter(self._units[layout.first + 1 : layout.end])
            members = tuple(members[position] for position in _happening(group, rest))
        for member in members:
            if isinstance(member, _GroupLayout):
                self.group(member)
            else:
                self.step(member)

    def step(self, layout: _StepLayout) -> None:
        step, units, place = layout.step, self._units, layout.first
        if step.probability < 1.0 and units[place] >= step.probability:
            return
        if layout.template is None or self._meant_source is not None:
            drawn = {**layout.given}
            for name, value, _ in layout.drawn:
                place += 1
                drawn[name] = value.at(units[place])
            values = self._resolved(step, drawn, layout.defaults)
        else:
            values = {**layout.template}
            for name, value, real in layout.drawn:
                place += 1
                level = value.at(units[place])
                values[name] = float(level) if real else level
        self.steps.append(Step(step.operation, step.slot, step.target, values))

    def _resolved(
        self, step: RecipeStep, drawn: Mapping[str, Value], defaults: Mapping[str, Value]
    ) -> dict[str, Value]:
        """Return what the plan records, after sizes and lengths; keep the sizes it leaves."""
        operation = OPERATIONS[step.operation]
        halves = ("lq", "hq") if step.target == "both" else (step.target,)
        size = self._sizes[halves[0]]
        if self._meant_source is not None:
            meant = self._meant[halves[0]]
            resized = scaled(operation, drawn, min(size) / min(meant))
            if operation.resizes:
                intended = resolve(operation, {**defaults, **drawn}, meant, self._meant_source)
                self._meant |= dict.fromkeys(halves, _size_of(intended))
            drawn = resized
        values = resolve(operation, {**defaults, **drawn}, size, self._source)
        if operation.resizes:
            self._sizes |= dict.fromkeys(halves, _size_of(values))
        return operation.recorded(values)


def _size_of(values: Mapping[str, Value]) -> Size:
    return int(values["height"]), int(values["width"])


def _happening(group: Group, units: Iterator[float]) -> list[int]:
    """Return the positions of the members that happen, in their order."""
    positions = list(range(len(group.members)))
    if group.kind == "one_of":
        positions = [chosen(next(units), group.weights)]
    elif group.kind == "some_of" and group.count is not None:
        positions = _some(list(group.weights), _count(group.count, units), units)
    if group.shuffle:
        positions = _in_order(shuffled(positions, units), group.in_order)
    return positions


def _count(count: Distribution, units: Iterator[float]) -> int:
    return int(count.value if isinstance(count, Fixed) else count.at(next(units)))


def _some(weights: list[float], count: int, units: Iterator[float]) -> list[int]:
    """Draw ``count`` positions without putting back, by weight; return them in file order."""
    left = list(range(len(weights)))
    taken: list[int] = []
    for _ in range(min(count, sum(weight > 0 for weight in weights))):
        taken.append(left.pop(chosen(next(units), [weights[index] for index in left])))
    return sorted(taken)


def _in_order(shuffled: list[int], held: tuple[int, ...]) -> list[int]:
    """Put the ``held`` positions back into file order, each at a place one of them had."""
    rising = iter(sorted(position for position in shuffled if position in held))
    return [next(rising) if position in held else position for position in shuffled]
