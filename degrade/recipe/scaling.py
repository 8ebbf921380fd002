"""Severity as a share of the face: lengths of a recipe carried over to pictures of another size.

A recipe that says ``scale_with_size: true`` means its pixels as those of a picture of its own
``size``. On one half as large a blur is half as wide, and a shrink by 8 is one by 4: as many
pixels are left across the face. Nothing here touches a pixel.
"""

from __future__ import annotations

from collections.abc import Mapping

from degrade.ops import Integer, Number, Operation, Parameter, Value

__all__ = ["scaled"]


def scaled(operation: Operation, drawn: Mapping[str, Value], factor: float) -> dict[str, Value]:
    """Return parameters as drawn, their lengths times ``factor``, kept inside their ranges.

    Parameters
    ----------
    operation
        From the table; its units say what is a length. Heights and widths to resize or crop to
        stay: they are sizes.
    drawn
        Parameter values as drawn from the recipe.
    factor
        Side of the picture over the side that the recipe means at this point.
    """
    specs = {**operation.parameters, **operation.recipe_only}
    return {
        name: value
        if isinstance(value, bool | str) or (operation.resizes and name != "divisor")
        else _scaled(name, specs[name], value, factor)
        for name, value in drawn.items()
    }


def _scaled(name: str, spec: Parameter, value: float, factor: float) -> float:
    if not isinstance(spec, Number | Integer) or name in ("height", "width"):
        return value
    level = float(value)
    if name == "divisor":
        # What was no shrink stays; what the smaller picture has lost already is lost once.
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
