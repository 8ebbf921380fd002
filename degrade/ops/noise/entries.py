"""The table's noises; importing it imports none of their code."""

from __future__ import annotations

from collections.abc import Mapping

from degrade.ops.operation import Boolean, Ladder, Number, Operation, Value

_SIGMA = Number(0, 255, "levels")
_CORRELATION = Number(-1, 1, "")


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


NOISE = (
    Operation(
        "gaussian_noise",
        1,
        "adds normal noise, to each channel or the same to all",
        "degrade.ops.noise.gaussian:gaussian_noise",
        {"sigma": _SIGMA, "per_channel": Boolean(True)},
        family="noise",
        ladder=Ladder("sigma", 3, 97),
        caption="Gaussian noise sigma {sigma:.1f}",
        noisy=True,
    ),
    Operation(
        "shot_noise",
        1,
        "replaces each level by a Poisson count of photons",
        "degrade.ops.noise.poisson:shot_noise",
        {"photons": Number(0.1, 1e5, "photons at level 255")},
        family="noise",
        ladder=Ladder("photons", 500, 3),
        caption="shot noise, {photons:.0f} photons",
        noisy=True,
    ),
    Operation(
        "impulse_noise",
        1,
        "sets a share of the values, or of whole pixels, to black or white",
        "degrade.ops.noise.gaussian:impulse_noise",
        {"amount": Number(0, 1, "share"), "per_channel": Boolean(True)},
        family="noise",
        ladder=Ladder("amount", 0.002, 0.27),
        caption="impulse noise {amount:.1%}",
        noisy=True,
    ),
    Operation(
        "luma_noise",
        1,
        "adds normal noise to the brightness and leaves the colour",
        "degrade.ops.noise.gaussian:luma_noise",
        {"sigma": _SIGMA},
        family="noise",
        ladder=Ladder("sigma", 3, 97),
        caption="luma noise sigma {sigma:.1f}",
        noisy=True,
    ),
    Operation(
        "correlated_noise",
        1,
        "adds normal noise that is correlated between the channels",
        "degrade.ops.noise.gaussian:correlated_noise",
        {
            "sigma": _SIGMA,
            "red_green": _CORRELATION,
            "red_blue": _CORRELATION,
            "green_blue": _CORRELATION,
        },
        family="noise",
        ladder=Ladder("sigma", 3, 97, {"red_green": 0.5, "red_blue": 0.5, "green_blue": 0.5}),
        caption="correlated noise sigma {sigma:.1f}",
        derived=possible_parameters,
        noisy=True,
    ),
    Operation(
        "speckle_noise",
        1,
        "adds normal noise in proportion to the level",
        "degrade.ops.noise.gaussian:speckle_noise",
        {"sigma": Number(0, 10, "share of the level")},
        family="noise",
        ladder=Ladder("sigma", 0.03, 0.6),
        caption="speckle noise {sigma:.0%}",
        noisy=True,
    ),
    Operation(
        "poisson_noise",
        1,
        "adds Poisson noise whose strength depends on how many levels there are (BasicSR)",
        "degrade.ops.noise.sensor:poisson_noise",
        {"scale": Number(0, 100, "times"), "per_channel": Boolean(True)},
        family="noise",
        ladder=Ladder("scale", 0.05, 3),
        caption="Poisson noise x{scale:.2f}",
        noisy=True,
    ),
    Operation(
        "sensor_noise",
        1,
        "adds a camera's shot and read noise, in linear light or on levels",
        "degrade.ops.noise.sensor:sensor_noise",
        {
            "photons": Number(0.1, 1e5, "electrons at level 255 and gain 1"),
            "read_sigma": Number(0, 1e4, "electrons"),
            "gain": Number(1, 1000, "times", 1.0),
            "linear_light": Boolean(True),
        },
        family="noise",
        ladder=Ladder("photons", 1000, 10, {"read_sigma": 2.0}),
        caption="sensor, {photons:.0f} photons, gain {gain:.0f}",
        noisy=True,
    ),
)
"""Operations that add noise."""
