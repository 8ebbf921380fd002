"""Check a built dataset against its manifest, its lock and the versions that are installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from degrade.dataset.lock import read_lock, source_of
from degrade.dataset.manifest import Place, iter_rows, storage_of, summarise
from degrade.dataset.row_check import Checking, Mismatch
from degrade.dataset.rows import Row, Summary
from degrade.dataset.sources import ImageSource
from degrade.dataset.storage import Storage
from degrade.errors import DatasetError
from degrade.executors import Engine, run_tasks
from degrade.ops import OPERATIONS

__all__ = ["Mismatch", "Verified", "differing_versions", "verify"]

_BATCH = 16
"""Rows that a worker checks at a time."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What `verify` found.

    Attributes
    ----------
    summary
        Counts by status and the digest of the manifest.
    mismatches
        Sorted by key; empty when the dataset is what its manifest and ``run.json`` say.
    good
        Pairs without a mismatch.
    notes
        What may explain a mismatch or was not checked.
    """

    summary: Summary
    mismatches: tuple[Mismatch, ...]
    good: int
    notes: tuple[str, ...]


def verify(
    place: Place,
    *,
    recompute: bool = True,
    source: str | Path | None = None,
    engine: Engine | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Verified:
    """Check every file of a dataset against its row, and every row against ``run.json``.

    Parameters
    ----------
    place
        The dataset.
    recompute
        Also degrade every HQ again and compare every pixel of the LQ.
    source
        Where the sharp pictures are now, for a dataset that does not hold them.
    engine
        Where to work; in this process by default.
    on_progress
        Called with the number of pairs that were just checked.

    Raises
    ------
    DatasetError
        There is no dataset, its manifest is damaged, or it names files outside its folder.
    """
    storage = storage_of(place)
    lock, summary = read_lock(storage), summarise(storage)
    built, notes = lock["built_from"], differing_versions(storage)
    pairs, failed = summary.counts.get("ok", 0), sum(summary.counts.values())
    failed -= pairs
    found: list[Mismatch] = []
    if pairs != (expected := (built["inputs"] - failed) * built["variants"]):
        found.append(Mismatch("the manifest", f"has {pairs} pairs, {expected} were built"))
    sources, note = _sources(lock, source) if _stored_without_hq(lock) else (None, "")
    checking = Checking(storage, built["seed"], built["recipe_digest"], recompute, sources)
    for count, problems in run_tasks(checking.rows, _batches(storage), engine or Engine()):
        found += problems
        if on_progress is not None:
            on_progress(count)
    found.sort(key=lambda mismatch: mismatch.key)
    bad = len({mismatch.key for mismatch in found} - {"the manifest"})
    return Verified(summary, tuple(found), pairs - bad, tuple([*notes, note] if note else notes))


def _batches(storage: Storage) -> Iterator[tuple[Row, ...]]:
    rows = iter_rows(storage)
    while batch := tuple(islice(rows, _BATCH)):
        yield batch


def _stored_without_hq(lock: dict[str, Any]) -> bool:
    return bool(lock["built_from"].get("storing", {}).get("hq") == "none")


def _sources(lock: dict[str, Any], given: str | Path | None) -> tuple[ImageSource | None, str]:
    try:
        return source_of(lock, given), ""
    except DatasetError as error:
        if given is not None:
            raise
        return None, f"only the LQ was checked: {error}"


def differing_versions(place: Place) -> list[str]:
    """Return the operations and codecs whose version is not the one the folder was made with."""
    from importlib.metadata import PackageNotFoundError, version

    lock = read_lock(place)
    here_now = {name: operation.version for name, operation in OPERATIONS.items()}
    notes = [
        f"operation {name}: made with version {made}, here {here_now.get(name, 'it is unknown')}"
        for name, made in lock["built_from"]["operation_versions"].items()
        if here_now.get(name) != made
    ]
    codecs = {"imagecodecs"} if lock["made_with"]["not_portable"] else set()
    for name in sorted(codecs):
        made = lock["made_with"]["libraries"].get(name)
        try:
            here = version(name)
        except PackageNotFoundError:
            here = None
        if made != here:
            notes.append(f"codec library {name}: made with {made}, here {here}")
    return notes
