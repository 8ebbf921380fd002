"""``zoo restore`` for whole photographs: what is shown while it runs, and at the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from degrade.errors import UserError
from degrade.terminal import Progress
from zoo.commands.output import echo_json
from zoo.commands.photo_report import as_record, count_faces, report, suggest_upscale
from zoo.commands.portrait_options import PortraitOptions
from zoo.portrait.face import FaceRecord
from zoo.portrait.files.batch import ImageJob, ImageResult
from zoo.portrait.files.folder import PhotoOptions, plan_photos, restore_photos
from zoo.portrait.files.records import FaceRecords
from zoo.portrait.pipeline import Pipeline
from zoo.portrait.upscale import Enlargement

__all__ = ["restore_photographs"]

_INTERRUPTED = 128 + 2
"""Exit code after Ctrl-C: what shells report for a command that ended by signal 2, SIGINT."""


def restore_photographs(
    source: Path,
    target: Path,
    model: str,
    options: PortraitOptions,
    *,
    strength: float,
    tagged: bool,
    allow_failed: bool,
    as_json: bool,
) -> None:
    """Restore a photo, or every photo of a folder, and report each.

    Raises
    ------
    UserError
        With exit code 1 when a photo or a face could not be restored.
    """
    records = options.jsonl or _records_path(source, target)
    jobs = plan_photos(source, target, records)
    photo_options = PhotoOptions(
        strength=strength,
        quality=options.quality,
        tagged=tagged,
        compare=options.compare,
        masks=options.show_masks,
        background=Path(options.background).name,
    )
    pipeline = options.load(model)
    notice = getattr(pipeline.background, "notice", "")
    if notice:
        click.echo(f"note: {notice}", err=True)
    settings = options.settings(pipeline, strength)
    with FaceRecords(records, settings, resume=options.resume) as face_records:
        results = _run(jobs, pipeline, photo_options, face_records)
        face_records.finish(job.name for job in jobs)
    if source.is_file() and results[0].error and not (as_json or allow_failed):
        raise UserError(results[0].error, exit_code=1)
    if as_json:
        echo_json(as_record(results, target, records))
    else:
        report(
            results,
            target,
            records,
            limit=None if pipeline.gate is None else pipeline.gate.threshold,
            compared=options.compare,
            single=source.is_file(),
        )
        if pipeline.enlargement == Enlargement():
            suggest_upscale(results)
    failed = _failed(results)
    if failed and not allow_failed:
        raise UserError(
            f"{' and '.join(failed)} could not be restored: {records} says why; mend or remove "
            "them, or add --allow-failed",
            exit_code=1,
        )


def _records_path(source: Path, target: Path) -> Path:
    if not source.is_file():
        return target / "faces.jsonl"
    result = target / source.name if target.is_dir() else target
    return result.with_name(f"{result.name}.faces.jsonl")


def _run(
    jobs: Sequence[ImageJob], pipeline: Pipeline, options: PhotoOptions, face_records: FaceRecords
) -> list[ImageResult]:
    results = []
    try:
        with Progress(len(jobs), "restoring", "photo") as bar:

            def show_face(face: FaceRecord) -> None:
                bar.advance(0, f"{face.photo}: face {face.face + 1}")

            def show_tile(done: int, total: int) -> None:
                bar.advance(0, f"enlarging: tile {done} of {total}")

            restored = restore_photos(jobs, pipeline, options, face_records, show_face, show_tile)
            for result in restored:
                results.append(result)
                bar.advance()
    except KeyboardInterrupt:
        raise UserError(
            "interrupted: run the same command with --resume to go on", exit_code=_INTERRUPTED
        ) from None
    return results


def _failed(results: Sequence[ImageResult]) -> list[str]:
    """Return how many photos and how many faces of others failed, as words."""
    photos = sum(bool(result.error) for result in results)
    faces = count_faces(results)["failed"]
    words = [f"{photos} of {len(results)} photos"] if photos else []
    return words + ([f"{faces} faces" if faces > 1 else "1 face"] if faces else [])
