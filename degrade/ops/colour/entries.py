"""The table's colours and light; importing it imports none of their code."""

from __future__ import annotations

from degrade.ops.operation import Integer, Ladder, Number, Operation

COLOUR = (
    Operation(
        "colour_shift",
        1,
        "adds a constant to each channel",
        "degrade.ops.colour.colour:colour_shift",
        {name: Number(-255, 255, "levels") for name in ("red", "green", "blue")},
        family="colour",
        ladder=Ladder("red", 5, 60, {"green": 0.0, "blue": 0.0}, even=True),
        caption="colour {red:+.0f} {green:+.0f} {blue:+.0f}",
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
        family="colour",
        ladder=Ladder("brightness", 1.1, 2, even=True),
        caption="light x{brightness:.2f} contrast x{contrast:.2f}",
    ),
    Operation(
        "grey",
        1,
        "replaces the colours by their luma",
        "degrade.ops.colour.colour:grey",
        {},
        caption="grey",
    ),
    Operation(
        "haze",
        1,
        "mixes with an even level",
        "degrade.ops.colour.colour:haze",
        {"alpha": Number(0, 1, "share kept"), "level": Number(0, 255, "levels", 255.0)},
        family="colour",
        ladder=Ladder("alpha", 0.95, 0.3, even=True),
        caption="haze {alpha:.0%} kept",
    ),
)
"""Operations that change colour or light."""
