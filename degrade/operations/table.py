"""The table of operations; importing it imports none of their code.

Noise strength is in 8-bit levels, blur in pixels, angles in degrees counter-clockwise from
the horizontal, JPEG quality 1-100. The entries stand in one file for each family.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from degrade.operations.spec import Operation
from degrade.operations.table_blur import BLUR
from degrade.operations.table_codec import CODEC
from degrade.operations.table_colour import COLOUR
from degrade.operations.table_noise import NOISE
from degrade.operations.table_size import SIZE

__all__ = ["OPERATIONS"]

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {entry.name: entry for entry in (*NOISE, *BLUR, *SIZE, *CODEC, *COLOUR)}
)
"""Every operation by its name."""
