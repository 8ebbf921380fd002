"""The restorer ``input``: does nothing, so that every table shows what doing nothing scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from degrade.planner.plan import Plan
from zoo.restorer import Card, Image, Restorer, untrained_card
from zoo.restorers.face_by_face import restore_each

__all__ = ["InputRestorer", "card", "load"]


card = untrained_card(
    "input",
    "reference",
    "Returns its input: what doing nothing scores.",
    "none",
    "Restores nothing.",
)


def load() -> Restorer:
    """Return the restorer; there is nothing to read."""
    return InputRestorer(card)


@dataclass(frozen=True, slots=True)
class InputRestorer:
    """Returns a copy of every face."""

    card: Card

    def restore(
        self,
        faces: Sequence[Image],
        masks: Sequence[NDArray[np.float32] | None] | None = None,
        plans: Sequence[Plan | None] | None = None,
    ) -> list[Image]:
        """Return copies of the faces; see `zoo.restorer.Restorer.restore`."""
        return restore_each(faces, np.copy)
