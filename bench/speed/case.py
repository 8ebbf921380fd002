"""What one line of the speed table compares: our operation, a formula, and a peer's own call.

Plain records; nothing is run here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degrade import Step

__all__ = ["Formula", "Image", "PeerCall", "SpeedCase"]

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Formula:
    """A reference that this project wrote from a published formula.

    Attributes
    ----------
    label
        Whose formula it is, in which libraries: ``imagecorruptions in NumPy``.
    run
        uint8 (height, width, 3) RGB to the same.
    """

    label: str
    run: Callable[[Image], Image]


@dataclass(frozen=True, slots=True)
class PeerCall:
    """One call of a package that lives in another environment.

    Attributes
    ----------
    package
        The module to import there: ``albumentations`` (AlbumentationsX) or ``imagecorruptions``.
    function
        A transform's class or a corruption's name.
    arguments
        JSON values, keyword by keyword; lists become tuples over there.
    """

    package: str
    function: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SpeedCase:
    """One line of the table.

    Attributes
    ----------
    name
        What ``--case`` takes.
    title
        What the table shows.
    step
        Ours: one operation with explicit parameters.
    formula
        The reference, always at hand.
    peer
        The package to time in place of the formula, where it can be had.
    bar
        The ratio reference / ours that we hold ourselves to, or None.
    """

    name: str
    title: str
    step: Step
    formula: Formula
    peer: PeerCall | None = None
    bar: float | None = None
