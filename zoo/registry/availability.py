"""How a restorer stands on this machine: whether it needs a network, and how fast it is."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.registry import lookup, registry

__all__ = ["Standing", "measured", "standing"]

_SIDE = 128
"""Side in pixels of the face that restorers of any size are timed on."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a table says of a restorer beside its card.

    Attributes
    ----------
    offline
        Whether all it needs is on this machine; None where only its package knows.
    seconds
        Wall time of one face, or None where nobody measured.
    side
        That face's side in pixels.
    """

    offline: bool | None
    seconds: float | None = None
    side: int | None = None

    @property
    def speed(self) -> str:
        """Return the time of a face in words, or a dash."""
        if self.seconds is None:
            return "–"
        time = f"{self.seconds:.2g} s" if self.seconds >= 1 else f"{self.seconds * 1000:.2g} ms"
        return f"{time} at {self.side}"


def standing(name: str) -> Standing:
    """Return how a restorer of `registry.names` stands, from what was measured before.

    Raises
    ------
    UserError
        One of `registry.problems`.
    """
    found = lookup.find(name) if name not in registry.own_names() else None
    if found is None:
        return Standing(True)
    return Standing(found.ready, found.seconds, found.measured_side)


def measured(name: str) -> Standing:
    """Restore one face now and return how the restorer stands; an oracle is not measured.

    Raises
    ------
    UserError
        It cannot be loaded, or gives no face back.
    """
    from zoo.registry.trial import seconds_a_face

    before, card = standing(name), registry.card(name)
    if not card.blind:
        return before
    side = _SIDE if card.input_size is None else card.input_size[0]
    return Standing(before.offline, seconds_a_face(registry.load(name), side), side)
