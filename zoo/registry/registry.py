"""The table of restorers: name -> (card, loader). Nothing is imported until it is loaded.

Adding a restorer is one card, one loader and one line here, and one file in ``restorers``. Those
with weights of ours need no line: the card beside the weights is the entry, see
`zoo.weights.builtin`; those by inversion of a generator have a table of their own,
`zoo.restorers.inversion.entries`. A path of a ``.safetensors`` file that `zoo train` wrote stands
for a name anywhere.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from degrade.errors import UserError
from zoo.registry import lookup
from zoo.registry.model_card import ModelCard
from zoo.restorer import Card, Restorer
from zoo.restorers.classical_cards import (
    BICUBIC_SHARPEN,
    BILATERAL,
    DEJPEG,
    INPUT,
    NLMEANS,
    WIENER,
)
from zoo.restorers.inversion.entries import inversion_card, inversion_names, load_inversion
from zoo.weights.builtin import load_shipped, shipped_card, shipped_names

__all__ = [
    "DEFAULT",
    "UnknownRestorerError",
    "card",
    "cards",
    "load",
    "model_card",
    "names",
    "own_names",
    "problems",
]

DEFAULT = "style-128"
"""The restorer that is meant where none is named."""

Loader = Callable[[Card], Restorer]


class UnknownRestorerError(UserError):
    """No restorer of that name is in the table."""


def names() -> tuple[str, ...]:
    """Return the names of all restorers.

    ``input`` first, then ours without and with weights, those that `zoo add` added, and those
    of other packages; a name that occurs again counts where it comes first.
    """
    return tuple(dict.fromkeys([*own_names(), *lookup.names()]))


def cards() -> tuple[Card, ...]:
    """Return the cards of all restorers that can be used, in the order of `names`.

    Somebody else's entry or package that is broken ends nothing: `problems` tells of it.
    """
    broken = problems()
    return tuple(card(name) for name in names() if name not in broken)


def own_names() -> tuple[str, ...]:
    """Return the names of the restorers that come with Relume."""
    return (*_TABLE, *shipped_names(), *inversion_names())


def problems() -> Mapping[str, str]:
    """Return, by name, one line on each restorer of somebody else's that cannot be used."""
    own = own_names()
    told = {name: lookup.problem(name) for name in lookup.names() if name not in own}
    return {name: line for name, line in told.items() if line}


def card(name: str) -> Card:
    """Return one card.

    Parameters
    ----------
    name
        One of `names`, or the path of a ``.safetensors`` file that `zoo train` wrote; the
        name on the card is then the file's, without its ending.

    Raises
    ------
    UnknownRestorerError
        With the nearest name.
    WeightsMissing, WeightsRefused
        A path of no file, or of none that can be used.
    """
    return _entry(name)[0]


def model_card(name: str) -> ModelCard:
    """Return one card with all that is known beside; parameters and errors as `card`'s."""
    if name not in _TABLE:
        if name in shipped_names():
            return shipped_card(name)
        if name in inversion_names():
            return inversion_card(name)
        if not name.endswith(".safetensors") and (brought := lookup.find(name)) is not None:
            return brought.card
    return ModelCard(card(name), {})


def load(name: str) -> Restorer:
    """Load a restorer: all of its reading from disk happens here.

    Parameters
    ----------
    name
        As for `card`.

    Raises
    ------
    UnknownRestorerError, WeightsMissing, WeightsRefused
        As for `card`.
    DependencyError
        A package that it needs is not installed.
    """
    found, loader = _entry(name)
    return loader(found)


def _entry(name: str) -> tuple[Card, Loader]:
    if name in _TABLE:
        return _TABLE[name]
    if name.endswith(".safetensors"):
        return _file_entry(Path(name))
    shipped = shipped_names()
    if name in shipped:
        return shipped_card(name).card, load_shipped
    if name in inversion_names():
        return inversion_card(name).card, load_inversion
    brought = lookup.find(name)
    if brought is not None:
        return brought.card.card, brought.load
    if name in shipped_names(None):
        kind = shipped_card(name).card.kind
        use = {
            "generator": "`zoo synth`",
            "descriptor": "`bench run --metrics`",
            "parser": "`zoo restore --parser`",
        }.get(kind, "psp")
        raise UnknownRestorerError(f"{name} is no restorer but a network of kind {kind}: use {use}")
    known = names()
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]}?" if near else f"choose from {', '.join(known)}"
    raise UnknownRestorerError(f"no restorer is called {name!r}: {advice} (`zoo list` shows all)")


def _file_entry(path: Path) -> tuple[Card, Loader]:
    from zoo.registry.trained_card import card_of_file
    from zoo.weights.header import read_trained_file

    file = read_trained_file(path)

    def load_file(card: Card) -> Restorer:
        from zoo.restorers.trained import TrainedRestorer

        return TrainedRestorer(card, file)

    return card_of_file(file), load_file


def _load_input(card: Card) -> Restorer:
    from zoo.restorers.classical.identity import Untouched

    return Untouched(card)


def _load_bicubic_sharpen(card: Card) -> Restorer:
    from zoo.restorers.classical.bicubic_sharpen import BicubicSharpen

    return BicubicSharpen(card)


def _load_nlmeans(card: Card) -> Restorer:
    from zoo.restorers.classical.nlmeans import NonLocalMeans

    return NonLocalMeans(card)


def _load_bilateral(card: Card) -> Restorer:
    from zoo.restorers.classical.bilateral import Bilateral

    return Bilateral(card)


def _load_dejpeg(card: Card) -> Restorer:
    from zoo.restorers.classical.dejpeg import ShiftedJpeg

    return ShiftedJpeg(card)


def _load_wiener(card: Card) -> Restorer:
    from zoo.restorers.classical.wiener import Wiener

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
