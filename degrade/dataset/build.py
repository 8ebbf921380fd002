"""Build a stored dataset: plan, degrade, write, and a manifest; resumable at any moment.

Images are worked on in shards. A shard's marker is written after its files are on disk, so
whatever has a marker is done, and whatever has none is done again, with the same bytes. Whoever
finds all markers joins them to the manifest; several builds may work in one folder at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import numpy as np

from degrade.dataset.layout import StorageFormat
from degrade.dataset.lock import claim
from degrade.dataset.manifest import (
    PAIRS_FILE,
    DatasetLocation,
    storage_of,
    summarise,
    write_lines,
    write_manifest,
)
from degrade.dataset.paired_dataset import PairedDataset
from degrade.dataset.rows import Summary
from degrade.dataset.shard_worker import Markers, do_shard
from degrade.dataset.shards import (
    Shard,
    ShardJob,
    ShardSelection,
    cut,
    job_of,
    refuse_private,
    shard_count,
)
from degrade.dataset.storage import Storage
from degrade.executors import Engine, run_tasks


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build left behind."""

    location: str  # of the dataset
    counts: dict[str, int]  # rows by status; empty while shards are missing
    copies: int  # inputs whose file has the same bytes as another one's
    digest: str  # the dataset's; empty while shards are missing
    resumed: bool  # whether an earlier run had done some of it
    missing: int = 0  # shards that other parts have still to do; 0 when the dataset is whole


def build(
    dataset: PairedDataset,
    out: DatasetLocation,
    *,
    storage_format: StorageFormat | None = None,
    engine: Engine | None = None,
    part: ShardSelection | None = None,
    jsonl: bool = False,
    on_progress: Callable[[int], None] | None = None,
    on_start: Callable[[int, int], None] | None = None,
) -> BuildResult:
    """Write every pair of ``dataset`` to ``out``, or finish what an earlier run began.

    Parameters
    ----------
    dataset
        Source, recipe, seed and variants.
    out
        A folder or a URL: new, empty, or begun by the same build.
    storage_format
        Layout and formats; files of PNG by default.
    engine
        Where to work; in this process by default. The result is the same for any.
    part
        Do only these shards. The manifest comes with the part that is done last.
    jsonl
        Also write ``pairs.jsonl``.
    on_progress
        Called with the number of pairs, failed ones included, that were just finished.
    on_start
        Called once before the first pair with the number that an earlier run had finished, and
        of how many.

    Raises
    ------
    DatasetError
        ``out`` holds something else; the message says what differs.
    """
    storage, engine = storage_of(out), engine or Engine()
    if engine.workers > 1 or engine.scheduler is not None:
        refuse_private(storage, dataset.source.storage)
    storage_format = claim(storage, dataset, storage_format or StorageFormat())
    if storage.exists(PAIRS_FILE):
        return _finished(storage, jsonl)
    assert storage_format.shard_images is not None
    work = _BuildShards(dataset, storage_format.shard_images, part)
    try:
        done_shards = Markers(storage).done_shards()
        if on_start is not None:
            on_start(work.pairs(done_shards), work.pairs(range(work.shards)))
        _do_waiting(
            work, job_of(dataset, storage, storage_format), engine, done_shards, on_progress
        )
        missing = work.shards - len(Markers(storage).done_shards())
        if storage.exists(PAIRS_FILE):
            return _finished(storage, jsonl)
        if missing:
            return BuildResult(storage.location, {}, 0, "", bool(done_shards), missing)
        rows = Markers(storage).rows(cut(dataset, storage_format.shard_images))
        left_out = storage_format.columns_left_out()
        summary = write_manifest(storage, rows, leave_out=left_out, jsonl=jsonl)
    except FileNotFoundError:
        # Another build of the same folder has finished it and put its markers away.
        if not storage.exists(PAIRS_FILE):
            raise
        return _finished(storage, jsonl)
    storage.sweep()
    Markers(storage).remove()
    return _result(storage, summary, resumed=bool(done_shards))


@dataclass(frozen=True, slots=True)
class _BuildShards:
    """The shards of a build, and which of them this run is asked for."""

    dataset: PairedDataset
    images: int
    part: ShardSelection | None

    @property
    def shards(self) -> int:
        """How many there are."""
        return shard_count(self.dataset.source, self.images)

    def mine(self, shard: int) -> bool:
        """Return whether a shard belongs to this run's part."""
        return self.part is None or self.part.has(shard)

    def pairs(self, shards: Iterable[int]) -> int:
        """Return the number of pairs, failed ones included, of those shards that are mine."""
        source = self.dataset.source
        inputs = len(source.keys) + len(source.unusable)
        images_each = (min(self.images, inputs - shard * self.images) for shard in shards
                    if shard < self.shards and self.mine(shard))  # fmt: skip
        return sum(images_each) * self.dataset.variants

    def waiting(self, done_shards: frozenset[int]) -> Iterator[Shard]:
        """Yield the shards that are mine and not done."""
        for shard in cut(self.dataset, self.images):
            if shard.index not in done_shards and self.mine(shard.index):
                yield shard


def _do_waiting(
    work: _BuildShards,
    job: ShardJob,
    engine: Engine,
    done_shards: frozenset[int],
    on_progress: Callable[[int], None] | None,
) -> None:
    if engine.workers > 1 and engine.scheduler is None:
        compile_operations(work.dataset)
    tasks = work.waiting(done_shards)
    with closing(run_tasks(partial(do_shard, job), tasks, engine)) as outcomes:
        for outcome in outcomes:
            if on_progress is not None:
                on_progress(outcome.pairs + outcome.failed * job.variants)


def compile_operations(dataset: PairedDataset) -> None:
    """Compile what the recipe uses, once, before workers start and would each do it."""
    tiny = np.zeros((16, 16, 3), np.uint8)
    for variant in range(32):
        dataset.compute("compile", variant, tiny)


def _finished(storage: Storage, jsonl: bool) -> BuildResult:
    """Return the result of a build that is whole, and put away what is left of it."""
    if jsonl:
        write_lines(storage)
    storage.sweep()
    Markers(storage).remove()
    return _result(storage, summarise(storage), resumed=True)


def _result(storage: Storage, summary: Summary, *, resumed: bool) -> BuildResult:
    return BuildResult(storage.location, summary.counts, summary.copies, summary.digest, resumed)
