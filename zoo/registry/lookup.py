"""Find the restorers that Relume does not bring: those a person added, then those of packages.

`zoo.registry.registry` asks here for names that are not in its own table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from degrade.errors import UserError
from zoo.registry.architectures import described
from zoo.registry.model_card import ModelCard
from zoo.registry.plugins import offered, offered_card, offered_loader
from zoo.registry.user_entries import (
    AddedNetwork,
    AddedRestorer,
    entries_folder,
    entry_names,
    read_entry,
    verified_weights,
)
from zoo.restorer import Card, Restorer
from zoo.weights.licences import require_consent

if TYPE_CHECKING:
    from spandrel import ImageModelDescriptor

__all__ = ["Found", "find", "names", "network_restorer", "problem"]


@dataclass(frozen=True, slots=True)
class Found:
    """A restorer that somebody else brought.

    Attributes
    ----------
    card
        Its card, with all that is known beside.
    load
        Loads it; all of its reading from disk happens there.
    origin
        Who brought it: the file of an entry, or a package.
    ready
        Whether what it runs is on this machine; None where only its package knows.
    seconds, measured_side
        Wall time of one face when it was added, and that face's side in pixels; None where
        nobody measured.
    """

    card: ModelCard
    load: Callable[[Card], Restorer]
    origin: str
    ready: bool | None
    seconds: float | None = None
    measured_side: int | None = None


def names() -> tuple[str, ...]:
    """Return the names of those added, then of those that packages offer; imports no package."""
    return tuple(dict.fromkeys([*entry_names(), *offered()]))


def find(name: str) -> Found | None:
    """Return the restorer called ``name``, or None where nobody brought one.

    Raises
    ------
    UserError
        There is one, and its entry is broken or its package cannot be imported; one line.
    """
    entry = read_entry(name)
    if entry is not None:
        return Found(
            card=entry.card,
            load=lambda _: _loaded(entry),
            origin=str(entries_folder() / f"{name}.yaml"),
            ready=_is_ready(entry),
            seconds=entry.seconds,
            measured_side=entry.measured_side,
        )
    point = offered().get(name)
    if point is None:
        return None
    package = point.dist.name if point.dist is not None else point.value
    card = ModelCard(offered_card(point), {})
    return Found(card, offered_loader(point), f"package {package}", None)


def _is_ready(entry: AddedRestorer) -> bool:
    """Tell whether the file of weights or the program is there, without opening it."""
    source = entry.source
    if isinstance(source, AddedNetwork):
        return source.weights.is_file()
    import shutil

    return shutil.which(source.words[0]) is not None and source.folder.is_dir()


def _loaded(entry: AddedRestorer) -> Restorer:
    source = entry.source
    if isinstance(source, AddedNetwork):
        from zoo.restorers.spandrel.weights import read_network

        # The agreement may have been taken back since.
        require_consent(described(source.architecture).consent, entry.card.card.name)
        return network_restorer(entry, read_network(verified_weights(entry), source.architecture))
    from zoo.restorers.command import CommandRestorer

    return CommandRestorer(
        entry.card.card, source.words, source.folder, source.timeout, source.results
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


def problem(name: str) -> str:
    """Return why a name of `names` cannot be used, one line, or nothing where it can."""
    try:
        find(name)
    except UserError as error:
        return str(error)
    return ""
