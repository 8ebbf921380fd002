"""Licences that a person must agree to before a model is used, and where the agreement is kept.

A file in Relume's configuration folder (``~/.config/relume`` on Linux) lists the names, one a
line; deleting a line takes the agreement back.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from degrade.errors import UserError
from degrade.images import atomic_file

__all__ = ["LICENCES", "accept_licence", "agreements", "is_accepted"]

LICENCES: Mapping[str, str] = MappingProxyType(
    {
        "ibug-68": (
            "dlib's 68-point landmark model was trained on iBUG 300-W, whose licence excludes "
            "commercial use: do not use it in a commercial product"
        )
    }
)
"""What is agreed to, by the name that ``--accept-licence`` takes."""


def accept_licence(name: str) -> None:
    """Remember that the person at this account agrees to the licence ``name``.

    Raises
    ------
    UserError
        No licence has that name, or the agreement cannot be written down.
    """
    if name not in LICENCES:
        raise UserError(f"no licence is called {name!r}: choose from {', '.join(LICENCES)}")
    names = _agreed()
    if name in names:
        return
    try:
        with atomic_file(agreements()) as stream:
            stream.write("".join(f"{line}\n" for line in sorted({*names, name})).encode())
    except OSError as error:
        raise UserError(
            f"{agreements()} cannot be written ({error.strerror}): set XDG_CONFIG_HOME to a "
            "folder you may write to"
        ) from error


def is_accepted(name: str) -> bool:
    """Tell whether `accept_licence` was called for ``name``, ever, at this account."""
    return name in _agreed()


def agreements() -> Path:
    """Return the path of the file with the names; it need not be there."""
    import click

    return Path(click.get_app_dir("relume")) / "accepted-licences.txt"


def _agreed() -> frozenset[str]:
    path = agreements()
    if not path.is_file():
        return frozenset()
    text = path.read_text(encoding="utf-8", errors="replace")
    return frozenset(line.strip() for line in text.splitlines() if line.strip())
