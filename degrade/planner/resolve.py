"""From what a recipe says to what an operation takes: sizes from divisors, round blurs from σ.

Also what a plan records beyond that, such as by how much a step moves the image.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from degrade.ops import Operation, Value

__all__ = ["needs_resolving", "resolve"]


def needs_resolving(operation: Operation, given: Iterable[str]) -> bool:
    """Return whether `resolve` may change anything where a recipe gives these parameters."""
    return operation.derived is not None or not operation.recipe_only.keys().isdisjoint(given)


def resolve(
    operation: Operation,
    drawn: Mapping[str, Value],
    size: tuple[int, int],
    source_size: tuple[int, int],
) -> dict[str, Value]:
    """Return the parameters a plan records.

    Parameters
    ----------
    operation
        From the table.
    drawn
        Parameter values as drawn from the recipe, and the defaults of those it leaves out.
    size, source_size
        ``(height, width)`` at this point of the plan, and of the source.

    Raises
    ------
    ImageError
        A crop reaches beyond the image.

    Notes
    -----
    A divisor gives ``int(side // divisor)``, at least 1, as BasicSR's face pipelines do
    (GFPGAN, gfpgan/data/ffhq_degradation_dataset.py:176); ``of: source`` divides the source's
    sides instead of those at this point.
    """
    values: dict[str, Any] = dict(drawn)
    if values.pop("of", "current") == "source":
        size = source_size
    if "sigma" in operation.recipe_only and "sigma" in values:
        sigma = values.pop("sigma")
        values |= {"sigma_x": sigma, "sigma_y": sigma}
    if "divisor" in values:
        divisor = float(values.pop("divisor"))
        values |= {"height": _divided(size[0], divisor), "width": _divided(size[1], divisor)}
    if values.pop("to", None) == "source":
        values |= {"height": source_size[0], "width": source_size[1]}
    if operation.derived is not None:
        values |= operation.derived(values, size)
    return values


def _divided(side: int, divisor: float) -> int:
    return max(1, min(65535, int(side // divisor)))
