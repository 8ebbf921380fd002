"""Which correlations three channels can have: used while planning and by the noise itself."""

from __future__ import annotations

from collections.abc import Mapping

from degrade.ops.operation import Value

__all__ = ["possible_correlations", "possible_parameters"]


def possible_parameters(parameters: Mapping[str, Value], size: object) -> dict[str, Value]:
    """Return the correlations that `correlated_noise` uses, as a plan records them."""
    names = ("red_green", "red_blue", "green_blue")
    possible = possible_correlations(*(float(parameters[name]) for name in names))
    return dict(zip(names, possible, strict=True))


def possible_correlations(
    red_green: float, red_blue: float, green_blue: float
) -> tuple[float, float, float]:
    """Return the three correlations, shrunk by one factor as far as they contradict each other.

    Three values of −1 to 1 are the correlations of some noise if and only if
    1 + 2abc − a² − b² − c² >= 0 (Sylvester). That falls steadily as all three grow together,
    so the largest factor is found by halving. Possible ones come back as they are.
    """
    if _determinant(red_green, red_blue, green_blue) >= 0.0:
        return red_green, red_blue, green_blue
    low, high = 0.0, 1.0
    for _ in range(52):
        middle = (low + high) / 2.0
        scaled = (middle * red_green, middle * red_blue, middle * green_blue)
        low, high = (middle, high) if _determinant(*scaled) >= 0.0 else (low, middle)
    return low * red_green, low * red_blue, low * green_blue


def _determinant(a: float, b: float, c: float) -> float:
    return 1.0 + 2.0 * a * b * c - a * a - b * b - c * c
