"""Which names inputs may have, and under which keys their pairs are stored."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

import numpy as np

from degrade.errors import DatasetError
from degrade.random import normalise_path

LONGEST_PART = 240
"""Bytes of a name between slashes: file systems take 255, ``-v00000`` and ``.hq.png`` need 14."""

_DETOURS = frozenset(("", ".", ".."))
_UNDERSCORES = str.maketrans(dict.fromkeys(".\\:", "_"))


def pair_key(image_id: str, variant: int, variants: int) -> str:
    """Return the key of a pair: the image's path without its ending, and its variant if several.

    Where there is one the later epochs of `degrade.PairedDataset` add theirs. Dots become
    underscores, as WebDataset ends a key at the first dot; so do backslashes and colons, which
    lead elsewhere on Windows.
    """
    if "//" in image_id or "./" in image_id:
        image_id = PurePosixPath(image_id).as_posix()
    folder, slash, name = image_id.rpartition("/")
    dot = name.rfind(".")
    stem = f"{folder}{slash}{name[:dot] if 0 < dot < len(name) - 1 else name}"
    stem = stem.translate(_UNDERSCORES)
    return stem if variants == 1 and variant == 0 else f"{stem}-v{variant:05d}"


def sort_out(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return ``(names to use, (name, reason) of the others)``, both sorted.

    The names to use have different image ids and different keys; of several that clash, the first
    in the alphabet is used. A name that is not UTF-8 is given with its foreign bytes written as
    ``\\xff``, so that it can be stored and printed. The case of letters is kept: ``A.png`` and
    ``a.png`` are two images.
    """
    usable: list[str] = []
    unusable: list[tuple[str, str]] = []
    for name in sorted(names):
        reason = _refusal(name)
        if reason:
            unusable.append((printable_name(name), reason))
        else:
            usable.append(name)
    for clashing in (_equal_ids, _equal_keys):
        reasons = clashing(usable)
        unusable += reasons.items()
        usable = [name for name in usable if name not in reasons] if reasons else usable
    return tuple(usable), tuple(sorted(unusable))


def printable_name(name: str) -> str:
    """Return a file's name as text that can be stored and printed."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _refusal(name: str) -> str:
    """Return why no pair can be stored under a file's name, or nothing."""
    if _plain(name) and len(name) <= LONGEST_PART:
        return ""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "has a name that is not UTF-8: rename it"
    longest = max(len(part.encode()) for part in name.split("/"))
    if longest > LONGEST_PART:
        return f"has a name of {longest} bytes, pairs can be stored to {LONGEST_PART}: rename it"
    try:
        normalise_path(name)
    except DatasetError:
        return "has a name that leads out of its folder: rename it"
    return ""


def _equal_ids(names: list[str]) -> dict[str, str]:
    """Return the names that normalise to that of an earlier one, with the reason."""
    groups: dict[str, list[str]] = {}
    for name in names:
        if not _plain(name):
            groups.setdefault(normalise_path(name), []).append(name)
    if not groups:
        return {}
    for name in names:
        if name in groups and name not in groups[name]:
            groups[name].append(name)
    reasons: dict[str, str] = {}
    for same in groups.values():
        first, *others = sorted(same)
        reason = f"counts as the same image as {first!r} once names are normalised: rename one"
        reasons |= dict.fromkeys(others, reason)
    return reasons


def _equal_keys(names: list[str]) -> dict[str, str]:
    """Return the names whose pair would have the key of an earlier one's, with the reason."""
    hashes = np.fromiter((hash(_key_of(name)) for name in names), np.int64, len(names))
    if len(np.unique(hashes)) == len(names):  # of a million keys, none is held
        return {}
    reasons: dict[str, str] = {}
    first, last = "", ""
    for name in sorted(names, key=_key_of):  # stable: the first in the alphabet comes first
        key = _key_of(name)
        if key == last:
            reasons[name] = f"would be stored under {key!r}, as {first!r} is: rename one"
        else:
            first, last = name, key
    return reasons


def _plain(name: str) -> bool:
    """Return whether a name is its own normal form, as nearly all are."""
    return name.isascii() and "\\" not in name and _DETOURS.isdisjoint(name.split("/"))


def _key_of(name: str) -> str:
    return pair_key(name, 0, 1)
