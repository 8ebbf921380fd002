"""Draw every parameter of one degraded image: (recipe, seed, image id, variant) -> Plan.

Parameters are drawn by `plan` and nowhere else, crops too, so the manifest row and the pixels
cannot disagree. No pixel is touched and nothing is drawn that depends on one.

Which number of which stream decides what does not depend on the image, so it is worked out once
for a recipe (its layout); all the numbers of a plan are then taken in one go
(`degrade.planner.philox_vectorized`), those of members that do not happen too. Nothing here
decides a law: distributions say what a number means, `degrade.planner.resolve` what an operation
takes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from degrade.errors import ImageError, RecipeError
from degrade.ops import OPERATIONS, Number, Value
from degrade.planner.philox_vectorized import StreamBlocks
from degrade.planner.plan import Plan, Step
from degrade.planner.resolve import needs_resolving, resolve, scaled
from degrade.random import (
    FEEDING,
    POOL_CROP,
    Stream,
    StreamKey,
    chosen,
    normalise_path,
    path_bits,
    shuffled,
)
from degrade.recipe.distributions import Chosen, Distribution, Fixed, Range
from degrade.recipe.recipe import Group, Recipe, RecipeStep

Size = tuple[int, int]


def plan(
    recipe: Recipe,
    *,
    seed: int,
    image_id: str,
    size: tuple[int, int],
    variant: int = 0,
    crop: tuple[int, int] | None = None,
) -> Plan:
    """Draw the plan of one image: a pure function of its arguments.

    Parameters
    ----------
    recipe
        From `degrade.load_recipe`.
    seed
        The dataset's seed, 0 to 2**64 − 1.
    image_id
        Relative path that names the image in its dataset; normalised here.
    size
        ``(height, width)`` of the sharp image, pixels.
    variant
        0 to 65 535: another degraded version of the same image.
    crop
        ``(height, width)`` of a window that is cut from both halves first, its place drawn.

    Raises
    ------
    DatasetError
        The seed or the variant is out of range, or the image id is no relative path.
    ImageError
        A side of the size is not 1 to 65 535 pixels, or is shorter than the crop.
    RecipeError
        The recipe's steps do not end at the scale it says.
    """
    height, width = size
    if height < 1 or width < 1 or max(height, width) > 65535:
        raise ImageError(f"{image_id} is {height} × {width}: sides are 1 to 65535 pixels")
    name = normalise_path(image_id)
    key = StreamKey(seed, path_bits(name), variant)
    cut = () if crop is None else (_draw_crop(key, name, size, crop),)
    return Plan(
        recipe=recipe.name,
        recipe_digest=recipe.digest,
        seed=seed,
        image_id=name,
        variant=variant,
        size=(height, width),
        steps=(*cut, *_draw_steps(recipe, key, crop or (height, width))),
    )


def _draw_crop(key: StreamKey, name: str, size: Size, crop: Size) -> Step:
    height, width = crop
    if size[0] < height or size[1] < width:
        raise ImageError(
            f"{name} is {size[0]} × {size[1]}, smaller than the crop of {height} × {width}: make "
            "the crop smaller or leave the image out"
        )
    stream = Stream(key, POOL_CROP, FEEDING)
    top, left = stream.integer(0, size[0] - height), stream.integer(0, size[1] - width)
    return Step("crop", 0, "both", {"top": top, "left": left, "height": height, "width": width})


def _draw_steps(recipe: Recipe, key: StreamKey, size: Size) -> tuple[Step, ...]:
    layout = _layout_of(_ByIdentity(recipe))
    units = layout.blocks.units(key)
    draft = _Draft(units, size, recipe.size if recipe.scale_with_size else None)
    if units[0] >= recipe.untouched:
        draft.add_group(layout.root)
    draft.check_scale(recipe)
    return tuple(draft.steps)


@dataclass(frozen=True, slots=True)
class _StepLayout:
    """A recipe's step, and where its numbers are."""

    step: RecipeStep  # as the recipe has it
    first: int  # position of its first number, which decides whether it happens
    # ``(name, distribution, is real)`` of the parameters that take a number, in that order
    drawn: tuple[tuple[str, Range | Chosen, bool], ...]
    # Parameters that the recipe fixes, and the operation's own values of all that have one
    fixed: Mapping[str, Value]
    defaults: Mapping[str, Value]
    # What the plan records, in the operation's order, with the defaults and the fixed values in
    # place; None where sizes or other parameters decide (`needs_resolving`)
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
    blocks: StreamBlocks


class _ByIdentity:
    """A recipe as a key that equals only itself: recipes hold mappings, which have no hash."""

    __slots__ = ("recipe",)

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and other.recipe is self.recipe

    def __hash__(self) -> int:
        return id(self.recipe)


@functools.lru_cache(maxsize=128)
def _layout_of(key: _ByIdentity) -> _Layout:
    blocks: list[tuple[int, int]] = []
    root = _lay_out_group(key.recipe.root, blocks)
    return _Layout(root, StreamBlocks.of(blocks))


def _reserve(slot: int, numbers: int, blocks: list[tuple[int, int]]) -> int:
    """Add the blocks that hold so many numbers of a slot; return the position of the first."""
    first = 2 * len(blocks)
    blocks += [(slot, block) for block in range((numbers + 1) // 2)]
    return first


def _lay_out_group(group: Group, blocks: list[tuple[int, int]]) -> _GroupLayout:
    # One to happen, one for each choice, and all but one for a shuffle.
    choices = {"one_of": 1, "some_of": 1 + len(group.members)}.get(group.kind, 0)
    numbers = 1 + choices + (len(group.members) - 1 if group.shuffle else 0)
    first = _reserve(group.slot, numbers, blocks)
    members = tuple(
        _lay_out_group(member, blocks)
        if isinstance(member, Group)
        else _lay_out_step(member, blocks)
        for member in group.members
    )
    return _GroupLayout(group, first, first + numbers, members)


def _lay_out_step(step: RecipeStep, blocks: list[tuple[int, int]]) -> _StepLayout:
    operation = OPERATIONS[step.operation]
    drawn = tuple(
        (name, value, isinstance(operation.parameters.get(name), Number))
        for name, value in step.parameters.items()
        if not isinstance(value, Fixed)
    )
    fixed = {n: value.value for n, value in step.parameters.items() if isinstance(value, Fixed)}
    defaults = operation.defaults()
    template = None
    if not needs_resolving(operation, step.parameters):
        placeholders = {name: 0 for name, _, _ in drawn}  # for what is drawn later
        template = operation.recorded({**defaults, **placeholders, **fixed})
    needed = 1 + len(drawn) if drawn or step.probability < 1.0 else 0
    first = _reserve(step.slot, needed, blocks)
    return _StepLayout(step, first, drawn, fixed, defaults, template)


class _Draft:
    """The steps drawn so far and the size they leave each half at."""

    __slots__ = ("_intended", "_intended_source", "_sizes", "_source", "_units", "steps")

    def __init__(self, units: list[float], size: Size, intended: Size | None) -> None:
        self._units, self._source, self._intended_source = units, size, intended
        self._sizes = {"lq": size, "hq": size}
        # The sizes that the recipe's own pixels are meant for, where lengths scale with them.
        self._intended = {"lq": intended or size, "hq": intended or size}
        self.steps: list[Step] = []

    def check_scale(self, recipe: Recipe) -> None:
        """Refuse a recipe whose LQ is not ``scale`` times smaller than its HQ."""
        if recipe.scale is None:
            return
        expected = tuple(max(1, side // recipe.scale) for side in self._sizes["hq"])
        if self._sizes["lq"] != expected:
            raise RecipeError(
                f"{recipe.name} says scale {recipe.scale} but its steps leave LQ at "
                f"{self._sizes['lq'][0]} × {self._sizes['lq'][1]} where HQ is "
                f"{self._sizes['hq'][0]} × {self._sizes['hq'][1]}: correct the key scale"
            )

    def add_group(self, layout: _GroupLayout) -> None:
        group = layout.group
        # The root shares slot 0 with the recipe's own chance, which took its first number.
        if self._units[layout.first] >= group.probability and group.slot:
            return
        members = layout.members
        if group.kind != "all_of" or group.shuffle:
            rest = iter(self._units[layout.first + 1 : layout.end])
            members = tuple(members[position] for position in _draw_members(group, rest))
        for member in members:
            if isinstance(member, _GroupLayout):
                self.add_group(member)
            else:
                self.add_step(member)

    def add_step(self, layout: _StepLayout) -> None:
        step, units, position = layout.step, self._units, layout.first
        if step.probability < 1.0 and units[position] >= step.probability:
            return
        if layout.template is None or self._intended_source is not None:
            drawn = {**layout.fixed}
            for name, distribution, _ in layout.drawn:
                position += 1
                drawn[name] = distribution.at(units[position])
            values = self._resolved(step, drawn, layout.defaults)
        else:
            values = {**layout.template}
            for name, distribution, is_real in layout.drawn:
                position += 1
                value = distribution.at(units[position])
                values[name] = float(value) if is_real else value
        self.steps.append(Step(step.operation, step.slot, step.target, values))

    def _resolved(
        self, step: RecipeStep, drawn: Mapping[str, Value], defaults: Mapping[str, Value]
    ) -> dict[str, Value]:
        """Return what the plan records, after sizes and lengths; keep the sizes it leaves."""
        operation = OPERATIONS[step.operation]
        halves = ("lq", "hq") if step.target == "both" else (step.target,)
        size = self._sizes[halves[0]]
        if self._intended_source is not None:
            intended = self._intended[halves[0]]
            lengths = scaled(operation, drawn, min(size) / min(intended))
            if operation.resizes:
                left = resolve(operation, {**defaults, **drawn}, intended, self._intended_source)
                self._intended |= dict.fromkeys(halves, _size_of(left))
            drawn = lengths
        values = resolve(operation, {**defaults, **drawn}, size, self._source)
        if operation.resizes:
            self._sizes |= dict.fromkeys(halves, _size_of(values))
        return operation.recorded(values)


def _size_of(values: Mapping[str, Value]) -> Size:
    return int(values["height"]), int(values["width"])


def _draw_members(group: Group, units: Iterator[float]) -> list[int]:
    """Return the positions of the members that happen, in their order."""
    positions = list(range(len(group.members)))
    if group.kind == "one_of":
        positions = [chosen(next(units), group.weights)]
    elif group.kind == "some_of" and group.count is not None:
        positions = _draw_some(list(group.weights), _draw_count(group.count, units), units)
    if group.shuffle:
        positions = _keep_order(shuffled(positions, units), group.in_order)
    return positions


def _draw_count(count: Distribution, units: Iterator[float]) -> int:
    return int(count.value if isinstance(count, Fixed) else count.at(next(units)))


def _draw_some(weights: list[float], count: int, units: Iterator[float]) -> list[int]:
    """Draw ``count`` positions without putting back, by weight; return them in file order."""
    left = list(range(len(weights)))
    drawn: list[int] = []
    for _ in range(min(count, sum(weight > 0 for weight in weights))):
        drawn.append(left.pop(chosen(next(units), [weights[index] for index in left])))
    return sorted(drawn)


def _keep_order(positions: list[int], ordered: tuple[int, ...]) -> list[int]:
    """Put the ``ordered`` positions back into file order, each where one of them was."""
    rising = iter(sorted(position for position in positions if position in ordered))
    return [next(rising) if position in ordered else position for position in positions]
