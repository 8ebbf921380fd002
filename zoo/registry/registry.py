"""All restorers by name: their cards, and loading them. Nothing is imported that runs one.

A restorer comes from one of five places, asked in this order: a module of
`zoo.restorers.classical`, weights with a card in `zoo.weights`, an inversion of a generator
(`zoo.restorers.inversion.entries`), an entry of `zoo add`, an installed package. The path of a
``.safetensors`` file that `zoo train` wrote stands for a name anywhere.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path

from degrade.errors import UserError
from zoo.model_card import ModelCard, RestorerEntry
from zoo.registry.plugins import find_offered, offered
from zoo.registry.user import entry_names, find_added
from zoo.restorer import Card, Restorer
from zoo.restorers import classical
from zoo.restorers.inversion.entries import find_inversion, inversion_names
from zoo.weights.builtin import shipped_card, shipped_names, weights_path

__all__ = [
    "DEFAULT", "UnknownRestorerError", "card", "cards", "find", "load", "model_card", "names",
    "other_names", "own_names", "problems",
]  # fmt: skip

DEFAULT = "style-128"
"""The restorer that is meant where none is named."""
_FIRST = "input"
"""Does nothing: every table begins with it."""


class UnknownRestorerError(UserError):
    """No restorer of that name is known."""


def names() -> tuple[str, ...]:
    """Return the names of all restorers.

    ``input`` first, then ours without and with weights, those that `zoo add` added, and those
    of other packages; a name that occurs again counts where it comes first.
    """
    return tuple(dict.fromkeys([*own_names(), *other_names()]))


def own_names() -> tuple[str, ...]:
    """Return the names of the restorers that come with Relume."""
    return (*_classical_names(), *shipped_names(), *inversion_names())


def other_names() -> tuple[str, ...]:
    """Return the names of those added, then of those that packages offer; imports no package."""
    return tuple(dict.fromkeys([*entry_names(), *offered()]))


def cards() -> tuple[Card, ...]:
    """Return the cards of all restorers that can be used, in the order of `names`.

    Somebody else's entry or package that is broken ends nothing, see `problems`.
    """
    broken = problems()
    return tuple(card(name) for name in names() if name not in broken)


def problems() -> Mapping[str, str]:
    """Return, by name, one line on each restorer of somebody else's that cannot be used."""
    own, lines = own_names(), {}
    for name in other_names():
        if name not in own:
            try:
                find(name)
            except UserError as error:
                lines[name] = str(error)
    return lines


def find(name: str) -> RestorerEntry:
    """Return a restorer's entry.

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
    UserError
        An entry of `zoo add` that is broken, or a package that cannot be imported; one line.
    """
    if name.endswith(".safetensors"):
        return _of_file(Path(name))
    for source in (_find_classical, _find_shipped, find_inversion, find_added, find_offered):
        if (entry := source(name)) is not None:
            return entry
    raise UnknownRestorerError(_advice(name))


def card(name: str) -> Card:
    """Return one card; parameters and errors as `find`'s."""
    return find(name).card.card


def model_card(name: str) -> ModelCard:
    """Return one card with all that is known beside; parameters and errors as `find`'s."""
    return find(name).card


def load(name: str) -> Restorer:
    """Load a restorer: all of its reading from disk happens here.

    Parameters and errors are those of `find`.

    Raises
    ------
    DependencyError
        A package that it needs is not installed.
    """
    return find(name).load()


def _classical_names() -> tuple[str, ...]:
    """Return the names of the modules of `zoo.restorers.classical`, without importing any."""
    modules = (module.name for module in pkgutil.iter_modules(classical.__path__))
    return tuple(sorted((name.replace("_", "-") for name in modules), key=_first_then_by_name))


def _first_then_by_name(name: str) -> tuple[bool, str]:
    return name != _FIRST, name


def _find_classical(name: str) -> RestorerEntry | None:
    if name not in _classical_names():
        return None
    module = importlib.import_module(f"{classical.__name__}.{name.replace('-', '_')}")
    return RestorerEntry(ModelCard(module.card, {}), module.load)


def _find_shipped(name: str) -> RestorerEntry | None:
    if name not in shipped_names():
        return None
    card = shipped_card(name)

    def load_shipped() -> Restorer:
        from zoo.restorers.trained import TrainedRestorer
        from zoo.weights.header import read_trained_file

        return TrainedRestorer(card.card, read_trained_file(weights_path(name)))

    return RestorerEntry(card, load_shipped)


def _of_file(path: Path) -> RestorerEntry:
    from zoo.restorers.trained_card import card_of_file
    from zoo.weights.header import read_trained_file

    file = read_trained_file(path)
    card = card_of_file(file)

    def load_file() -> Restorer:
        from zoo.restorers.trained import TrainedRestorer

        return TrainedRestorer(card, file)

    return RestorerEntry(ModelCard(card, {}), load_file)


def _advice(name: str) -> str:
    """Return what to do about a name that no restorer has."""
    if name in shipped_names(None):
        kind = shipped_card(name).card.kind
        use = {
            "generator": "`zoo synth`",
            "descriptor": "`bench run --metrics`",
            "parser": "`zoo restore --parser`",
        }.get(kind, "psp")
        return f"{name} is no restorer but a network of kind {kind}: use {use}"
    known = names()
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]}?" if near else f"choose from {', '.join(known)}"
    return f"unknown restorer {name!r}: {advice} (`zoo list` shows all)"
