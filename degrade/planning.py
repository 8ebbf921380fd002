"""Draw every parameter of one degraded image: (recipe, seed, image id, variant) -> Plan.

Parameters are drawn here and nowhere else, so the manifest row and the pixels cannot
disagree. No pixel is touched and nothing is drawn that depends on one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from degrade.errors import ImageError, RecipeError
from degrade.random import PARAMETERS, Stream, StreamKey, image_id_bits, normalise_path

if TYPE_CHECKING:
    from degrade.recipe import Group, Recipe, RecipeStep

__all__ = ["Plan", "Step", "Value", "plan"]

Value = float | int | str | bool


@dataclass(frozen=True, slots=True)
class Step:
    """One operation with every parameter drawn.

    Attributes
    ----------
    operation
        A name from the operation table, such as ``gaussian_blur``.
    slot
        The 8-bit stream slot of its pixel noise: the position of the step in the recipe,
        so adding a step at the end moves no other step's noise.
    target
        Which half of the pair it changes: ``lq``, ``hq`` or ``both``.
    parameters
        Name to plain value, never mutated; exactly what the operation is called with.
    """

    operation: str
    slot: int
    target: str = "lq"
    parameters: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides one degraded image but the sharp pixels themselves.

    Attributes
    ----------
    recipe
        The recipe's name; ``recipe_digest`` identifies its content.
    seed
        The dataset's 64-bit seed.
    image_id
        The normalised relative path that names the image; hashed into the streams.
    variant
        Which of the image's degraded versions, 0 to 65 535.
    size
        ``(height, width)`` in pixels the plan was drawn for.
    steps
        The operations to apply, in order.
    """

    recipe: str
    recipe_digest: str
    seed: int
    image_id: str
    variant: int
    size: tuple[int, int]
    steps: tuple[Step, ...]

    def to_json(self) -> str:
        """Return the canonical JSON of the plan: sorted keys, no spaces, floats in full."""
        record: dict[str, Any] = {
            "recipe": self.recipe,
            "recipe_digest": self.recipe_digest,
            "seed": self.seed,
            "image_id": self.image_id,
            "variant": self.variant,
            "size": list(self.size),
            "steps": [
                {
                    "operation": step.operation,
                    "slot": step.slot,
                    "target": step.target,
                    "parameters": dict(step.parameters),
                }
                for step in self.steps
            ],
        }
        return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @staticmethod
    def from_json(text: str) -> Plan:
        """Rebuild a plan from `to_json`.

        Raises ValueError when the text is no plan, names an operation that is not known, or
        holds a parameter outside its range: a manifest may come from anywhere.
        """
        try:
            record = json.loads(text)
            height, width = record.pop("size")
            steps = tuple(Step(**step) for step in record.pop("steps"))
            plan = Plan(**record, size=(height, width), steps=steps)
        except (AttributeError, KeyError, RecursionError, TypeError) as error:
            raise ValueError(f"this is not a plan: {error}") from None
        _check(plan)
        return plan


def _check(plan: Plan) -> None:
    """Raise ValueError for a plan that `plan` could not have drawn."""
    from degrade.operations import OPERATIONS

    texts = (plan.recipe, plan.recipe_digest, plan.image_id)
    numbers = (plan.seed, plan.variant, *plan.size)
    if not all(isinstance(text, str) for text in texts) or any(type(n) is not int for n in numbers):
        raise ValueError("this is not a plan: a value has the wrong type")
    for step in plan.steps:
        if not isinstance(step.operation, str) or step.operation not in OPERATIONS:
            raise ValueError(f"there is no operation {step.operation!r}")
        if type(step.slot) is not int or step.target not in ("lq", "hq", "both"):
            raise ValueError(f"{step.operation} has no valid slot and target")
        specs = OPERATIONS[step.operation].parameters
        if not isinstance(step.parameters, dict) or step.parameters.keys() != specs.keys():
            raise ValueError(f"{step.operation} takes the parameters {', '.join(specs)}")
        for name, spec in specs.items():
            problem = spec.problem(step.parameters[name])
            if problem:
                raise ValueError(f"{step.operation}: {name} {step.parameters[name]} {problem}")


def plan(
    recipe: Recipe, *, seed: int, image_id: str, size: tuple[int, int], variant: int = 0
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

    Raises
    ------
    DatasetError
        The seed or the variant is out of range, or the image id is no relative path.
    ImageError
        A side of the size is not 1 to 65 535 pixels.
    RecipeError
        The recipe's steps do not end at the scale it says.
    """
    height, width = size
    if height < 1 or width < 1 or max(height, width) > 65535:
        raise ImageError(f"{image_id} is {height} × {width}: sides are 1 to 65535 pixels")
    key = StreamKey(seed, image_id_bits(image_id), variant)
    draft = _Draft(key, (height, width), recipe.size if recipe.scale_with_size else None)
    if Stream(key, slot=0).unit() >= recipe.untouched:
        draft.group(recipe.root)
    draft.check_scale(recipe)
    return Plan(
        recipe=recipe.name,
        recipe_digest=recipe.digest,
        seed=seed,
        image_id=normalise_path(image_id),
        variant=variant,
        size=(height, width),
        steps=tuple(draft.steps),
    )


class _Draft:
    """The steps drawn so far and the size they leave each half at."""

    def __init__(
        self, key: StreamKey, size: tuple[int, int], meant: tuple[int, int] | None
    ) -> None:
        self._key, self._source, self._meant_source = key, size, meant
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

    def node(self, node: RecipeStep | Group) -> None:
        from degrade.recipe import Group

        if isinstance(node, Group):
            self.group(node)
        else:
            self.step(node)

    def group(self, group: Group) -> None:
        # The root shares slot 0 with the recipe's own chance, which took its first number.
        stream = Stream(self._key, group.slot)
        if stream.unit() >= group.probability and group.slot:
            return
        chosen = list(range(len(group.members)))
        if group.kind == "one_of":
            chosen = [stream.choice(group.weights)]
        elif group.kind == "some_of" and group.count is not None:
            chosen = _some(list(group.weights), int(group.count.draw(stream)), stream)
        if group.shuffle:
            chosen = _in_order(stream.shuffled(chosen), group.in_order)
        for member in chosen:
            self.node(group.members[member])

    def step(self, step: RecipeStep) -> None:
        from degrade.operations import OPERATIONS, Number
        from degrade.resolve import resolve
        from degrade.scaling import scaled

        stream = Stream(self._key, step.slot, PARAMETERS)
        if stream.unit() >= step.probability:
            return
        specs = OPERATIONS[step.operation].parameters
        values: dict[str, Value] = {
            name: spec.default for name, spec in specs.items() if spec.default is not None
        }
        drawn = {name: value.draw(stream) for name, value in step.parameters.items()}
        halves = ("lq", "hq") if step.target == "both" else (step.target,)
        size, resizes = self._sizes[halves[0]], OPERATIONS[step.operation].resizes
        if self._meant_source is not None:
            meant = self._meant[halves[0]]
            asked = scaled(OPERATIONS[step.operation], drawn, min(size) / min(meant))
            if resizes:
                told = resolve(step.operation, values | drawn, meant, self._meant_source)
                self._meant |= dict.fromkeys(halves, _size_of(told))
            drawn = asked
        values = resolve(step.operation, values | drawn, size, self._source)
        if resizes:
            self._sizes |= dict.fromkeys(halves, _size_of(values))
        # A recipe may say 2 for 2.0; the plan records what the operation is called with.
        ordered = {
            name: float(values[name]) if isinstance(spec, Number) else values[name]
            for name, spec in specs.items()
        }
        self.steps.append(Step(step.operation, step.slot, step.target, ordered))


def _size_of(values: Mapping[str, Value]) -> tuple[int, int]:
    return int(values["height"]), int(values["width"])


def _some(weights: list[float], count: int, stream: Stream) -> list[int]:
    """Draw ``count`` positions without putting back, by weight; return them in file order."""
    left = list(range(len(weights)))
    taken: list[int] = []
    for _ in range(min(count, sum(weight > 0 for weight in weights))):
        taken.append(left.pop(stream.choice([weights[index] for index in left])))
    return sorted(taken)


def _in_order(shuffled: list[int], held: tuple[int, ...]) -> list[int]:
    """Put the ``held`` positions back into file order, each at a place one of them had."""
    rising = iter(sorted(position for position in shuffled if position in held))
    return [next(rising) if position in held else position for position in shuffled]
