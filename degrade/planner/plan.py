"""Draw every parameter of one degraded image: (recipe, seed, image id, variant) -> Plan.

Parameters are drawn by `plan` (in `degrade.planner.draw`) and nowhere else, so the manifest row
and the pixels cannot disagree. No pixel is touched and nothing is drawn that depends on one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from degrade.ops import OPERATIONS, Value

if TYPE_CHECKING:
    pass

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


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

    def describe(self) -> str:
        """Return a few words for a person: ``JPEG 43, 420``."""
        return OPERATIONS[self.operation].describe(self.parameters)


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
        record = {
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
        return _CANONICAL.encode(record)

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
    texts = (plan.recipe, plan.recipe_digest, plan.image_id)
    numbers = (plan.seed, plan.variant, *plan.size)
    if not all(isinstance(text, str) for text in texts) or any(type(n) is not int for n in numbers):
        raise ValueError("this is not a plan: a value has the wrong type")
    for step in plan.steps:
        if not isinstance(step.operation, str) or step.operation not in OPERATIONS:
            raise ValueError(f"unknown operation {step.operation!r}")
        if type(step.slot) is not int or step.target not in ("lq", "hq", "both"):
            raise ValueError(f"{step.operation} has no valid slot and target")
        specs = OPERATIONS[step.operation].parameters
        if not isinstance(step.parameters, dict) or step.parameters.keys() != specs.keys():
            raise ValueError(f"{step.operation} takes the parameters {', '.join(specs)}")
        for name, spec in specs.items():
            problem = spec.problem(step.parameters[name])
            if problem:
                raise ValueError(f"{step.operation}: {name} {step.parameters[name]} {problem}")
