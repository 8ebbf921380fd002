"""The table of restorers: name -> (card, loader). Nothing is imported until it is loaded.

Adding a restorer is one card, one loader and one line here, and one file in ``restorers``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from degrade.errors import UserError
from zoo.classical_cards import (
    BICUBIC_SHARPEN,
    BILATERAL,
    DEJPEG,
    INPUT,
    NLMEANS,
    WIENER,
)
from zoo.restorer import Card, Restorer

__all__ = ["UnknownRestorerError", "card", "cards", "load", "names"]

Loader = Callable[[Card], Restorer]


class UnknownRestorerError(UserError):
    """No restorer of that name is in the table."""


def names() -> tuple[str, ...]:
    """Return the names of all restorers, ``input`` first."""
    return tuple(_TABLE)


def cards() -> tuple[Card, ...]:
    """Return the cards of all restorers, in the order of `names`."""
    return tuple(card for card, _ in _TABLE.values())


def card(name: str) -> Card:
    """Return one card; raises UnknownRestorerError with the nearest name."""
    return _entry(name)[0]


def load(name: str) -> Restorer:
    """Load a restorer by name: all of its reading from disk happens here.

    Raises
    ------
    UnknownRestorerError
        With the nearest name.
    """
    found, loader = _entry(name)
    return loader(found)


def _entry(name: str) -> tuple[Card, Loader]:
    if name in _TABLE:
        return _TABLE[name]
    near = difflib.get_close_matches(name, _TABLE, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]}?" if near else f"choose from {', '.join(_TABLE)}"
    raise UnknownRestorerError(f"no restorer is called {name!r}: {advice} (`zoo list` shows all)")


def _load_input(card: Card) -> Restorer:
    from zoo.restorers.untouched import Untouched

    return Untouched(card)


def _load_bicubic_sharpen(card: Card) -> Restorer:
    from zoo.restorers.bicubic_sharpen import BicubicSharpen

    return BicubicSharpen(card)


def _load_nlmeans(card: Card) -> Restorer:
    from zoo.restorers.nlmeans import NonLocalMeans

    return NonLocalMeans(card)


def _load_bilateral(card: Card) -> Restorer:
    from zoo.restorers.bilateral import Bilateral

    return Bilateral(card)


def _load_dejpeg(card: Card) -> Restorer:
    from zoo.restorers.dejpeg import ShiftedJpeg

    return ShiftedJpeg(card)


def _load_wiener(card: Card) -> Restorer:
    from zoo.restorers.wiener import Wiener

    return Wiener(card)


_TABLE: Mapping[str, tuple[Card, Loader]] = MappingProxyType(
    {
        "input": (INPUT, _load_input),
        "bicubic-sharpen": (BICUBIC_SHARPEN, _load_bicubic_sharpen),
        "nlmeans": (NLMEANS, _load_nlmeans),
        "bilateral": (BILATERAL, _load_bilateral),
        "dejpeg": (DEJPEG, _load_dejpeg),
        "wiener": (WIENER, _load_wiener),
    }
)
