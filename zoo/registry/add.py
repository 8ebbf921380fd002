"""Make an entry of a file of weights or of a program: identify, ask for consent, try, keep."""

from __future__ import annotations

import dataclasses
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from degrade.errors import UserError
from zoo.registry.architectures import Architecture, described
from zoo.registry.lookup import network_restorer
from zoo.registry.model_card import ModelCard
from zoo.registry.trial import seconds_a_face
from zoo.registry.user_entries import (
    AddedCommand,
    AddedNetwork,
    AddedRestorer,
    check_name,
    write_entry,
)
from zoo.restorer import Card, Restorer
from zoo.weights.licences import accept_licence, require_consent

__all__ = ["AddingError", "Told", "add_command", "add_network"]

_TRIAL_SIDE = 128
"""Side of the face that restorers of any size are tried on."""


class AddingError(UserError):
    """A restorer that cannot be added as asked."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the person who adds a restorer says of it; what is left empty is filled in.

    Attributes
    ----------
    size
        Side in pixels of the faces that it takes, or None.
    licence
        Of the weights, or of the program.
    trained_on
        The data.
    loss_networks
        Networks that it was trained against: their scores of it carry a dagger.
    accepted
        Names of licences that are agreed to.
    tried
        Whether it is run once before it is kept.
    """

    size: int | None = None
    licence: str = ""
    trained_on: str = ""
    loss_networks: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    tried: bool = True


def add_network(
    name: str,
    weights: Path,
    told: Told,
    *,
    architecture: str = "",
    scale: int = 1,
    fidelity: float | None = None,
) -> AddedRestorer:
    """Add a network in a file of weights; the file stays where it is.

    Parameters
    ----------
    name
        The registry name to be.
    weights
        See `zoo.restorers.spandrel.weights.read_network`.
    told
        What the person says of it.
    architecture
        The only one to accept, by spandrel's id, or empty.
    scale
        Pictures are reduced by this before they go through: for super-resolvers.
    fidelity
        CodeFormer's weight of the input's features.

    Raises
    ------
    UserError
        One line: the name, the file, the licence, an option that the network has no use for, or
        what the trial showed.
    """
    from zoo.restorers.spandrel.weights import read_network
    from zoo.weights.download import sha256_of

    check_name(name)
    _check_accepted(told.accepted)
    path = weights.absolute()
    network = read_network(path, architecture)
    found = str(network.architecture.id)
    facts = described(found)
    for licence in told.accepted:
        accept_licence(licence)
    require_consent(facts.consent, f"{found}, the network in {path},")
    _check_options(found, facts, network.scale, scale, fidelity)
    source = AddedNetwork(path, found, facts.face_side, scale, fidelity)
    card = _network_card(name, facts, found, network.scale, told, sha256_of(path))
    entry = AddedRestorer(ModelCard(card, {}), source)
    return _kept(entry, network_restorer(entry, network) if told.tried else None)


def add_command(
    name: str, command: str, told: Told, *, timeout: float, results: str = ""
) -> AddedRestorer:
    """Add a program; it is started in the folder that is the current one now.

    Parameters
    ----------
    name
        The registry name to be.
    command
        Split into words as a POSIX shell would, and given to no shell. ``{in}`` and ``{out}``
        stand for folders, ``{in_file}`` and ``{out_file}`` for one PNG file each.
    told
        What the person says of it.
    timeout
        Seconds that one run may take.
    results
        The folder below ``{out}`` in which the program leaves its results.

    Raises
    ------
    UserError
        One line: the name, the words, the program, or what the trial showed.
    """
    from zoo.restorers.command import CommandRestorer

    check_name(name)
    source = AddedCommand(_words(command), Path.cwd(), timeout, _below(results))
    card = Card(
        name=name,
        kind="command",
        summary=f"Runs {Path(source.words[0]).name} on every face.",
        licence_code=told.licence or "not stated: ask its authors",
        licence_weights=told.licence or "not stated: ask its authors",
        source=shlex.join(source.words),
        input_size=None if told.size is None else (told.size, told.size),
        trained_on=told.trained_on or "not stated",
        loss_networks=told.loss_networks,
        sha256="",
        blind=True,
        limits="Whatever its authors say; whether it is deterministic is its own affair.",
    )
    entry = AddedRestorer(ModelCard(card, {}), source)
    restorer = CommandRestorer(card, source.words, source.folder, timeout, source.results)
    return _kept(entry, restorer if told.tried else None)


def _kept(entry: AddedRestorer, restorer: Restorer | None) -> AddedRestorer:
    """Try the restorer where there is one, and write the entry."""
    if restorer is not None:
        size = entry.card.card.input_size
        side = size[0] if size is not None else _TRIAL_SIDE
        seconds = round(seconds_a_face(restorer, side), 4)
        entry = dataclasses.replace(entry, seconds=seconds, measured_side=side)
    write_entry(entry)
    return entry


def _check_accepted(names: Sequence[str]) -> None:
    """Refuse a licence that nobody knows before any work is done."""
    from zoo.weights.licences import LICENCES

    for name in names:
        if name not in LICENCES:
            raise AddingError(f"no licence is called {name!r}: choose from {', '.join(LICENCES)}")


def _check_options(
    found: str, facts: Architecture, enlarges: int, scale: int, fidelity: float | None
) -> None:
    """Refuse options that this network would ignore."""
    if fidelity is not None and found != "CodeFormer":
        raise AddingError(f"--fidelity is CodeFormer's, this network is {found}: leave it out")
    if scale > 1 and facts.face_side is not None:
        raise AddingError(
            f"{found} takes faces of {facts.face_side} pixels, whatever their size was: leave "
            "--scale out"
        )
    if scale > enlarges:
        raise AddingError(
            f"this {found} network enlarges by {enlarges}: reduced by {scale} a face would come "
            f"back smaller; take --scale 1 to {enlarges}"
        )


def _network_card(
    name: str, facts: Architecture, found: str, enlarges: int, told: Told, sha256: str
) -> Card:
    side = told.size or facts.face_side
    what = f"{found}, for faces" if facts.face_side else f"{found}, for any picture"
    return Card(
        name=name,
        kind="network",
        summary=f"{what}{f', enlarges {enlarges} times' if enlarges > 1 else ''}.",
        licence_code=facts.licence_code,
        licence_weights=told.licence or facts.licence_weights,
        source=facts.source,
        input_size=None if side is None else (side, side),
        trained_on=told.trained_on or facts.trained_on,
        loss_networks=told.loss_networks or facts.loss_networks,
        sha256=sha256,
        blind=True,
        limits=facts.limits,
        template="ffhq" if facts.face_side is not None else "",
    )


def _words(command: str) -> tuple[str, ...]:
    """Split a command, check its places, and find its program."""
    from zoo.restorers.command import FILES, FOLDERS

    try:
        words = shlex.split(command)
    except ValueError as error:
        raise AddingError(f"the command cannot be split into words ({error}): mend it") from error
    pairs = [
        pair for pair in (FOLDERS, FILES) if any(place in word for place in pair for word in words)
    ]
    whole = len(pairs) == 1 and all(any(place in word for word in words) for place in pairs[0])
    if not whole:
        raise AddingError(
            "a command names {in} and {out}, the folders of faces and of results, or {in_file} and "
            "{out_file}: write it like --command 'tool --input {in} --output {out}'"
        )
    program = shutil.which(words[0])
    if program is None:
        raise AddingError(f"{words[0]} is no program on this machine: install it or name its path")
    return (str(Path(program).absolute()), *words[1:])


def _below(results: str) -> str:
    if Path(results).is_absolute() or ".." in Path(results).parts:
        raise AddingError(f"{results!r} is no folder below {{out}}: name it by relative path")
    return results
