"""From what a recipe says to what an operation takes: sizes from divisors, round blurs from σ."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from degrade.planning import Value

__all__ = ["STANDS_FOR", "resolve"]

STANDS_FOR: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "gaussian_blur": {"sigma": ("sigma_x", "sigma_y")},
        "resize": {"divisor": ("height", "width"), "to": ("height", "width")},
        "resize_blur": {"divisor": ("height", "width")},
    }
)
"""Operation to recipe parameter to the plan parameters that it decides."""


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
        Parameter values as drawn from the recipe.
    size, source_size
        ``(height, width)`` at this point of the plan, and of the source.

    Notes
    -----
    A divisor gives ``int(side // divisor)``, at least 1, as BasicSR's face pipelines do
    (GFPGAN, gfpgan/data/ffhq_degradation_dataset.py:176).
    """
    values = dict(drawn)
    if "sigma" in values and operation == "gaussian_blur":
        sigma = values.pop("sigma")
        values |= {"sigma_x": sigma, "sigma_y": sigma}
    if "divisor" in values:
        divisor = float(values.pop("divisor"))
        values |= {"height": _divided(size[0], divisor), "width": _divided(size[1], divisor)}
    if values.pop("to", None) == "source":
        values |= {"height": source_size[0], "width": source_size[1]}
    return values


def _divided(side: int, divisor: float) -> int:
    return max(1, min(65535, int(side // divisor)))
