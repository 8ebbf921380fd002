"""The table's colours and light; importing it imports none of their code."""

from __future__ import annotations

from degrade.ops.operation import Integer, Number, Operation

__all__ = ["COLOUR"]

COLOUR = (
    Operation(
        "colour_shift",
        1,
        "adds a constant to each channel",
        "degrade.ops.colour.colour:colour_shift",
        {name: Number(-255, 255, "levels") for name in ("red", "green", "blue")},
    ),
    Operation(
        "colour_jitter",
        1,
        "changes brightness, contrast, saturation and hue, in a given order",
        "degrade.ops.colour.colour:colour_jitter",
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
        "degrade.ops.colour.colour:grey",
        {},
    ),
    Operation(
        "haze",
        1,
        "mixes with an even level",
        "degrade.ops.colour.atmosphere:haze",
        {"alpha": Number(0, 1, "share kept"), "level": Number(0, 255, "levels", 255.0)},
    ),
)
"""Operations that change colour or light."""
