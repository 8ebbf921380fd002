"""From what a recipe says to what an operation takes: sizes from divisors, round blurs from σ.

Also what a plan records beyond that, such as by how much a step moves the image; and, for a recipe
that says ``scale_with_size: true``, its lengths carried over to images of another size than its
own. On an image half as large a blur is half as wide, and a shrink by 8 is one by 4: as many
pixels are left across the face.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from degrade.ops import Integer, Number, Operation, Parameter, Value


def needs_resolving(operation: Operation, names: Iterable[str]) -> bool:
    """Return whether `resolve` may change anything where a recipe gives these parameters."""
    return operation.derived is not None or not operation.recipe_only.keys().isdisjoint(names)


def resolve(
    operation: Operation,
    parameters: Mapping[str, Value],
    size: tuple[int, int],
    source_size: tuple[int, int],
) -> dict[str, Value]:
    """Return the parameters a plan records.

    Parameters
    ----------
    operation
        From the table.
    parameters
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
    values: dict[str, Any] = dict(parameters)
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


def scaled(
    operation: Operation, parameters: Mapping[str, Value], factor: float
) -> dict[str, Value]:
    """Return parameters as drawn, their lengths times ``factor``, kept inside their ranges.

    Parameters
    ----------
    operation
        From the table; its units say what is a length. Heights and widths to resize or crop to
        stay: they are sizes.
    parameters
        Parameter values as drawn from the recipe.
    factor
        Side of the image over the side that the recipe means at this point.
    """
    specs = {**operation.parameters, **operation.recipe_only}
    return {
        name: value
        if isinstance(value, bool | str) or (operation.resizes and name != "divisor")
        else _scaled(name, specs[name], value, factor)
        for name, value in parameters.items()
    }


def _scaled(name: str, spec: Parameter, value: float, factor: float) -> float:
    if not isinstance(spec, Number | Integer) or name in ("height", "width"):
        return value
    level = float(value)
    if name == "divisor":
        # What was no shrink stays; what the smaller image has lost already is lost once.
        level = max(1.0, level * factor) if level > 1.0 else level
    elif spec.unit.startswith("px"):
        level *= factor
    elif spec.unit == "radians a pixel":
        level /= factor
    else:
        return value
    level = min(max(level, float(spec.low)), float(spec.high))
    if isinstance(spec, Number):
        return level
    # Windows with a middle pixel keep it.
    odd = name in ("kernel_size", "size") and int(value) % 2 == 1 and level >= 1.0
    return 2 * round((level - 1.0) / 2.0) + 1 if odd else round(level)
