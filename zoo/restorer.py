"""What a restorer is: a card that says what it may be used for, and one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from degrade.planner.plan import Plan

__all__ = [
    "Card",
    "Image",
    "Restorer",
    "Stepwise",
    "untrained_card",
]

Image = NDArray[np.uint8]
"""A face or any other image: uint8, HWC, RGB, levels 0-255."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a person must know before using a restorer.

    Attributes
    ----------
    name
        The registry name, such as ``nlmeans``.
    kind
        ``reference`` (does nothing), ``classical``, ``oracle``, ``network`` or ``command``
        (somebody's program). Networks that restore nothing have cards too: ``generator`` (draws
        faces) and ``descriptor`` (tells faces apart).
    summary
        One sentence on what it does.
    licence_code, licence_weights
        SPDX names, or a plain sentence; weights are ``none`` where there are none.
    source
        The paper or library it comes from.
    input_size
        ``(height, width)`` it was made for, or None for any size.
    trained_on
        The data, or ``nothing`` for a classical method.
    loss_networks
        Networks it was trained against: scores by these carry a dagger.
    sha256
        Of its weights file, or the empty string.
    blind
        False for an oracle, which is given the degradation through ``plans``.
    limits
        Where it is known to fail, one sentence.
    template
        How its faces are aligned, see `zoo.templates`; empty where any way will do.
    regions
        The labels of the parsing masks that it was trained with, see `zoo.labels`;
        empty where it was trained with all of them, or reads no mask.
    """

    name: str
    kind: str
    summary: str
    licence_code: str
    licence_weights: str
    source: str
    input_size: tuple[int, int] | None
    trained_on: str
    loss_networks: tuple[str, ...]
    sha256: str
    blind: bool
    limits: str
    template: str = ""
    regions: tuple[str, ...] = ()

    def as_record(self) -> Mapping[str, object]:
        """Return the card as a JSON-ready mapping."""
        return asdict(self)


def untrained_card(
    name: str, kind: str, summary: str, source: str, limits: str, *, blind: bool = True
) -> Card:
    """Return the card of a restorer of this repository that has no weights."""
    return Card(
        name=name,
        kind=kind,
        summary=summary,
        licence_code="MIT",
        licence_weights="none",
        source=source,
        input_size=None,
        trained_on="nothing",
        loss_networks=(),
        sha256="",
        blind=blind,
        limits=limits,
    )


@runtime_checkable
class Restorer(Protocol):
    """Anything that turns degraded aligned faces into restored ones.

    Loading does the I/O; `restore` does none and is deterministic: the same bytes for the
    same batch, threads and device.
    """

    @property
    def card(self) -> Card:
        """What it is, where it comes from, and what it may be used for."""

    def restore(
        self,
        faces: Sequence[Image],
        masks: Sequence[NDArray[np.float32] | None] | None = None,
        plans: Sequence[Plan | None] | None = None,
    ) -> list[Image]:
        """Return one restored face for each input, of the same size, uint8 HWC RGB.

        Parameters
        ----------
        faces
            uint8 HWC RGB, each of any size unless the card names one.
        masks
            One ``(19, height, width)`` float32 soft parsing mask per face, or None.
        plans
            The degradation of each face; read only by oracles (``card.blind`` False).
        """


@runtime_checkable
class Stepwise(Protocol):
    """A restorer whose faces take seconds each."""

    @property
    def steps(self) -> int:
        """Steps that a face takes."""

    def watched(self, on_step: Callable[[int], None]) -> Restorer:
        """Return the same restorer, calling ``on_step`` after each step with its number from 1.

        What it restores stays the same.
        """
