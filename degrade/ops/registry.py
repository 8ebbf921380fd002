"""The table of operations; importing it imports none of their code.

Noise strength is in 8-bit levels, blur in pixels, angles in degrees counter-clockwise from
the horizontal, JPEG quality 1-100. The entries stand in one file for each family.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from degrade.ops.blur.entries import BLUR
from degrade.ops.codec.entries import CODEC
from degrade.ops.colour.entries import COLOUR
from degrade.ops.noise.entries import NOISE
from degrade.ops.operation import Operation
from degrade.ops.size.entries import SIZE

__all__ = ["OPERATIONS"]

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {entry.name: entry for entry in (*NOISE, *BLUR, *SIZE, *CODEC, *COLOUR)}
)
"""Every operation by its name."""
