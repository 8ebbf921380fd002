"""Restore photos from files to files: which goes where, and one after another to the end.

Knows no restorer and prints nothing; `zoo.commands.restore` talks to the person.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from degrade import __version__
from degrade.errors import DatasetError, ImageError
from degrade.images import atomic_file, survey, write_png
from zoo.portrait.face import FaceRecord
from zoo.portrait.files.batch import ImageJob, ImageResult, check_folders, run_jobs
from zoo.portrait.files.compare import compare, overlay
from zoo.portrait.files.photo import HEIF_ENDINGS, PhotoFile, format_of, read_photo
from zoo.portrait.files.photo_encoding import check_format, encode_photo
from zoo.portrait.files.records import FaceRecords, Row, photo_row
from zoo.portrait.restore.stages import Pipeline, Result
from zoo.portrait.upscale import lanczos
from zoo.restorers.tiles import Progress

__all__ = ["PhotoOptions", "compare_path", "plan_photos", "restore_photos"]


@dataclass(frozen=True, slots=True)
class PhotoOptions:
    """How photos are written, besides the pipeline."""

    strength: float = 1.0  # 0 to 1
    quality: int | None = None  # of JPEG and WebP, 1 to 100; None as `encode_photo` has it
    tagged: bool = True  # whether model and version go into the metadata
    compare: bool = False  # whether images of before and after, and of the masks, are written
    masks: bool = False
    background: str = "none"  # the name of what cleans the background, or ``none``; for the tag


def plan_photos(source: Path, target: Path, *others: Path) -> list[ImageJob]:
    """Pair every photo of ``source`` with the file it becomes; reads names only.

    Parameters
    ----------
    source
        A photo, or a folder that is searched with all folders below.
    target
        For a photo: a file, whose ending names the format, or a folder that exists. For a
        folder: the folder under which the relative names are kept; HEIC photos become JPEG.
    others
        More files that will be written.

    Raises
    ------
    DatasetError
        Nothing to restore, or a target that would overwrite a source.
    ImageError
        ``target`` ends in no format that is written.
    """
    check_folders(source, target, "photo")
    if source.is_file():
        return [_single(source, target, others)]
    listing = survey(source)
    aside = target.with_name(f"{target.resolve().name}-beside")
    jobs = [ImageJob(name, source / name, target / name, aside / name) for name in listing.names]
    taken = {Path(name) for name in listing.names}
    for name, reason in listing.unusable:
        written, problem = Path(name), f"{name} {reason}"
        if written.suffix.lower() in HEIF_ENDINGS and (source / name).is_file():
            written, problem = _as_jpeg(written, taken), ""
        jobs.append(ImageJob(name, source / name, target / written, aside / name, problem))
    jobs.sort(key=lambda job: job.name)
    _refuse_overwriting(jobs, others)
    return jobs


def restore_photos(
    jobs: Sequence[ImageJob],
    pipeline: Pipeline,
    options: PhotoOptions,
    records: FaceRecords,
    on_face: Callable[[FaceRecord], None] | None = None,
    on_tile: Progress | None = None,
) -> Iterator[ImageResult]:
    """Restore one photo after another, see `run_jobs`; the rows of each follow its result.

    Photos that an earlier run finished are passed over.
    """

    def restore_one(job: ImageJob) -> ImageResult:
        earlier = records.earlier(job.name)
        if earlier and job.target.is_file():
            return ImageResult(job, rows=tuple(earlier), resumed=True)
        return _restore_one(job, pipeline, options, on_face, on_tile)

    def record(result: ImageResult) -> ImageResult:
        if result.resumed:
            return result
        if result.error:
            row = photo_row(result.job.name, "failed", result.error)
            result = replace(result, rows=(row,))
        records.add(result.job.name, result.rows)
        return result

    return run_jobs(jobs, restore_one, record)


def _restore_one(
    job: ImageJob,
    pipeline: Pipeline,
    options: PhotoOptions,
    on_face: Callable[[FaceRecord], None] | None,
    on_tile: Progress | None,
) -> ImageResult:
    kind = format_of(job.target.name)
    photo, data = read_photo(job.source, job.name)
    try:
        check_format(photo, kind)
    except ImageError as error:
        raise ImageError(f"{job.name}: {error}") from error
    result = pipeline.restore(
        photo.pixels, options.strength, name=job.name, on_face=on_face, on_tile=on_tile
    )
    changed = not np.array_equal(result.photo, photo.pixels)
    if changed or kind != photo.format:
        note = _note(result, pipeline, options) if options.tagged and changed else ""
        data = encode_photo(photo, result.photo, kind, note=note, quality=options.quality)
    _write_beside(job, photo, result, pipeline, options)
    with atomic_file(job.target) as file:
        file.write(data)
    rows = [face.as_record() for face in result.faces] or [_faceless(job, changed)]
    notes = {face.prepared.mask.note for face in result.finished} - {""}
    return ImageResult(
        job, "", tuple(rows), changed, seconds=result.seconds, notes=tuple(sorted(notes))
    )


def _as_jpeg(name: Path, taken: set[Path]) -> Path:
    """Return the JPEG that a HEIC photo becomes; one of the same name beside it keeps that."""
    jpeg = name.with_suffix(".jpg")
    return jpeg if jpeg not in taken else name.with_name(f"{name.name}.jpg")


def _faceless(job: ImageJob, changed: bool) -> Row:
    action = "the background was cleaned" if changed else "copied as it was"
    return photo_row(job.name, "skipped", f"no face found: {action}")


def _note(result: Result, pipeline: Pipeline, options: PhotoOptions) -> str:
    parts = []
    used = {face.model for face in result.faces if face.status in ("restored", "blended")}
    parts += [f"{model} {__version__}" for model in sorted(used)]
    if pipeline.background is not None:
        parts.append(f"background {options.background} {__version__}")
    return "; ".join(parts)


def _write_beside(
    job: ImageJob, photo: PhotoFile, result: Result, pipeline: Pipeline, options: PhotoOptions
) -> None:
    if options.compare:
        before = lanczos(photo.pixels, result.photo.shape[:2])
        sheet = compare(before, result.photo, result.faces, job.name, pipeline.name)
        write_png(compare_path(job), sheet)
    if options.masks:
        for face in result.finished:
            image = overlay(face.prepared.crop, face.prepared.mask)
            write_png(_beside(job, f"mask-{face.prepared.number}"), image)


def _single(source: Path, target: Path, others: Sequence[Path]) -> ImageJob:
    if target.is_dir():
        target = target / source.name
    format_of(target.name)
    job = ImageJob(source.name, source, target, target.with_suffix(""))
    _refuse_overwriting([job], others)
    return job


def _refuse_overwriting(jobs: Sequence[ImageJob], others: Sequence[Path]) -> None:
    """Raise DatasetError where what is written would take the place of a photo that is read."""
    sources = {os.path.realpath(job.source) for job in jobs}
    for path in (*others, *(job.target for job in jobs), *map(compare_path, jobs)):
        if os.path.realpath(path) in sources:
            raise DatasetError(f"{path} is a photo that is read: choose another name for it")


def compare_path(job: ImageJob) -> Path:
    """Return where the picture of before and after goes."""
    return _beside(job, "compare")


def _beside(job: ImageJob, kind: str) -> Path:
    assert job.beside is not None
    return job.beside.with_name(f"{job.beside.name}.{kind}.png")
