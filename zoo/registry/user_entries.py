"""The restorers that a person added: one YAML file each, in Relume's configuration folder.

An entry is a card (`zoo.registry.model_card`) with one heading more: ``network``, a file of
weights, or ``command``, a program. Nothing here runs either.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from degrade.errors import UserError
from degrade.images import atomic_file
from zoo.registry.model_card import ModelCard, card_as_yaml, read_model_card
from zoo.registry.reserved_names import is_reserved

__all__ = [
    "AddedCommand",
    "AddedNetwork",
    "AddedRestorer",
    "EntryError",
    "added_network",
    "check_name",
    "entries_folder",
    "entry_names",
    "read_entry",
    "remove_entry",
    "verified_weights",
    "write_entry",
]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class EntryError(UserError):
    """An added restorer that cannot be kept, found or read."""


@dataclass(frozen=True, slots=True)
class AddedNetwork:
    """Where a network's weights are and how it is run; see `zoo.restorers.spandrel.network`."""

    weights: Path
    architecture: str
    side: int | None = None
    shrink: int = 1
    fidelity: float | None = None


@dataclass(frozen=True, slots=True)
class AddedCommand:
    """A program; see `zoo.restorers.command`."""

    words: tuple[str, ...]
    folder: Path
    timeout: float
    results: str = ""


@dataclass(frozen=True, slots=True)
class AddedRestorer:
    """An entry.

    Attributes
    ----------
    card
        What a person must know; ``more`` also tells what `source` says, for `zoo card`.
    source
        What is run.
    seconds
        Wall time of one face of `measured_side` pixels when it was added, or None.
    measured_side
        The side of that face.
    """

    card: ModelCard
    source: AddedNetwork | AddedCommand
    seconds: float | None = None
    measured_side: int | None = None


def entries_folder() -> Path:
    """Return the folder of the entries, ``RELUME_RESTORERS`` or Relume's own; it may be absent."""
    import click

    explicit = os.environ.get("RELUME_RESTORERS")
    return Path(explicit) if explicit else Path(click.get_app_dir("relume")) / "restorers"


def entry_names() -> tuple[str, ...]:
    """Return the names of the entries in alphabetical order, without reading any.

    One that an earlier version took under a reserved name is not among them; `remove_entry`
    finds it.
    """
    found = (path.stem for path in entries_folder().glob("*.yaml"))
    return tuple(sorted(name for name in found if _NAME.fullmatch(name) and not is_reserved(name)))


def check_name(name: str) -> None:
    """Raise EntryError for a name that is reserved, or no good file name on every system."""
    if is_reserved(name):
        raise EntryError(
            f"{name!r} stands for something else where restorers are named: take a name other than "
            "all, none and clean that does not end like a file of weights"
        )
    if not _NAME.fullmatch(name):
        raise EntryError(
            f"{name!r} is no name for a restorer: take small letters, digits, '.', '-' and '_', a "
            "letter or digit first, 64 at most"
        )


def write_entry(entry: AddedRestorer) -> Path:
    """Write an entry, whole or not at all, over an older one of its name; return the file.

    Raises
    ------
    EntryError
        A name that is no good file name, or a folder that cannot be written to.
    """
    name = entry.card.card.name
    check_name(name)
    path = entries_folder() / f"{name}.yaml"
    more = {**entry.card.more, **_as_headings(entry)}
    try:
        with atomic_file(path) as stream:
            stream.write(card_as_yaml(ModelCard(entry.card.card, more)).encode())
    except OSError as error:
        raise EntryError(
            f"{path} cannot be written ({error.strerror}): set RELUME_RESTORERS to a folder you "
            "may write to"
        ) from error
    return path


def read_entry(name: str) -> AddedRestorer | None:
    """Return the entry called ``name``, or None where there is none.

    Raises
    ------
    EntryError
        A file that is no entry.
    """
    path = entries_folder() / f"{name}.yaml"
    if not _NAME.fullmatch(name) or not path.is_file():
        return None
    try:
        card = read_model_card(path)
        if card.card.name != name:
            raise EntryError(f"its card is that of {card.card.name}")
        source = _source(card.more)
        speed = card.more.get("speed", {})
        seconds, side = speed.get("seconds a face"), speed.get("pixels a side")
    except (UserError, LookupError, TypeError, ValueError, AttributeError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise EntryError(
            f"{path} describes no restorer ({reason}): run `zoo remove {name}` and add it again"
        ) from error
    known = isinstance(seconds, float) and isinstance(side, int)
    return AddedRestorer(card, source, seconds if known else None, side if known else None)


def remove_entry(name: str) -> Path:
    """Delete the entry called ``name`` and nothing else; EntryError where there is none."""
    path = entries_folder() / f"{name}.yaml"
    if not _NAME.fullmatch(name) or not path.is_file():
        known = ", ".join(entry_names()) or "none so far"
        raise EntryError(f"no restorer called {name!r} was added: those added are {known}")
    path.unlink()
    return path


def added_network(name: str) -> AddedRestorer | None:
    """Return the entry called ``name`` where that is a network, else None."""
    entry = read_entry(name)
    return entry if entry is not None and isinstance(entry.source, AddedNetwork) else None


def verified_weights(entry: AddedRestorer) -> Path:
    """Return a network's file of weights, when it is there and is the one that was added.

    Raises
    ------
    EntryError
        The file is gone, or its sha256 is another.
    """
    from zoo.weights.download import sha256_of

    assert isinstance(entry.source, AddedNetwork)
    name, path = entry.card.card.name, entry.source.weights
    if not path.is_file():
        raise EntryError(
            f"the weights of {name} are no longer at {path}: put them back, or run "
            f"`zoo remove {name}` and add it from where they are"
        )
    found = sha256_of(path)
    if found != entry.card.card.sha256:
        raise EntryError(
            f"{path} has sha256 {found[:16]}…, {name} was added with "
            f"{entry.card.card.sha256[:16]}…: put the old file back, or add it again"
        )
    return path


def _as_headings(entry: AddedRestorer) -> dict[str, Any]:
    """Return what `_source` and `read_entry` read back, under its headings."""
    source = entry.source
    if isinstance(source, AddedNetwork):
        told: dict[str, Any] = {
            "network": {
                "weights": str(source.weights),
                "architecture": source.architecture,
                "side": source.side,
                "shrink": source.shrink,
                "fidelity": source.fidelity,
            }
        }
    else:
        told = {
            "command": {
                "words": list(source.words),
                "folder": str(source.folder),
                "timeout": source.timeout,
                "results": source.results,
            }
        }
    told = {head: {k: v for k, v in rows.items() if v is not None} for head, rows in told.items()}
    if entry.seconds is not None:
        told["speed"] = {"seconds a face": entry.seconds, "pixels a side": entry.measured_side}
    return told


def _source(more: Mapping[str, Any]) -> AddedNetwork | AddedCommand:
    """Return what an entry runs; KeyError, TypeError or ValueError where it is not told."""
    if "network" in more:
        told = more["network"]
        side, fidelity = told.get("side"), told.get("fidelity")
        return AddedNetwork(
            weights=Path(_text(told["weights"])),
            architecture=_text(told["architecture"]),
            side=None if side is None else _positive(int(side)),
            shrink=_positive(int(told.get("shrink", 1))),
            fidelity=None if fidelity is None else float(fidelity),
        )
    told = more["command"]
    words = told["words"]
    if not isinstance(words, list) or not words:
        raise ValueError("no words")
    timeout = float(told["timeout"])
    if not (math.isfinite(timeout) and timeout > 0):
        raise ValueError("no time")
    return AddedCommand(
        words=tuple(_text(word) for word in words),
        folder=Path(_text(told["folder"])),
        timeout=timeout,
        results=_text(told.get("results", "")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _positive(value: int) -> int:
    if value < 1:
        raise ValueError(f"{value} is not positive")
    return value
