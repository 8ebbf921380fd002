"""Restore photos from files to files: which goes where, and one after another to the end.

Knows no restorer and prints nothing; `zoo.commands.restore` talks to the person.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from degrade import __version__
from degrade.errors import DatasetError, ImageError, UserError
from degrade.images import atomic_file, survey, write_png
from zoo.portrait.face import FaceRecord
from zoo.portrait.files.compare import compare
from zoo.portrait.files.photo import PhotoFile, format_of, read_photo
from zoo.portrait.files.photo_encoding import check_format, encode_photo
from zoo.portrait.files.records import Journal, Row, photo_row
from zoo.portrait.parse.overlay import overlay
from zoo.portrait.restore.stages import Pipeline, Result
from zoo.portrait.restore.stopwatch import Seconds

__all__ = ["Job", "Outcome", "Wishes", "plan_photos", "restore_photos"]


@dataclass(frozen=True, slots=True)
class Job:
    """One photo: the name to report it by, where it is, where the result goes.

    Attributes
    ----------
    name, source, target
        The name is relative to the folder that was given.
    beside
        Path and stem of what is written beside the result: ``.compare.png`` and the like are
        added to it.
    problem
        Why it cannot be read, known from its name alone; or empty.
    """

    name: str
    source: Path
    target: Path
    beside: Path
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person asked for besides the pipeline.

    Attributes
    ----------
    strength
        0 to 1.
    quality
        Of JPEG and WebP, 1 to 100; None as `encode_photo` has it.
    tagged
        Whether model and version go into the metadata.
    compare, masks
        Whether pictures of before and after, and of the masks, are written.
    background
        The name of what cleans the background, or ``none``; for the tag.
    """

    strength: float = 1.0
    quality: int | None = None
    tagged: bool = True
    compare: bool = False
    masks: bool = False
    background: str = "none"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a photo.

    Attributes
    ----------
    job
        The photo.
    rows
        Its rows of ``faces.jsonl``.
    error
        Why there is no result, a sentence with the photo's name; or empty.
    changed
        Whether any pixel is another.
    resumed
        Whether an earlier run made it.
    seconds
        What each stage took; None where none ran.
    notes
        What the person must be told of the masks.
    """

    job: Job
    rows: tuple[Row, ...]
    error: str = ""
    changed: bool = False
    resumed: bool = False
    seconds: Seconds | None = None
    notes: tuple[str, ...] = ()


def plan_photos(source: Path, target: Path, *others: Path) -> list[Job]:
    """Pair every photo of ``source`` with the file it becomes; reads names only.

    Parameters
    ----------
    source
        A photo, or a folder that is searched with all folders below.
    target
        For a photo: a file, whose ending names the format, or a folder that exists. For a
        folder: the folder under which the relative names are kept.
    others
        More files that will be written.

    Raises
    ------
    DatasetError
        Nothing to restore, or a target that would overwrite a source.
    ImageError
        ``target`` ends in no format that is written.
    """
    if not source.exists():
        raise DatasetError(f"{source} does not exist: name a photo or a folder of photos")
    if source.is_file():
        return [_single(source, target, others)]
    if target.is_file():
        raise DatasetError(f"{target} is a file and {source} a folder: name a folder to write into")
    if target.resolve().is_relative_to(source.resolve()):
        raise DatasetError(
            f"{target} lies inside {source}, so results would be restored again: write elsewhere"
        )
    listing = survey(source)
    aside = target.with_name(f"{target.resolve().name}-beside")
    jobs = [Job(name, source / name, target / name, aside / name) for name in listing.names]
    jobs += [
        Job(name, source / name, target / name, aside / name, f"{name} {reason}")
        for name, reason in listing.unusable
    ]
    jobs.sort(key=lambda job: job.name)
    _refuse_overwriting(jobs, others)
    return jobs


def restore_photos(
    jobs: Sequence[Job],
    pipeline: Pipeline,
    wishes: Wishes,
    journal: Journal,
    on_face: Callable[[FaceRecord], None] | None = None,
) -> Iterator[Outcome]:
    """Restore one photo after another, going on after one that cannot be used.

    A full disk or a folder that may not be written to ends it: no later photo would fare
    better. Results appear under their names only when whole, and their rows after them.
    """
    for job in jobs:
        earlier = journal.earlier(job.name)
        if earlier and job.target.is_file():
            yield Outcome(job, tuple(earlier), resumed=True)
            continue
        try:
            outcome = _restore_one(job, pipeline, wishes, on_face)
        except ImageError as error:  # its message begins with the name
            outcome = _failed(job, str(error))
        except UserError as error:
            outcome = _failed(job, f"{job.name}: {error}")
        journal.add(job.name, outcome.rows)
        yield outcome


def _restore_one(
    job: Job,
    pipeline: Pipeline,
    wishes: Wishes,
    on_face: Callable[[FaceRecord], None] | None,
) -> Outcome:
    if job.problem:
        raise ImageError(job.problem)
    kind = format_of(job.target.name)
    photo, data = read_photo(job.source, job.name)
    try:
        check_format(photo, kind)
    except ImageError as error:
        raise ImageError(f"{job.name}: {error}") from error
    result = pipeline.restore(photo.pixels, wishes.strength, name=job.name, on_face=on_face)
    changed = not np.array_equal(result.photo, photo.pixels)
    if changed or kind != photo.format:
        note = _note(result, pipeline, wishes) if wishes.tagged and changed else ""
        data = encode_photo(photo, result.photo, kind, note=note, quality=wishes.quality)
    _write_beside(job, photo, result, pipeline, wishes)
    with atomic_file(job.target) as file:
        file.write(data)
    rows = [face.as_record() for face in result.faces] or [_faceless(job, changed)]
    notes = {face.prepared.mask.note for face in result.finished} - {""}
    return Outcome(job, tuple(rows), "", changed, False, result.seconds, tuple(sorted(notes)))


def _faceless(job: Job, changed: bool) -> Row:
    done = "the background was cleaned" if changed else "copied as it was"
    return photo_row(job.name, "skipped", f"no face found: {done}")


def _note(result: Result, pipeline: Pipeline, wishes: Wishes) -> str:
    parts = []
    if any(face.status in ("restored", "blended") for face in result.faces):
        parts.append(f"{pipeline.restorer.card.name} {__version__}")
    if pipeline.background is not None:
        parts.append(f"background {wishes.background} {__version__}")
    return "; ".join(parts)


def _write_beside(
    job: Job, photo: PhotoFile, result: Result, pipeline: Pipeline, wishes: Wishes
) -> None:
    if wishes.compare:
        model = pipeline.restorer.card.name
        sheet = compare(photo.pixels, result.photo, result.faces, job.name, model)
        write_png(_compare_place(job), sheet)
    if wishes.masks:
        for face in result.finished:
            picture = overlay(face.prepared.crop, face.prepared.mask)
            number = face.prepared.number
            write_png(job.beside.with_name(f"{job.beside.name}.mask-{number}.png"), picture)


def _failed(job: Job, error: str) -> Outcome:
    return Outcome(job, (photo_row(job.name, "failed", error),), error)


def _single(source: Path, target: Path, others: Sequence[Path]) -> Job:
    if target.is_dir():
        target = target / source.name
    format_of(target.name)
    job = Job(source.name, source, target, target.with_suffix(""))
    _refuse_overwriting([job], others)
    return job


def _refuse_overwriting(jobs: Sequence[Job], others: Sequence[Path]) -> None:
    """Raise DatasetError where what is written would take the place of a photo that is read."""
    sources = {os.path.realpath(job.source) for job in jobs}
    for place in (*others, *(job.target for job in jobs), *map(_compare_place, jobs)):
        if os.path.realpath(place) in sources:
            raise DatasetError(
                f"{place} is a photo that is read: choose another place for the results"
            )


def _compare_place(job: Job) -> Path:
    return job.beside.with_name(f"{job.beside.name}.compare.png")
