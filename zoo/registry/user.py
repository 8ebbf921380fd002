"""The restorers that a person added: one YAML file each, in Relume's configuration folder.

An entry is a card (`zoo.model_card`) with one heading more: ``network``, a file of
weights, or ``command``, a program. Nothing here runs either.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from degrade.config import to_config
from degrade.errors import UserError
from degrade.images import atomic_file
from zoo.model_card import ModelCard, RestorerEntry, card_as_yaml, read_model_card
from zoo.networks.config import Size
from zoo.restorer import Restorer
from zoo.weights.licences import require_consent

if TYPE_CHECKING:
    from spandrel import ImageModelDescriptor

__all__ = [
    "AddedCommand",
    "AddedNetwork",
    "AddedRestorer",
    "EntryError",
    "added_network",
    "check_name",
    "command_restorer",
    "entries_folder",
    "entry_names",
    "find_added",
    "is_reserved",
    "network_restorer",
    "read_entry",
    "remove_entry",
    "verified_weights",
    "write_entry",
]

_WORDS = frozenset({"all", "none", "clean"})
"""What commands take beside restorers' names."""
_ENDINGS = (".safetensors", ".pth", ".ckpt")
"""What makes a name the path of a file of weights."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class EntryError(UserError):
    """An added restorer that cannot be kept, found or read."""


@dataclass(frozen=True, slots=True)
class AddedNetwork:
    """Where a network's weights are and how it is run; see `zoo.restorers.spandrel.network`."""

    weights: str
    architecture: str
    side: Size | None = None
    shrink: Size = 1
    fidelity: float | None = None

    @property
    def path(self) -> Path:
        """Return the file of weights."""
        return Path(self.weights)

    def is_ready(self) -> bool:
        """Tell whether the file is there, without opening it."""
        return self.path.is_file()


@dataclass(frozen=True, slots=True)
class AddedCommand:
    """A program; see `zoo.restorers.command`."""

    words: Annotated[tuple[str, ...], Meta(min_length=1)]
    folder: str
    timeout: Annotated[float, Meta(gt=0)]
    results: str = ""

    def is_ready(self) -> bool:
        """Tell whether the program and the folder where it is started are there."""
        return shutil.which(self.words[0]) is not None and Path(self.folder).is_dir()


@dataclass(frozen=True, slots=True)
class AddedRestorer:
    """An entry."""

    # What a person must know; ``more`` also says what `source` does, for `zoo card`
    card: ModelCard
    source: AddedNetwork | AddedCommand  # what is run
    # Wall time of one face of `measured_side` pixels when it was added, or None
    seconds: float | None = None
    measured_side: int | None = None  # the side of that face


def is_reserved(name: str) -> bool:
    """Tell whether a name is taken for a path or a word of the command line."""
    return name.lower() in _WORDS or name.lower().endswith(_ENDINGS)


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
    names = (path.stem for path in entries_folder().glob("*.yaml"))
    return tuple(sorted(name for name in names if _NAME.fullmatch(name) and not is_reserved(name)))


def check_name(name: str) -> None:
    """Raise EntryError for a name that is reserved, or no good file name on every system."""
    if is_reserved(name):
        raise EntryError(
            f"{name!r} is reserved: choose a name other than all, none and clean that does not end "
            "like a file of weights"
        )
    if not _NAME.fullmatch(name):
        raise EntryError(
            f"{name!r} cannot name a restorer: take small letters, digits, '.', '-' and '_', a "
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
    except (UserError, AttributeError) as error:
        raise EntryError(
            f"{path} describes no restorer ({error}): run `zoo remove {name}` and add it again"
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
    name, path = entry.card.card.name, entry.source.path
    if not path.is_file():
        raise EntryError(
            f"the weights of {name} are no longer at {path}: put them back, or run "
            f"`zoo remove {name}` and add it from where they are"
        )
    sha256 = sha256_of(path)
    if sha256 != entry.card.card.sha256:
        raise EntryError(
            f"{path} has sha256 {sha256[:16]}…, {name} was added with "
            f"{entry.card.card.sha256[:16]}…: put the old file back, or add it again"
        )
    return path


def find_added(name: str) -> RestorerEntry | None:
    """Return the restorer that was added as ``name``, or None; errors as `read_entry`'s."""
    entry = read_entry(name)
    if entry is None:
        return None
    return RestorerEntry(
        entry.card,
        lambda: _loaded(entry),
        entry.source.is_ready(),
        entry.seconds,
        entry.measured_side,
    )


def network_restorer(entry: AddedRestorer, network: ImageModelDescriptor[Any]) -> Restorer:
    """Return the restorer of a network's entry around the network itself."""
    from zoo.restorers.spandrel.network import FIDELITY, SpandrelNetwork

    source = entry.source
    assert isinstance(source, AddedNetwork)
    return SpandrelNetwork(
        card=entry.card.card,
        network=network,
        side=source.side,
        shrink=source.shrink,
        fidelity=FIDELITY if source.fidelity is None else source.fidelity,
    )


def command_restorer(entry: AddedRestorer) -> Restorer:
    """Return the restorer of a program's entry."""
    from zoo.restorers.command import CommandRestorer

    source = entry.source
    assert isinstance(source, AddedCommand)
    return CommandRestorer(
        entry.card.card, source.words, Path(source.folder), source.timeout, source.results
    )


def _loaded(entry: AddedRestorer) -> Restorer:
    source = entry.source
    if isinstance(source, AddedCommand):
        return command_restorer(entry)
    from zoo.restorers.spandrel.architectures import architecture_facts
    from zoo.restorers.spandrel.weights import read_network

    # The agreement may have been taken back since.
    require_consent(architecture_facts(source.architecture).consent, entry.card.card.name)
    return network_restorer(entry, read_network(verified_weights(entry), source.architecture))


def _as_headings(entry: AddedRestorer) -> dict[str, Any]:
    """Return what `_source` and `read_entry` read back, under its headings."""
    heading = "network" if isinstance(entry.source, AddedNetwork) else "command"
    values = {key: value for key, value in asdict(entry.source).items() if value is not None}
    if isinstance(entry.source, AddedCommand):
        values["words"] = list(entry.source.words)
    headings: dict[str, Any] = {heading: values}
    if entry.seconds is not None:
        headings["speed"] = {"seconds a face": entry.seconds, "pixels a side": entry.measured_side}
    return headings


def _source(more: Mapping[str, Any]) -> AddedNetwork | AddedCommand:
    """Return what an entry runs; EntryError where it does not say."""
    if "network" in more:
        return to_config(more["network"], AddedNetwork, "network", error=EntryError)
    if "command" in more:
        return to_config(more["command"], AddedCommand, "command", error=EntryError)
    raise EntryError("neither a network nor a command")
