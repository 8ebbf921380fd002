"""From what a recipe says to what an operation takes: sizes from divisors, round blurs from σ.

Also what a plan records beyond that: by how much a step moves the picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from degrade.errors import ImageError
from degrade.ops.blur.camera_paths import camera_path, glass_shift, mean_offset, one_sided_taps
from degrade.ops.noise.correlations import possible_correlations
from degrade.planner.plan import Value

__all__ = ["STANDS_FOR", "check_crop", "needs_resolving", "resolve"]

_ROUND = {"sigma": ("sigma_x", "sigma_y")}
_SIZED = {"divisor": ("height", "width"), "to": ("height", "width")}

STANDS_FOR: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "gaussian_blur": _ROUND,
        "generalised_gaussian_blur": _ROUND,
        "plateau_blur": _ROUND,
        "resize": _SIZED,
        "resize_linear_light": _SIZED,
        "resize_blur": {"divisor": ("height", "width")},
    }
)
"""Operation to recipe parameter to the plan parameters that it decides."""


def needs_resolving(operation: str, given: Iterable[str]) -> bool:
    """Tell whether `resolve` may change anything where a recipe gives these parameters."""
    shorthands = {*STANDS_FOR.get(operation, {}), "of"}
    return operation == "crop" or operation in _RECORDED or not shorthands.isdisjoint(given)


def resolve(
    operation: str,
    drawn: Mapping[str, Value],
    size: tuple[int, int],
    source_size: tuple[int, int],
) -> dict[str, Value]:
    """Return the parameters a plan records.

    Parameters
    ----------
    operation
        Its name.
    drawn
        Parameter values as drawn from the recipe, and the defaults of those it leaves out.
    size, source_size
        ``(height, width)`` at this point of the plan, and of the source.

    Raises
    ------
    ImageError
        A crop reaches beyond the picture.

    Notes
    -----
    A divisor gives ``int(side // divisor)``, at least 1, as BasicSR's face pipelines do
    (GFPGAN, gfpgan/data/ffhq_degradation_dataset.py:176); ``of: source`` divides the source's
    sides instead of those at this point.
    """
    values = dict(drawn)
    if values.pop("of", "current") == "source":
        size = source_size
    if "sigma" in values and "sigma" in STANDS_FOR.get(operation, {}):
        sigma = values.pop("sigma")
        values |= {"sigma_x": sigma, "sigma_y": sigma}
    if "divisor" in values:
        divisor = float(values.pop("divisor"))
        values |= {"height": _divided(size[0], divisor), "width": _divided(size[1], divisor)}
    if values.pop("to", None) == "source":
        values |= {"height": source_size[0], "width": source_size[1]}
    if operation == "crop":
        top, left, height, width = (int(values[k]) for k in ("top", "left", "height", "width"))
        check_crop((top, left, height, width), size)
    record = _RECORDED.get(operation)
    return values | record(values) if record else values


def _divided(side: int, divisor: float) -> int:
    return max(1, min(65535, int(side // divisor)))


def check_crop(window: tuple[int, int, int, int], size: tuple[int, int]) -> None:
    """Raise ImageError unless ``(top, left, height, width)`` lies inside ``(height, width)``."""
    top, left, height, width = window
    if top + height > size[0] or left + width > size[1]:
        raise ImageError(
            f"the recipe crops {height} × {width} px from row {top}, column {left} of a picture "
            f"of {size[0]} × {size[1]}: give it larger pictures or make the crop smaller"
        )


def _correlations(values: Mapping[str, Value]) -> dict[str, Value]:
    names = ("red_green", "red_blue", "green_blue")
    a, b, c = possible_correlations(*(float(values[name]) for name in names))
    return dict(zip(names, (a, b, c), strict=True))


def _removed_shift(values: Mapping[str, Value]) -> dict[str, Value]:
    length, angle, bend = (float(values[name]) for name in ("length", "angle", "bend"))
    down, right = mean_offset(camera_path(length, angle, bend, int(values["path"])))
    return {"removed_down": down, "removed_right": right}


def _one_sided_shift(values: Mapping[str, Value]) -> dict[str, Value]:
    sigma, angle = float(values["sigma"]), float(values["angle"])
    offsets, weights = one_sided_taps(int(values["radius"]), sigma, angle)
    # The picture goes against the offsets that it is read at.
    down, right = (
        0.0 - math.fsum(w * o[axis] for o, w in zip(offsets, weights, strict=True))
        for axis in (0, 1)
    )
    return {"moved_down": down, "moved_right": right}


def _glass_shift(values: Mapping[str, Value]) -> dict[str, Value]:
    moved = 0.0
    if values["exact"]:
        moved = glass_shift(int(values["distance"]), int(values["iterations"]))
    return {"moved_down": moved, "moved_right": moved}


_RECORDED: Mapping[str, Callable[[Mapping[str, Value]], dict[str, Value]]] = MappingProxyType(
    {
        "correlated_noise": _correlations,
        "shake_blur": _removed_shift,
        "one_sided_motion_blur": _one_sided_shift,
        "glass_blur": _glass_shift,
    }
)
"""Operation to the plan parameters that follow from the others."""
