"""A recipe: which operations, with which distributions, in which order. YAML to frozen objects.

DecodePolicy checks everything that can be wrong before the first pixel: unknown keys, values out
of range, distributions that make no sense, each with the file and the line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from degrade.recipe.distributions import Distribution
from degrade.recipe.variants import Switch


@dataclass(frozen=True, slots=True)
class RecipeStep:
    """One operation with a distribution for each parameter."""

    slot: int  # stream slot: the place of the step in the file, counted from 1
    operation: str  # name in `degrade.ops.OPERATIONS`
    probability: float  # chance that the step happens
    target: str  # ``lq``, ``hq`` or ``both``
    parameters: Mapping[str, Distribution]  # every parameter that is not left at its default


@dataclass(frozen=True, slots=True)
class Group:
    """Several steps or groups of which some happen."""

    slot: int  # stream slot, counted with the steps
    # ``one_of`` (by weight), ``some_of`` (``count`` of them, in file order unless shuffled) or
    # ``all_of``
    kind: str
    probability: float  # chance that the group happens
    shuffle: bool  # whether the chosen members come in random order
    count: Distribution | None  # for ``some_of``: how many, a distribution of whole numbers
    members: tuple[RecipeStep | Group, ...]  # steps or groups, and a weight for each
    weights: tuple[float, ...]
    # Positions of the members that keep the file's order among themselves when the group is
    # shuffled
    in_order: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole recipe.

    Attributes
    ----------
    name, version, summary, source
        As written in the file; the name ends with the switch values that are no defaults,
        such as ``gfpgan:correct``.
    size
        ``(height, width)`` it was made for, or None for any; a source of another size is
        degraded as it is.
    scale
        Sides of HQ over sides of LQ, rounded down, which every plan must end with; None where
        the file does not say.
    untouched
        Chance that nothing at all is done.
    root
        The steps.
    median_psnr
        Decibels of the untouched LQ, as measured when the recipe was released, or None.
    digest
        sha256 of the canonical content and the versions of the operations it uses.
    switches
        How else the file can be read; empty for most recipes.
    scale_with_size
        Whether lengths are meant for images of ``size`` and scale with others.
    """

    name: str
    version: int
    summary: str
    source: str
    size: tuple[int, int] | None
    untouched: float
    root: Group
    median_psnr: float | None
    digest: str
    switches: tuple[Switch, ...] = ()
    scale: int | None = None
    scale_with_size: bool = False

    def operations(self) -> tuple[str, ...]:
        """Return the names of the operations it may use, sorted."""
        return tuple(sorted({step.operation for step in _steps(self.root)}))


def _steps(node: RecipeStep | Group) -> list[RecipeStep]:
    if isinstance(node, RecipeStep):
        return [node]
    return [step for member in node.members for step in _steps(member)]


def recipe_digest(
    untouched: float,
    root: Group,
    versions: Mapping[str, int],
    lengths_for: tuple[int, int] | None = None,
) -> str:
    """Return the sha256 that identifies what a recipe does, however it is written down.

    ``lengths_for`` is the size its lengths scale from, None where they do not.
    """
    content: dict[str, Any] = {"untouched": untouched, "root": _canonical(root)}
    if lengths_for is not None:
        content["lengths_for"] = list(lengths_for)
    record = {"content": content, "operations": dict(versions)}
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(node: RecipeStep | Group) -> dict[str, Any]:
    """Return the node as plain data in one fixed form, for the digest."""
    if isinstance(node, RecipeStep):
        return {
            "operation": node.operation,
            "slot": node.slot,
            "probability": node.probability,
            "target": node.target,
            "parameters": {key: value.canonical() for key, value in node.parameters.items()},
        }
    content = {
        "kind": node.kind,
        "slot": node.slot,
        "probability": node.probability,
        "shuffle": node.shuffle,
        "count": None if node.count is None else node.count.canonical(),
        "weights": list(node.weights),
        "members": [_canonical(member) for member in node.members],
    }
    return content | ({"in_order": list(node.in_order)} if node.in_order else {})
