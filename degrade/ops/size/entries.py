"""The table's changes of size and place; importing it imports none of their code."""

from __future__ import annotations

from collections.abc import Mapping

from degrade.errors import ImageError
from degrade.ops.operation import (
    Boolean,
    Choice,
    Integer,
    Ladder,
    Number,
    Operation,
    Parameter,
    Value,
)

_FILTERS = ("nearest", "area", "linear", "cubic", "lanczos3")
_SIDE = Integer(1, 65535, "px")
_POSITION = Integer(0, 65534, "px")
_RESIZED: dict[str, Parameter] = {
    "height": _SIDE,
    "width": _SIDE,
    "filter": Choice(_FILTERS, "linear"),
    "antialias": Boolean(False),
}
_SIZE_WORDS: dict[str, Parameter] = {
    "divisor": Number(0.05, 1000, "times"),
    "of": Choice(("current", "source")),
    "to": Choice(("source",)),
}


def check_crop(window: Mapping[str, Value], size: tuple[int, int]) -> dict[str, Value]:
    """Raise ImageError unless the window of `crop` lies inside ``(height, width)``."""
    top, left, height, width = (int(window[k]) for k in ("top", "left", "height", "width"))
    if top + height > size[0] or left + width > size[1]:
        raise ImageError(
            f"the recipe crops {height} × {width} px from row {top}, column {left} of an image "
            f"of {size[0]} × {size[1]}: give it larger images or make the crop smaller"
        )
    return {}


SIZE = (
    Operation(
        "resize",
        1,
        "changes the size, for good",
        "degrade.ops.size.resize:resize",
        _RESIZED,
        _SIZE_WORDS,
        resizes=True,
        family="resolution",
        ladder=Ladder("divisor", 1.5, 30, {"filter": "linear"}),
        caption="resize to {width} x {height}",
    ),
    Operation(
        "resize_linear_light",
        1,
        "changes the size in linear light, for good",
        "degrade.ops.size.linear_light:resize_linear_light",
        _RESIZED,
        _SIZE_WORDS,
        resizes=True,
        family="resolution",
        ladder=Ladder("divisor", 1.5, 30, {"filter": "linear"}),
        caption="resize to {width} x {height} in linear light",
    ),
    Operation(
        "resize_blur",
        1,
        "shrinks and enlarges back",
        "degrade.ops.size.resize:resize_blur",
        {
            "height": _SIDE,
            "width": _SIDE,
            "down": Choice(_FILTERS, "area"),
            "up": Choice(_FILTERS, "linear"),
        },
        {"divisor": Number(1, 1000, "times")},
        family="resolution",
        family_where={("up", "nearest"): "pixelation"},  # blocks, by another way
        ladder=Ladder("divisor", 1.5, 30),
        caption="through {width} x {height} and back",
    ),
    Operation(
        "pixelate",
        1,
        "sets square blocks to their mean",
        "degrade.ops.size.pixelate:pixelate",
        {"block": Integer(1, 1024, "px")},
        family="pixelation",
        ladder=Ladder("block", 2, 24),
        caption="pixels of {block}",
    ),
    Operation(
        "flip",
        1,
        "mirrors left to right",
        "degrade.ops.size.geometry:flip",
        {},
        moves=True,
        caption="mirrored",
    ),
    Operation(
        "shift",
        1,
        "moves by whole pixels, mirroring what comes in",
        "degrade.ops.size.geometry:shift",
        {"down": Integer(-4096, 4096, "px"), "right": Integer(-4096, 4096, "px")},
        moves=True,
        ladder=Ladder("right", 1, 32, {"down": 0}),
        caption="moved {down:+d} down, {right:+d} right",
    ),
    Operation(
        "crop",
        1,
        "cuts out a rectangle",
        "degrade.ops.size.geometry:crop",
        {"top": _POSITION, "left": _POSITION, "height": _SIDE, "width": _SIDE},
        moves=True,
        resizes=True,
        caption="cut to {width} x {height}",
        derived=check_crop,
    ),
)
"""Operations that resize, pixelate or move."""
