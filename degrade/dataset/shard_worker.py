"""Do one shard: read, plan, degrade, encode, store, mark. Safe to do twice, anywhere.

A shard's marker holds its rows and is written after its files are on disk.
"""

from __future__ import annotations

import heapq
import io
import json
import shutil
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from degrade.dataset.keys import pair_key
from degrade.dataset.rows import ManifestRow, pixel_digest
from degrade.dataset.shards import Shard, ShardJob, check_places
from degrade.dataset.storage import Storage
from degrade.dataset.writers import Encoded, PairWriter, open_writer
from degrade.engine.apply import carry_out, steps_of
from degrade.engine.small import Degraded, degrade_in_two
from degrade.errors import DatasetError, ImageError
from degrade.images import Image
from degrade.images.encoding import encode
from degrade.planner.draw import plan
from degrade.planner.plan import Plan

_FOLDER = ".shards"


@dataclass(frozen=True, slots=True)
class Markers:
    """The markers of a build that has no manifest yet."""

    storage: Storage

    def write(self, shard: int, rows: Sequence[ManifestRow]) -> None:
        """Say that a shard is done."""
        records = [row.as_record() for row in rows]
        self.storage.write(_name(shard), json.dumps(records).encode())

    def done_shards(self) -> frozenset[int]:
        """Return the numbers of the shards that are done."""
        names = (name.rpartition("/")[2].split(".") for name in self.storage.names(_FOLDER))
        return frozenset(
            int(parts[0]) for parts in names if parts[1:] == ["json"] and parts[0].isdecimal()
        )

    def read(self, shard: int) -> list[ManifestRow]:
        """Return a shard's rows.

        Raises FileNotFoundError without a marker, DatasetError for a damaged one.
        """
        try:
            return [ManifestRow(**record) for record in json.loads(self.storage.read(_name(shard)))]
        except (ValueError, TypeError):
            raise DatasetError(
                f"{self.storage.location}/{_name(shard)} is damaged: remove it and run the same "
                "command again"
            ) from None

    def rows(self, shards: Iterable[Shard]) -> Iterator[ManifestRow]:
        """Yield the rows of all shards in the order of their keys.

        Shards follow each other in that order, so those of one or two are in memory; only a
        image named like another one's variant can reach into the next.
        """
        waiting: list[tuple[str, str, str, int, ManifestRow]] = []
        number = 0
        for shard in shards:
            while waiting and waiting[0][0] < shard.first_key:
                yield heapq.heappop(waiting)[-1]
            for row in self.read(shard.index):
                number += 1  # of inputs that failed several may have one key, and be alike
                place = (row.key, row.status, row.canonical() if row.status != "ok" else "")
                heapq.heappush(waiting, (*place, number, row))
        while waiting:
            yield heapq.heappop(waiting)[-1]

    def remove(self) -> None:
        """Remove every marker; another build of the same folder may do so at the same time."""
        for name in self.storage.names(_FOLDER):
            self.storage.remove(name)
        if self.storage.local is not None:
            shutil.rmtree(self.storage.local / _FOLDER, ignore_errors=True)


def _name(shard: int) -> str:
    return f"{_FOLDER}/{shard:07d}.json"


_ENDINGS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
_ORIENTATION = 0x0112  # EXIF 2.3, table 4
_PNG_DEPTH = 24  # byte of a PNG's bit depth (ISO/IEC 15948, 11.2.2)


def plain_ending(data: bytes, size: tuple[int, ...]) -> str | None:
    """Return the ending for a copy of an encoded image, or None where it must not be copied.

    Copied are PNG, JPEG and WebP of three channels and 8 bits without transparency, without a
    colour profile and upright: images in which there is nothing for a reader to interpret.
    JPEG and lossy WebP are decoded alike but by the same version of a decoder.

    Parameters
    ----------
    data
        A file that was read without an error.
    size
        ``(height, width)`` of the image it was read as, which may have been shrunk since.
    """
    import PIL.Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with PIL.Image.open(io.BytesIO(data), formats=tuple(_ENDINGS)) as image_file:
                kind = str(image_file.format)
                upright = image_file.getexif().get(_ORIENTATION, 1) == 1
                metadata = {"icc_profile", "transparency", "gamma", "chromaticity"} & set(
                    image_file.info
                )
                same = (image_file.height, image_file.width) == size
                plain = image_file.mode == "RGB" and same and upright and not metadata
                single = getattr(image_file, "n_frames", 1) == 1
    except (OSError, SyntaxError, ValueError):
        return None
    if kind == "PNG" and data[_PNG_DEPTH] != 8:
        return None
    return _ENDINGS[kind] if plain and single else None


@dataclass(frozen=True, slots=True)
class ShardCounts:
    """What came of a shard: the numbers of its pairs and of its failed inputs."""

    pairs: int
    failed: int


@dataclass(frozen=True, slots=True)
class _Hq:
    """A sharp half, encoded once for all variants that have it."""

    key: str
    digest: str
    size: tuple[int, int]
    data: bytes | None
    ending: str
    unchanged: bool


@dataclass(frozen=True, slots=True)
class _Source:
    """An image as it was read; ``data`` is its file, where it may be copied."""

    image_id: str
    image: Image
    sha256: str
    data: bytes | None


def do_shard(job: ShardJob, shard: Shard) -> ShardCounts:
    """Store every pair of a shard, then mark it as done."""
    check_places(job)
    rows = [_failed(job, image_id, reason) for image_id, reason in shard.unusable]
    with open_writer(job.storage_format.layout, job.storage, shard.index) as writer:
        for image_id in shard.image_ids:
            rows += _store_variants(job, image_id, writer)
    Markers(job.storage).write(shard.index, rows)
    pairs = sum(row.status == "ok" for row in rows)
    return ShardCounts(pairs, len(rows) - pairs)


def _store_variants(job: ShardJob, image_id: str, writer: PairWriter) -> list[ManifestRow]:
    """Store all variants of one image."""
    try:
        image, sha256 = job.source.read_with_digest(image_id)
    except ImageError as error:
        return [_failed(job, image_id, str(error))]
    data = job.source.read_bytes(image_id) if job.storage_format.hq == "copy" else None
    source = _Source(image_id, image, sha256, data)
    rows: list[ManifestRow] = []
    first: _Hq | None = None
    for variant in range(job.variants):
        image_plan = plan(
            job.recipe,
            seed=job.seed,
            image_id=image_id,
            size=(image.shape[0], image.shape[1]),
            variant=variant,
        )
        key = pair_key(image_id, variant, job.variants)
        hq = _hq(job, source, image_plan, key, first)
        first = first or hq
        rows.append(_store_pair(job, source, image_plan, key, hq, writer))
    return rows


def _hq(job: ShardJob, source: _Source, image_plan: Plan, key: str, first: _Hq | None) -> _Hq:
    """Return the sharp half of a variant; the first one's where it is the same."""
    steps = steps_of(image_plan, "hq")
    if first is not None and first.unchanged and not steps:
        return first
    image = carry_out(image_plan, source.image, steps)
    digest = pixel_digest(image)
    if first is not None and first.digest == digest:
        return first
    size = (image.shape[0], image.shape[1])
    data, ending = None, ""
    if job.storage_format.hq != "none":
        data, ending = _file_of(job, image, None if steps else source.data)
    return _Hq(key, digest, size, data, ending, not steps)


def _file_of(job: ShardJob, image: Image, copy: bytes | None) -> tuple[bytes, str]:
    """Return the file that holds a sharp half, and its ending."""
    ending = job.storage_format.hq_format
    copied = None if copy is None else plain_ending(copy, image.shape[:2])
    # Members of a tar file are named alike in all its samples.
    if (
        copy is None
        or copied is None
        or (job.storage_format.layout != "files" and copied != ending)
    ):
        return encode(image, ending), ending
    return copy, copied


def _store_pair(
    job: ShardJob, source: _Source, image_plan: Plan, key: str, hq: _Hq, writer: PairWriter
) -> ManifestRow:
    """Degrade, store and describe one pair."""
    if job.storage_format.keep_small:
        degraded = degrade_in_two(image_plan, source.image)
    else:
        lq = carry_out(image_plan, source.image, steps_of(image_plan, "lq"))
        degraded = Degraded(lq, lq, 0)
    text = image_plan.to_json()
    stored = writer.add(
        Encoded(
            key=key,
            hq=hq.data,
            lq=encode(degraded.stored, job.storage_format.lq_format),
            hq_ending=hq.ending,
            lq_ending=job.storage_format.lq_format,
            hq_key=hq.key,
            record=_record(key, text, hq, degraded)
            if job.storage_format.layout == "webdataset"
            else b"",
        )
    )
    return ManifestRow(
        key=key,
        source=source.image_id,
        source_sha256=source.sha256,
        variant=image_plan.variant,
        hq_file_name=stored.hq_file_name,
        lq_file_name=stored.lq_file_name,
        hq_height=hq.size[0],
        hq_width=hq.size[1],
        lq_height=degraded.lq.shape[0],
        lq_width=degraded.lq.shape[1],
        hq_sha256=hq.digest,
        lq_sha256=pixel_digest(degraded.lq),
        plan=text,
        status="ok",
        shard=stored.shard,
        shard_offset=stored.shard_offset,
        lq_steps_left=degraded.steps_left,
    )


def _record(key: str, plan_text: str, hq: _Hq, degraded: Degraded) -> bytes:
    """Return what stands beside the images in a tar file: sizes, and the plan as in its row."""
    record = {
        "hq_size": list(hq.size),
        "key": key,
        "lq_size": list(degraded.lq.shape[:2]),
        "lq_steps_left": degraded.steps_left,
        "plan": json.loads(plan_text),
    }
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode()


def _failed(job: ShardJob, image_id: str, reason: str) -> ManifestRow:
    key = pair_key(image_id, 0, job.variants)
    return ManifestRow(key, image_id, "", 0, "", "", 0, 0, 0, 0, "", "", "", "failed", reason)
