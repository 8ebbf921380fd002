"""The long card of a network: a YAML file that a person writes and reads, and its `Card`.

The keys of `Card` come first; ``more`` holds everything else that must be known, by heading: how
it was trained, what was measured and by which protocol, what fails and how often.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from degrade.config import load_yaml, to_config
from degrade.errors import UserError
from zoo.restorer import Card, Restorer

__all__ = [
    "NOTICE",
    "CardError",
    "ModelCard",
    "RestorerEntry",
    "card_as_yaml",
    "read_model_card",
]


class CardError(UserError):
    """A card file that cannot be read, or lacks what a person must know."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A card file."""

    card: Card  # what every restorer has
    # Heading → text, mapping of names to values, or list of such mappings (a table)
    more: Mapping[str, Any]

    def as_record(self) -> Mapping[str, object]:
        """Return all of it as a JSON-ready mapping: the keys of `Card`, and ``more``."""
        return {**self.card.as_record(), "more": dict(self.more)}


@dataclass(frozen=True, slots=True)
class RestorerEntry:
    """A restorer in the registry: its card, and what loads it."""

    card: ModelCard  # its card, with all that is known beside
    load: Callable[[], Restorer]  # loads it; all of its reading from disk happens there
    # Whether what it runs is on this machine; None where only its package knows
    ready: bool | None = True
    # Wall time of one face when it was added, and that face's side in pixels; None where nobody
    # measured
    seconds: float | None = None
    measured_side: int | None = None


def read_model_card(path: Path) -> ModelCard:
    """Read a card file.

    Raises
    ------
    CardError
        No such file, no YAML, a key that is missing or not known, or a value of another kind.
    """
    data, lines = load_yaml(path, path.name, error=CardError)
    if not isinstance(data, dict):
        raise CardError(f"{path.name}: expected keys and values")
    more = data.pop("more", None) or {}
    if not isinstance(more, dict):
        raise CardError(f"{path.name}: 'more' is no mapping of headings to what stands under them")
    return ModelCard(to_config(data, Card, path.name, lines=lines, error=CardError), more)


def card_as_yaml(card: ModelCard) -> str:
    """Return the text of a card file; `read_model_card` of it gives the card back."""
    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in card.card.as_record().items()
    }
    return yaml.dump(
        {**values, "more": dict(card.more)},
        Dumper=_Readable,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )


class _Readable(yaml.SafeDumper):
    """Writes lists of numbers or names in one line, and anchors never."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_list_shortly(self, data: list[Any]) -> yaml.Node:
        short = all(isinstance(entry, (int, float, str)) for entry in data)
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=short)


_Readable.add_representer(list, _Readable.represent_list_shortly)


NOTICE = "Restored detail is invented; it is no evidence of who someone is."
