"""``zoo restore`` for whole photographs: what is shown while it runs, and at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from degrade.errors import UserError
from degrade.terminal import Progress, columns
from zoo.commands.output import echo_json
from zoo.commands.portrait_options import PortraitOptions
from zoo.model_card import NOTICE
from zoo.portrait.face import STATUSES, FaceRecord
from zoo.portrait.files.batch import ImageJob, ImageResult
from zoo.portrait.files.folder import PhotoOptions, plan_photos, restore_photos
from zoo.portrait.files.records import FaceRecords
from zoo.portrait.pipeline import Pipeline
from zoo.portrait.upscale import Enlargement

__all__ = ["restore_photographs"]

_INTERRUPTED = 128 + 2
"""Exit code after Ctrl-C: what shells report for a command that ended by signal 2, SIGINT."""
_SMALL = 64
"""Width of a face in pixels below which a crop of 128 pixels holds more than the photo can show."""
_WORDS = {"restored": "restored", "blended": "blended back", "skipped": "skipped"}


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
        echo_json(_as_record(results, target, records))
    else:
        _report(results, target, records, single=source.is_file())
        if pipeline.enlargement == Enlargement():
            _suggest_upscale(results)
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
    faces = _faces(results)["failed"]
    words = [f"{photos} of {len(results)} photos"] if photos else []
    return words + ([f"{faces} faces" if faces > 1 else "1 face"] if faces else [])


def _faces(results: Sequence[ImageResult]) -> Counter[str]:
    """Count the faces by what became of them."""
    return Counter(
        str(row["status"]) for result in results for row in result.rows if row["face"] is not None
    )


def _faceless(results: Sequence[ImageResult]) -> list[ImageResult]:
    return [
        result
        for result in results
        if not result.error and all(row["face"] is None for row in result.rows)
    ]


def _unchanged(results: Sequence[ImageResult]) -> list[str]:
    """Return the photos that this run wrote as they were."""
    return [
        result.job.name
        for result in results
        if not (result.error or result.resumed or result.changed)
    ]


def _suggest_upscale(results: Sequence[ImageResult]) -> None:
    """Say how many restored faces are too small to show it, if any."""
    sizes = [
        float(str(row["size"]))
        for result in results
        for row in result.rows
        if row["face"] is not None and row["status"] in ("restored", "blended")
    ]
    count = sum(size < _SMALL for size in sizes)
    if count:
        faces = f"{count} face{'s are' if count > 1 else ' is'}"
        click.echo(f"{faces} less than {_SMALL} pixels wide: --upscale 4 shows what was restored")


def _report(results: Sequence[ImageResult], target: Path, records: Path, *, single: bool) -> None:
    for result in results:
        if result.error:
            click.echo(f"failed: {result.error}", err=True)
    for note in sorted({note for result in results for note in result.notes}):
        click.echo(f"note: {note}", err=True)
    written = [result for result in results if not result.error]
    faces = _faces(results)
    counts = [f"{faces[status]} {word}" for status, word in _WORDS.items() if faces[status]]
    total = sum(faces.values())
    summary = f"{total} face{'' if total == 1 else 's'} found"
    summary += f": {', '.join(counts)}" if counts else ""
    if single and written:
        click.echo(f"wrote {written[0].job.target}; {summary}")
        _list_faces(written[0])
        if _unchanged(results):
            click.echo("no pixel changed")
    else:
        click.echo(f"wrote {len(written)} of {len(results)} photos into {target}; {summary}")
        resumed = sum(result.resumed for result in results)
        if resumed:
            click.echo(f"{resumed} of them were finished before")
        if _faceless(results):
            click.echo(f"without a face: {len(_faceless(results))}, see the records")
        if _unchanged(results):
            click.echo(f"without a change to any pixel: {len(_unchanged(results))}")
    click.echo(f"records: {records}")
    if any(faces[status] for status in ("restored", "blended")):
        click.echo(NOTICE)


def _list_faces(result: ImageResult) -> None:
    """Print one line a face, or the one that says there is none."""
    rows = [
        (
            "photo" if row["face"] is None else f"face {row['face']}",
            str(row["status"]),
            str(row["reason"]),
        )
        for row in result.rows
    ]
    for line in columns(rows):
        click.echo(f"  {line}")


def _as_record(results: Sequence[ImageResult], target: Path, records: Path) -> dict[str, object]:
    faces = _faces(results)
    return {
        "photos": len(results),
        "written": sum(not result.error for result in results),
        "resumed": sum(result.resumed for result in results),
        "unchanged": _unchanged(results),
        "without_face": [result.job.name for result in _faceless(results)],
        "faces": {status: faces[status] for status in STATUSES},
        "failed": [
            {"name": result.job.name, "error": result.error} for result in results if result.error
        ],
        "seconds": _seconds(results),
        "out": str(target),
        "records": str(records),
        "notice": NOTICE,
    }


def _seconds(results: Sequence[ImageResult]) -> dict[str, float]:
    """Return what each stage took, over all photos."""
    total: Counter[str] = Counter()
    for result in results:
        if result.seconds is not None:
            total.update(asdict(result.seconds))
    return {stage: round(seconds, 3) for stage, seconds in total.items()}
