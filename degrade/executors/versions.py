"""What must be the same on every machine for the bytes to be the same."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["describe_difference", "installed_versions"]

_PACKAGES = ("numpy", "numba", "llvmlite", "imagecodecs", "pillow", "distributed")
"""What computes and decodes pixels, and what the machines speak to each other with."""


@cache
def installed_versions() -> Mapping[str, str]:
    """Return the version of each thing that matters, on the machine where this is called.

    ``relume`` is its version and the first digits of the sha256 of its sources: two checkouts
    may call themselves the same.
    """
    found = {"relume": _own_version(), "python": ".".join(platform.python_version_tuple()[:2])}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _own_version() -> str:
    from degrade import __version__

    package = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{__version__} (sources {digest.hexdigest()[:8]})"


def describe_difference(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """Return ``numba 0.68.1 here, 0.61.0 there; …`` for what differs, empty when nothing does."""
    names = [*here, *(name for name in there if name not in here)]
    return "; ".join(
        f"{name} {here.get(name, 'unknown')} here, {there.get(name, 'unknown')} there"
        for name in names
        if here.get(name) != there.get(name)
    )
