"""Make an entry of a file of weights or of a program: identify, ask for consent, try, keep."""

from __future__ import annotations

import dataclasses
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from degrade.errors import UserError
from zoo.model_card import ModelCard
from zoo.registry.trial import TRIAL_SIDE, seconds_a_face
from zoo.registry.user import (
    AddedCommand,
    AddedNetwork,
    AddedRestorer,
    check_name,
    command_restorer,
    network_restorer,
    write_entry,
)
from zoo.restorer import Card, Restorer
from zoo.restorers.spandrel.architectures import Architecture, architecture_facts
from zoo.weights.licences import LICENCES, accept_licence, require_consent

__all__ = ["AddingError", "UserFacts", "add_command", "add_network"]


class AddingError(UserError):
    """A restorer that cannot be added as asked."""


@dataclass(frozen=True, slots=True)
class UserFacts:
    """What the person who adds a restorer says of it; what is left empty is filled in."""

    size: int | None = None  # side in pixels of the faces that it takes, or None
    licence: str = ""  # of the weights, or of the program
    trained_on: str = ""  # the data
    # Networks that it was trained against: their scores of it carry a dagger
    loss_networks: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()  # names of licences that are agreed to
    tried: bool = True  # whether it is run once before it is kept


def add_network(
    name: str,
    weights: Path,
    facts: UserFacts,
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
    facts
        What the person says of it.
    architecture
        The only one to accept, by spandrel's id, or empty.
    scale
        Images are reduced by this before they go through: for super-resolvers.
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
    _check_accepted(facts.accepted)
    path = weights.absolute()
    network = read_network(path, architecture)
    identity = str(network.architecture.id)
    known = architecture_facts(identity)
    for licence in facts.accepted:
        accept_licence(licence)
    require_consent(known.consent, f"{identity}, the network in {path},")
    _check_options(identity, known, network.scale, scale, fidelity)
    source = AddedNetwork(str(path), identity, known.face_side, scale, fidelity)
    card = _network_card(name, known, identity, network.scale, facts, sha256_of(path))
    entry = AddedRestorer(ModelCard(card, {}), source)
    return _tried_and_written(entry, network_restorer(entry, network) if facts.tried else None)


def add_command(
    name: str, command: str, facts: UserFacts, *, timeout: float, results: str = ""
) -> AddedRestorer:
    """Add a program; it is started in the folder that is the current one now.

    Parameters
    ----------
    name
        The registry name to be.
    command
        Split into words as a POSIX shell would, and given to no shell. ``{in}`` and ``{out}``
        stand for folders, ``{in_file}`` and ``{out_file}`` for one PNG file each.
    facts
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
    check_name(name)
    source = AddedCommand(_words(command), str(Path.cwd()), timeout, _below(results))
    card = Card(
        name=name,
        kind="command",
        summary=f"Runs {Path(source.words[0]).name} on every face.",
        licence_code=facts.licence or "not stated: ask its authors",
        licence_weights=facts.licence or "not stated: ask its authors",
        source=shlex.join(source.words),
        input_size=None if facts.size is None else (facts.size, facts.size),
        trained_on=facts.trained_on or "not stated",
        loss_networks=facts.loss_networks,
        sha256="",
        blind=True,
        limits="Whatever its authors say; whether it is deterministic is its own affair.",
    )
    entry = AddedRestorer(ModelCard(card, {}), source)
    return _tried_and_written(entry, command_restorer(entry) if facts.tried else None)


def _tried_and_written(entry: AddedRestorer, restorer: Restorer | None) -> AddedRestorer:
    """Try the restorer where there is one, and write the entry."""
    if restorer is not None:
        size = entry.card.card.input_size
        side = size[0] if size is not None else TRIAL_SIDE
        seconds = round(seconds_a_face(restorer, side), 4)
        entry = dataclasses.replace(entry, seconds=seconds, measured_side=side)
    write_entry(entry)
    return entry


def _check_accepted(names: Sequence[str]) -> None:
    """Refuse a licence that nobody knows before any work is done."""
    for name in names:
        if name not in LICENCES:
            raise AddingError(f"unknown licence {name!r}: choose from {', '.join(LICENCES)}")


def _check_options(
    identity: str, known: Architecture, enlarges: int, scale: int, fidelity: float | None
) -> None:
    """Refuse options that this network would ignore."""
    if fidelity is not None and identity != "CodeFormer":
        raise AddingError(f"--fidelity is CodeFormer's, this network is {identity}: leave it out")
    if scale > 1 and known.face_side is not None:
        raise AddingError(
            f"{identity} takes faces of {known.face_side} pixels, whatever their size was: leave "
            "--scale out"
        )
    if scale > enlarges:
        raise AddingError(
            f"this {identity} network enlarges by {enlarges}: reduced by {scale} a face would come "
            f"back smaller; take --scale 1 to {enlarges}"
        )


def _network_card(
    name: str, known: Architecture, identity: str, enlarges: int, facts: UserFacts, sha256: str
) -> Card:
    side = facts.size or known.face_side
    what = f"{identity}, for faces" if known.face_side else f"{identity}, for any image"
    return Card(
        name=name,
        kind="network",
        summary=f"{what}{f', enlarges {enlarges} times' if enlarges > 1 else ''}.",
        licence_code=known.licence_code,
        licence_weights=facts.licence or known.licence_weights,
        source=known.source,
        input_size=None if side is None else (side, side),
        trained_on=facts.trained_on or known.trained_on,
        loss_networks=facts.loss_networks or known.loss_networks,
        sha256=sha256,
        blind=True,
        limits=known.limits,
        template="ffhq" if known.face_side is not None else "",
    )


def _words(command: str) -> tuple[str, ...]:
    """Split a command, check its places, and find its program."""
    from zoo.restorers.command import FILES, FOLDERS

    try:
        words = shlex.split(command)
    except ValueError as error:
        raise AddingError(f"the command cannot be split into words ({error}): mend it") from error
    pairs = [
        pair
        for pair in (FOLDERS, FILES)
        if any(placeholder in word for placeholder in pair for word in words)
    ]
    whole = len(pairs) == 1 and all(
        any(placeholder in word for word in words) for placeholder in pairs[0]
    )
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
