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

__all__ = [
    "LICENCES",
    "ConsentError",
    "accept_licence",
    "agreements",
    "is_accepted",
    "require_consent",
]

LICENCES: Mapping[str, str] = MappingProxyType(
    {
        "ibug-68": (
            "dlib's 68-point landmark model was trained on iBUG 300-W, whose licence excludes "
            "commercial use: do not use it in a commercial product"
        ),
        "s-lab-1.0": "S-Lab License 1.0 (CodeFormer): redistribution and use for non-commercial "
        "purpose only; ask its authors otherwise",
        "cc-by-nc-4.0": "CC BY-NC 4.0 (SRFormer): non-commercial use, with attribution",
        "cc-by-nc-sa-4.0": "CC BY-NC-SA 4.0 (AdaCode, FeMaSR): non-commercial use, with "
        "attribution, changes under the same licence",
        "academic-public": "Academic Public License (Restormer, MPRNet, MIRNetv2, M3SNet): "
        "academic and other non-commercial use",
        "ddcolor": "Alibaba's licence of DDColor: academic and non-commercial use",
    }
)
"""What is agreed to, by the name that ``--accept-licence`` takes."""


class ConsentError(UserError):
    """Something was to be used whose licence nobody at this account agreed to."""


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


def require_consent(name: str, subject: str) -> None:
    """Go on where the licence ``name`` was agreed to; an empty name asks for nothing.

    Raises
    ------
    ConsentError
        With the licence and the option that agrees to it; ``subject`` begins the sentence.
    """
    if name and not is_accepted(name):
        raise ConsentError(
            f"{subject} may not be used before you agree to its licence, {LICENCES[name]}: add "
            f"`--accept-licence {name}` if you do"
        )


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
