"""The long card of a trained restorer: a YAML file that a person writes and reads, and its `Card`.

The keys of `Card` come first; ``more`` holds everything else that must be known, by heading: how
it was trained, what was measured and by which protocol, what fails and how often.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from degrade.config import load_yaml, nearest
from degrade.errors import UserError
from zoo.restorer import Card

__all__ = ["CardError", "ModelCard", "card_as_yaml", "read_model_card"]

_KEYS = {field.name: field for field in fields(Card)}
_LISTS = ("input_size", "loss_networks", "regions")


class CardError(UserError):
    """A card file that cannot be read, or lacks what a person must know."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A card file.

    Attributes
    ----------
    card
        What every restorer has.
    more
        Heading → text, mapping of names to values, or list of such mappings (a table).
    """

    card: Card
    more: Mapping[str, Any]

    def as_record(self) -> Mapping[str, object]:
        """Return all of it as a JSON-ready mapping: the keys of `Card`, and ``more``."""
        return {**self.card.as_record(), "more": dict(self.more)}


def read_model_card(path: Path) -> ModelCard:
    """Read a card file.

    Raises
    ------
    CardError
        No such file, no YAML, a key that is missing or not known, or a value of another kind.
    """
    data, _ = load_yaml(path, path.name, error=CardError)
    if not isinstance(data, dict):
        raise CardError(f"{path.name} is no mapping of keys to values")
    more = data.pop("more", None) or {}
    for key in data:
        if key not in _KEYS:
            raise CardError(f"{path.name}: no key is called '{key}'.{nearest(key, _KEYS)}")
    for name, field in _KEYS.items():
        if name not in data and field.default is MISSING:
            raise CardError(f"{path.name} lacks the key '{name}'")
    if not isinstance(more, dict):
        raise CardError(f"{path.name}: 'more' is no mapping of headings to what stands under them")
    return ModelCard(Card(**{key: _value(path, key, data[key]) for key in data}), more)


def card_as_yaml(card: ModelCard) -> str:
    """Return the text of a card file; `read_model_card` of it gives the card back."""
    told = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in card.card.as_record().items()
    }
    return yaml.dump(
        {**told, "more": dict(card.more)},
        Dumper=_Readable,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )


def _value(path: Path, key: str, value: Any) -> Any:
    if key == "input_size" and value is not None:
        if not _is_list_of(int, value) or len(value) != 2:
            raise CardError(f"{path.name}: 'input_size' is a list of height and width")
        return tuple(value)
    if key in _LISTS and value is not None:
        if not _is_list_of(str, value):
            raise CardError(f"{path.name}: '{key}' is a list of names")
        return tuple(value)
    wanted = bool if key == "blind" else str
    if key != "input_size" and not isinstance(value, wanted):
        raise CardError(
            f"{path.name}: '{key}' is {'true or false' if key == 'blind' else 'a text'}"
        )
    return value


def _is_list_of(kind: type, value: object) -> bool:
    return isinstance(value, list) and all(type(entry) is kind for entry in value)


class _Readable(yaml.SafeDumper):
    """Writes lists of numbers or names in one line, and anchors never."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_list_shortly(self, data: list[Any]) -> yaml.Node:
        short = all(isinstance(entry, (int, float, str)) for entry in data)
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=short)


_Readable.add_representer(list, _Readable.represent_list_shortly)
