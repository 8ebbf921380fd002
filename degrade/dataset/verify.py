"""Check a built dataset against its manifest, its lock and the versions that are installed.

Each row by itself: its files, its plan, and the LQ made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from degrade.dataset.lock import read_lock, source_of
from degrade.dataset.manifest import DatasetLocation, iter_rows, storage_of, summarise
from degrade.dataset.reader import plan_of, read_file, read_lq
from degrade.dataset.rows import ManifestRow, Summary, pixel_digest
from degrade.dataset.sources import ImageSource
from degrade.dataset.storage import Storage
from degrade.engine.apply import carry_out, steps_of
from degrade.errors import DatasetError, ImageError
from degrade.executors import Engine, run_tasks
from degrade.images import Image, decode_image
from degrade.ops import OPERATIONS
from degrade.planner.plan import Plan


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing about one pair that is not as the manifest says."""

    key: str
    problem: str


@dataclass(frozen=True, slots=True)
class RowChecker:
    """What every row of a dataset is checked against; picklable."""

    storage: Storage  # the dataset's
    seed: int  # what every plan was drawn from
    recipe_digest: str
    recompute: bool = True  # whether to degrade the HQ again and compare every pixel of the LQ
    # Where an HQ that is not stored comes from; None where that cannot be found, and then only the
    # LQ is checked
    source: ImageSource | None = None

    def rows(self, rows: tuple[ManifestRow, ...]) -> tuple[int, list[Mismatch]]:
        """Return how many rows were checked and what is wrong with them; for worker processes."""
        return len(rows), [mismatches for row in rows for mismatches in self.row(row)]

    def row(self, row: ManifestRow) -> Iterator[Mismatch]:
        """Yield what is wrong with one pair: a changed file, a plan that gives other bytes."""
        try:
            plan = plan_of(row)
        except ValueError as error:
            yield Mismatch(row.key, f"its plan is damaged: {error}")
            return
        if (plan.seed, plan.recipe_digest) != (self.seed, self.recipe_digest):
            yield Mismatch(row.key, "its plan is of another seed or recipe than run.json")
        lq, wrong_lq = self._lq(row, plan)
        start, wrong_hq = self._start(row, plan)
        yield from (Mismatch(row.key, problem) for problem in (wrong_hq, wrong_lq) if problem)
        if not self.recompute or start is None or lq is None:
            return
        if start.shape[:2] != plan.size:
            yield Mismatch(row.key, "its plan was drawn for another size")
        elif pixel_digest(carry_out(plan, start, steps_of(plan, "lq"))) != row.lq_sha256:
            yield Mismatch(row.key, "degrading the stored HQ again gives another LQ")

    def _lq(self, row: ManifestRow, plan: Plan) -> tuple[Image | None, str]:
        """Return the LQ if it is as the row says, or what is wrong with it."""
        try:
            image = read_lq(self.storage, row, plan)
        except ValueError as error:
            return None, str(error)
        except (OSError, ImageError) as error:
            return None, _reason(row.lq_file_name, error)
        size = (row.lq_height, row.lq_width)
        return _matching(image, row.lq_file_name, row.lq_sha256, size)

    def _start(self, row: ManifestRow, plan: Plan) -> tuple[Image | None, str]:
        """Return the image that the LQ was made of, or what is wrong with the HQ.

        There is neither where the recipe changes the HQ and only that is stored.
        """
        size = (row.hq_height, row.hq_width)
        try:
            if row.hq_file_name:
                data = read_file(self.storage, row, row.hq_file_name)
                image, name = decode_image(data, row.hq_file_name), row.hq_file_name
            elif self.source is not None:
                image, name = self.source.read(row.source), row.source
            else:
                return None, ""
        except (OSError, ImageError) as error:
            return None, _reason(row.hq_file_name or row.source, error)
        steps = steps_of(plan, "hq")
        if row.hq_file_name:
            mismatches, problem = _matching(image, name, row.hq_sha256, size)
            return (None if steps else mismatches), problem
        if image.shape[:2] != plan.size:
            return None, f"{name} has another size than its plan was drawn for"
        problem = _matching(carry_out(plan, image, steps), name, row.hq_sha256, size)[1]
        return (None if problem else image), problem


def _matching(
    image: Image, name: str, digest: str, size: tuple[int, int]
) -> tuple[Image | None, str]:
    if pixel_digest(image) != digest:
        return None, f"{name} has other pixels than the manifest says"
    if image.shape[:2] != size:
        return None, f"{name} has another size than its row says"
    return image, ""


def _reason(name: str, error: OSError | ImageError) -> str:
    if isinstance(error, OSError):
        return f"{name}: {error.strerror or error}"
    return str(error)


_BATCH = 16
"""Rows that a worker checks at a time."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What `verify` found."""

    summary: Summary  # counts by status and the digest of the manifest
    # Sorted by key; empty when the dataset is what its manifest and ``run.json`` say
    mismatches: tuple[Mismatch, ...]
    good: int  # pairs without a mismatch
    notes: tuple[str, ...]  # what may explain a mismatch or was not checked


def verify(
    location: DatasetLocation,
    *,
    recompute: bool = True,
    source: str | Path | None = None,
    engine: Engine | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Verified:
    """Check every file of a dataset against its row, and every row against ``run.json``.

    Parameters
    ----------
    location
        The dataset.
    recompute
        Also degrade every HQ again and compare every pixel of the LQ.
    source
        Where the sharp images are now, for a dataset that does not hold them.
    engine
        Where to work; in this process by default.
    on_progress
        Called with the number of pairs that were just checked.

    Raises
    ------
    DatasetError
        There is no dataset, its manifest is damaged, or it names files outside its folder.
    """
    storage = storage_of(location)
    lock, summary = read_lock(storage), summarise(storage)
    built, notes = lock["built_from"], differing_versions(storage)
    pairs, failed = summary.counts.get("ok", 0), sum(summary.counts.values())
    failed -= pairs
    mismatches: list[Mismatch] = []
    if pairs != (expected := (built["inputs"] - failed) * built["variants"]):
        mismatches.append(Mismatch("the manifest", f"has {pairs} pairs, {expected} were built"))
    sources, note = _sources(lock, source) if _stored_without_hq(lock) else (None, "")
    checking = RowChecker(storage, built["seed"], built["recipe_digest"], recompute, sources)
    with closing(run_tasks(checking.rows, _batches(storage), engine or Engine())) as batches:
        for count, problems in batches:
            mismatches += problems
            if on_progress is not None:
                on_progress(count)
    mismatches.sort(key=lambda mismatch: mismatch.key)
    bad = len({mismatch.key for mismatch in mismatches} - {"the manifest"})
    return Verified(
        summary, tuple(mismatches), pairs - bad, tuple([*notes, note] if note else notes)
    )


def _batches(storage: Storage) -> Iterator[tuple[ManifestRow, ...]]:
    rows = iter_rows(storage)
    while batch := tuple(islice(rows, _BATCH)):
        yield batch


def _stored_without_hq(lock: dict[str, Any]) -> bool:
    return bool(lock["built_from"].get("storing", {}).get("hq") == "none")


def _sources(lock: dict[str, Any], moved_to: str | Path | None) -> tuple[ImageSource | None, str]:
    try:
        return source_of(lock, moved_to), ""
    except DatasetError as error:
        if moved_to is not None:
            raise
        return None, f"only the LQ was checked: {error}"


def differing_versions(location: DatasetLocation) -> list[str]:
    """Return the operations and codecs whose version is not the one the folder was made with."""
    from importlib.metadata import PackageNotFoundError, version

    lock = read_lock(location)
    here_now = {name: operation.version for name, operation in OPERATIONS.items()}
    notes = [
        f"operation {name}: made with version {before}, here {here_now.get(name, 'it is unknown')}"
        for name, before in lock["built_from"]["operation_versions"].items()
        if here_now.get(name) != before
    ]
    codecs = {"imagecodecs"} if lock["made_with"]["not_portable"] else set()
    for name in sorted(codecs):
        before = lock["made_with"]["libraries"].get(name)
        try:
            here = version(name)
        except PackageNotFoundError:
            here = None
        if before != here:
            notes.append(f"codec library {name}: made with {before}, here {here}")
    return notes
