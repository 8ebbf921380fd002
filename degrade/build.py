"""Build a stored dataset: plan, degrade, write, and a manifest; resumable at any moment.

Pictures are worked on in shards. A shard's marker is written after its files are on disk, so
whatever has a marker is done, and whatever has none is done again, with the same bytes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from degrade.errors import ImageError
from degrade.executors import run_tasks
from degrade.images import Image, atomic_file
from degrade.lock import claim
from degrade.manifest import (
    PAIRS_FILE,
    Manifest,
    Row,
    pixel_digest,
    read_manifest,
    write_jsonl,
    write_manifest,
)
from degrade.pairs import PairedDataset, pair_key
from degrade.writers import FilesWriter

__all__ = ["SHARD_IMAGES", "BuildResult", "build"]

SHARD_IMAGES = 16
"""Pictures in a shard: small enough to lose little, large enough that a marker costs little."""
_MARKERS = ".shards"


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build left behind: counts by status, and the dataset's digest."""

    folder: Path
    counts: dict[str, int]
    digest: str
    resumed: bool


@dataclass(frozen=True, slots=True)
class _Shard:
    """One task: some pictures of a dataset, all their variants."""

    index: int
    folder: Path
    dataset: PairedDataset
    image_ids: tuple[str, ...]

    def marker(self) -> Path:
        # The size is in the name: a marker of another cut of the pictures says nothing.
        return self.folder / _MARKERS / f"{self.index:07d}-of-{SHARD_IMAGES}.json"


def build(
    dataset: PairedDataset,
    folder: Path,
    *,
    workers: int = 1,
    jsonl: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> BuildResult:
    """Write every pair of ``dataset`` below ``folder``, or finish what an earlier run began.

    Parameters
    ----------
    dataset
        Source, recipe, seed and variants.
    folder
        New, empty, or begun by the same build.
    workers
        Processes; 1 works in this one. The result is the same for any number.
    jsonl
        Also write ``pairs.jsonl``.
    on_progress
        Called with the number of pairs that were just finished.

    Raises
    ------
    DatasetError
        The folder holds something else; the message says what differs.
    """
    claim(folder, dataset)
    if (folder / PAIRS_FILE).is_file():
        manifest = read_manifest(folder)
        if jsonl:
            write_jsonl(folder, manifest)
        shutil.rmtree(folder / _MARKERS, ignore_errors=True)
        return _result(folder, manifest, resumed=True)
    shards = list(_shards(dataset, folder))
    done = [shard for shard in shards if shard.marker().is_file()]
    waiting = [shard for shard in shards if not shard.marker().is_file()]
    tell = on_progress or (lambda count: None)
    tell(sum(len(shard.image_ids) for shard in done) * dataset.variants)
    if waiting:
        compile_operations(dataset)
    for count in run_tasks(_run_shard, waiting, workers):
        tell(count)
    manifest = _collect(shards)
    FilesWriter(folder).sweep()
    if jsonl:
        write_jsonl(folder, manifest)
    write_manifest(folder, manifest)
    shutil.rmtree(folder / _MARKERS)
    return _result(folder, manifest, resumed=bool(done))


def compile_operations(dataset: PairedDataset) -> None:
    """Compile what the recipe uses, once, before workers start and would each do it."""
    tiny = np.zeros((16, 16, 3), np.uint8)
    for variant in range(32):
        dataset.compute("compile", variant, tiny)


def _shards(dataset: PairedDataset, folder: Path) -> Iterator[_Shard]:
    keys = dataset.source.keys
    for index, start in enumerate(range(0, len(keys), SHARD_IMAGES)):
        yield _Shard(index, folder, dataset, keys[start : start + SHARD_IMAGES])


def _run_shard(shard: _Shard) -> int:
    """Do one shard and return its number of pairs; safe to run again."""
    rows = [row for image_id in shard.image_ids for row in _image_rows(shard, image_id)]
    _sync(shard.folder, rows)
    with atomic_file(shard.marker()) as file:
        file.write(json.dumps([asdict(row) for row in rows]).encode())
    return len(shard.image_ids) * shard.dataset.variants


def _image_rows(shard: _Shard, image_id: str) -> list[Row]:
    dataset, writer = shard.dataset, FilesWriter(shard.folder)
    try:
        image, digest = dataset.source.read_with_digest(image_id)
    except ImageError as error:
        return [_failed(image_id, dataset.variants, str(error))]
    rows: list[Row] = []
    first: tuple[str, str] | None = None
    for variant in range(dataset.variants):
        pair = dataset.compute(image_id, variant, image)
        hq_digest = pixel_digest(pair.hq)
        shared = first[0] if first and first[1] == hq_digest else None
        writer.write(pair.key, pair.hq, pair.lq, same_hq_as=shared)
        first = first or (pair.key, hq_digest)
        rows.append(_row(pair.key, image_id, digest, variant, pair.hq, pair.lq,
                         hq_digest, pair.plan.to_json(), writer.names(pair.key)))  # fmt: skip
    return rows


def _row(
    key: str,
    image_id: str,
    source_digest: str,
    variant: int,
    hq: Image,
    lq: Image,
    hq_digest: str,
    plan: str,
    names: tuple[str, str],
) -> Row:
    return Row(
        key=key,
        source=image_id,
        source_sha256=source_digest,
        variant=variant,
        hq_file_name=names[0],
        lq_file_name=names[1],
        hq_height=hq.shape[0],
        hq_width=hq.shape[1],
        lq_height=lq.shape[0],
        lq_width=lq.shape[1],
        hq_sha256=hq_digest,
        lq_sha256=pixel_digest(lq),
        plan=plan,
        status="ok",
    )


def _failed(image_id: str, variants: int, reason: str) -> Row:
    return Row(pair_key(image_id, 0, variants), image_id, "", 0, "", "", 0, 0, 0, 0, "", "", "",
               "failed", reason)  # fmt: skip


def _sync(folder: Path, rows: list[Row]) -> None:
    """Bring the shard's files to disk before its marker says that they are there."""
    for row in rows:
        for name in (row.hq_file_name, row.lq_file_name):
            if name:
                handle = os.open(folder / name, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)


def _collect(shards: list[_Shard]) -> Manifest:
    rows = [
        Row(**record)
        for shard in shards
        for record in json.loads(shard.marker().read_text(encoding="utf-8"))
    ]
    rows.sort(key=lambda row: row.key)
    usable = tuple(row for row in rows if row.status == "ok")
    return Manifest(usable, tuple(row for row in rows if row.status != "ok"))


def _result(folder: Path, manifest: Manifest, *, resumed: bool) -> BuildResult:
    counts = Counter(row.status for row in (*manifest.rows, *manifest.failed))
    return BuildResult(folder, dict(sorted(counts.items())), manifest.digest(), resumed)
