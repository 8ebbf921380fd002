"""The table of operations; importing it imports none of their code.

Noise strength is in 8-bit levels, blur in pixels, angles in degrees counter-clockwise from
the horizontal, JPEG quality 1-100.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from degrade.operations.spec import Boolean, Choice, Integer, Number, Operation

__all__ = ["OPERATIONS"]

_FILTERS = ("nearest", "area", "linear", "cubic", "lanczos3")
_SIZE = Integer(1, 65535, "px")

_ALL = (
    Operation(
        "gaussian_noise",
        1,
        "adds normal noise, to each channel or the same to all",
        "degrade.operations.noise:gaussian_noise",
        {"sigma": Number(0, 255, "levels"), "per_channel": Boolean(True)},
        noisy=True,
    ),
    Operation(
        "shot_noise",
        1,
        "replaces each level by a Poisson count of photons",
        "degrade.operations.noise:shot_noise",
        {"photons": Number(0.1, 1e5, "photons at level 255")},
        noisy=True,
    ),
    Operation(
        "impulse_noise",
        1,
        "sets a share of the values, or of whole pixels, to black or white",
        "degrade.operations.noise:impulse_noise",
        {"amount": Number(0, 1, "share"), "per_channel": Boolean(True)},
        noisy=True,
    ),
    Operation(
        "gaussian_blur",
        1,
        "blurs with a Gaussian, round or stretched and turned",
        "degrade.operations.blur:gaussian_blur",
        {
            "sigma_x": Number(0, 100, "px"),
            "sigma_y": Number(0, 100, "px"),
            "angle": Number(-360, 360, "degrees", 0.0),
            "kernel_size": Integer(0, 1001, "px, 0 for as wide as needed", 0),
        },
        {"sigma": Number(0, 100, "px")},
    ),
    Operation(
        "motion_blur",
        1,
        "blurs along a straight, centred line",
        "degrade.operations.blur:motion_blur",
        {
            "length": Number(0, 1000, "px"),
            "angle": Number(-360, 360, "degrees"),
        },
    ),
    Operation(
        "defocus_blur",
        1,
        "blurs with an antialiased disk",
        "degrade.operations.blur:defocus_blur",
        {"radius": Number(0, 200, "px")},
    ),
    Operation(
        "resize",
        1,
        "changes the size, for good",
        "degrade.operations.resize:resize",
        {
            "height": _SIZE,
            "width": _SIZE,
            "filter": Choice(_FILTERS, "linear"),
            "antialias": Boolean(False),
        },
        {"divisor": Number(0.05, 1000, "times"), "to": Choice(("source",))},
    ),
    Operation(
        "resize_blur",
        1,
        "shrinks and enlarges back",
        "degrade.operations.resize:resize_blur",
        {
            "height": _SIZE,
            "width": _SIZE,
            "down": Choice(_FILTERS, "area"),
            "up": Choice(_FILTERS, "linear"),
        },
        {"divisor": Number(1, 1000, "times")},
    ),
    Operation(
        "jpeg",
        1,
        "encodes and decodes as JPEG",
        "degrade.operations.jpeg:jpeg",
        {
            "quality": Integer(1, 100, "quality"),
            "subsampling": Choice(("420", "422", "444"), "420"),
        },
    ),
    Operation(
        "pixelate",
        1,
        "sets square blocks to their mean",
        "degrade.operations.pixelate:pixelate",
        {"block": Integer(1, 1024, "px")},
    ),
    Operation(
        "colour_shift",
        1,
        "adds a constant to each channel",
        "degrade.operations.colour:colour_shift",
        {name: Number(-255, 255, "levels") for name in ("red", "green", "blue")},
    ),
    Operation(
        "colour_jitter",
        1,
        "changes brightness, contrast, saturation and hue, in a given order",
        "degrade.operations.colour:colour_jitter",
        {
            "brightness": Number(0, 10, "times", 1.0),
            "contrast": Number(0, 10, "times", 1.0),
            "saturation": Number(0, 10, "times", 1.0),
            "hue": Number(-0.5, 0.5, "of a circle", 0.0),
            "order": Integer(0, 23, "permutation number", 0),
        },
    ),
    Operation(
        "grey",
        1,
        "replaces the colours by their luma",
        "degrade.operations.colour:grey",
        {},
    ),
)

OPERATIONS: Mapping[str, Operation] = MappingProxyType({entry.name: entry for entry in _ALL})
"""Every operation by its name."""
