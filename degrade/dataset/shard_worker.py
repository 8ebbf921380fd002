"""Do one shard: read, plan, degrade, encode, store, mark. Safe to do twice, anywhere."""

from __future__ import annotations

import json
from dataclasses import dataclass

from degrade.dataset.hq_copy import plain_ending
from degrade.dataset.keys import pair_key
from degrade.dataset.manifest import Row, pixel_digest
from degrade.dataset.shard_markers import Markers
from degrade.dataset.shard_paths import check_places
from degrade.dataset.shards import Job, Shard
from degrade.dataset.writers import Encoded, PairWriter, open_writer
from degrade.engine.apply import carry_out, steps_of
from degrade.engine.small import Degraded, degrade_in_two
from degrade.errors import ImageError
from degrade.images import Image
from degrade.images.encodings import encode
from degrade.planner.plan import Plan, plan

__all__ = ["Done", "do_shard"]


@dataclass(frozen=True, slots=True)
class Done:
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
    untouched: bool


@dataclass(frozen=True, slots=True)
class _Source:
    """A picture as it was read; ``data`` is its file, where it may be copied."""

    image_id: str
    image: Image
    sha256: str
    data: bytes | None


def do_shard(job: Job, shard: Shard) -> Done:
    """Store every pair of a shard, then mark it as done."""
    check_places(job)
    rows = [_failed(job, image_id, reason) for image_id, reason in shard.unusable]
    with open_writer(job.storing.layout, job.storage, shard.index) as writer:
        for image_id in shard.image_ids:
            rows += _picture(job, image_id, writer)
    Markers(job.storage).write(shard.index, rows)
    pairs = sum(row.status == "ok" for row in rows)
    return Done(pairs, len(rows) - pairs)


def _picture(job: Job, image_id: str, writer: PairWriter) -> list[Row]:
    """Store all variants of one picture."""
    try:
        image, sha256 = job.source.read_with_digest(image_id)
    except ImageError as error:
        return [_failed(job, image_id, str(error))]
    data = job.source.read_bytes(image_id) if job.storing.hq == "copy" else None
    source = _Source(image_id, image, sha256, data)
    rows: list[Row] = []
    first: _Hq | None = None
    for variant in range(job.variants):
        drawn = plan(
            job.recipe,
            seed=job.seed,
            image_id=image_id,
            size=(image.shape[0], image.shape[1]),
            variant=variant,
        )
        key = pair_key(image_id, variant, job.variants)
        hq = _hq(job, source, drawn, key, first)
        first = first or hq
        rows.append(_pair(job, source, drawn, key, hq, writer))
    return rows


def _hq(job: Job, source: _Source, drawn: Plan, key: str, first: _Hq | None) -> _Hq:
    """Return the sharp half of a variant; the first one's where it is the same."""
    steps = steps_of(drawn, "hq")
    if first is not None and first.untouched and not steps:
        return first
    image = carry_out(drawn, source.image, steps)
    digest = pixel_digest(image)
    if first is not None and first.digest == digest:
        return first
    size = (image.shape[0], image.shape[1])
    data, ending = None, ""
    if job.storing.hq != "none":
        data, ending = _file_of(job, image, None if steps else source.data)
    return _Hq(key, digest, size, data, ending, not steps)


def _file_of(job: Job, image: Image, copy: bytes | None) -> tuple[bytes, str]:
    """Return the file that holds a sharp half, and its ending."""
    ending = job.storing.hq_format
    copied = None if copy is None else plain_ending(copy, image.shape[:2])
    # Members of a tar file are named alike in all its samples.
    if copy is None or copied is None or (job.storing.layout != "files" and copied != ending):
        return encode(image, ending), ending
    return copy, copied


def _pair(job: Job, source: _Source, drawn: Plan, key: str, hq: _Hq, writer: PairWriter) -> Row:
    """Degrade, store and describe one pair."""
    if job.storing.keep_small:
        made = degrade_in_two(drawn, source.image)
    else:
        lq = carry_out(drawn, source.image, steps_of(drawn, "lq"))
        made = Degraded(lq, lq, 0)
    text = drawn.to_json()
    stored = writer.add(
        Encoded(
            key=key,
            hq=hq.data,
            lq=encode(made.kept, job.storing.lq_format),
            hq_ending=hq.ending,
            lq_ending=job.storing.lq_format,
            hq_key=hq.key,
            record=_record(key, text, hq, made) if job.storing.layout == "webdataset" else b"",
        )
    )
    return Row(
        key=key,
        source=source.image_id,
        source_sha256=source.sha256,
        variant=drawn.variant,
        hq_file_name=stored.hq_file_name,
        lq_file_name=stored.lq_file_name,
        hq_height=hq.size[0],
        hq_width=hq.size[1],
        lq_height=made.lq.shape[0],
        lq_width=made.lq.shape[1],
        hq_sha256=hq.digest,
        lq_sha256=pixel_digest(made.lq),
        plan=text,
        status="ok",
        shard=stored.shard,
        shard_offset=stored.shard_offset,
        lq_steps_left=made.steps_left,
    )


def _record(key: str, plan_text: str, hq: _Hq, made: Degraded) -> bytes:
    """Return what stands beside the pictures in a tar file: sizes, and the plan as in its row."""
    record = {
        "hq_size": list(hq.size),
        "key": key,
        "lq_size": list(made.lq.shape[:2]),
        "lq_steps_left": made.steps_left,
        "plan": json.loads(plan_text),
    }
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode()


def _failed(job: Job, image_id: str, reason: str) -> Row:
    key = pair_key(image_id, 0, job.variants)
    return Row(key, image_id, "", 0, "", "", 0, 0, 0, 0, "", "", "", "failed", reason)
