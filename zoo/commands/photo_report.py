"""What ``zoo restore`` prints when it is done: in words, or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from degrade.terminal import columns
from zoo.model_card import NOTICE
from zoo.portrait.face import STATUSES
from zoo.portrait.files.batch import ImageResult
from zoo.portrait.files.folder import compare_path
from zoo.portrait.files.summary import face_lines, photo_summary

__all__ = ["as_record", "count_faces", "report", "suggest_upscale"]

_SMALL = 64
"""Width of a face in pixels below which a crop of 128 pixels holds more than the photo can show."""
_MOST_LINES = 40
"""Photos of a folder that are told one by one."""


def report(
    results: Sequence[ImageResult],
    target: Path,
    records: Path,
    *,
    limit: float | None,
    compared: bool,
    single: bool,
) -> None:
    """Print what became of each photo.

    Parameters
    ----------
    limit
        The farthest that the identity may move; None where it is not checked.
    compared
        Whether pictures of before and after were written.
    """
    for result in results:
        if result.error:
            click.echo(f"failed: {result.error}", err=True)
    for note in sorted({note for result in results for note in result.notes}):
        click.echo(f"note: {note}", err=True)
    written = [result for result in results if not result.error]
    if single and written:
        _report_one(written[0], limit)
    else:
        _report_folder(results, written, target)
    if compared and written:
        _tell_pictures(written)
    click.echo(f"records: {records}")
    faces = count_faces(results)
    if any(faces[status] for status in ("restored", "blended")):
        click.echo(NOTICE)


def suggest_upscale(results: Sequence[ImageResult]) -> None:
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


def as_record(results: Sequence[ImageResult], target: Path, records: Path) -> dict[str, object]:
    """Return the same for programs."""
    faces = count_faces(results)
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


def count_faces(results: Sequence[ImageResult]) -> Counter[str]:
    """Count the faces by what became of them."""
    return Counter(
        str(row["status"]) for result in results for row in result.rows if row["face"] is not None
    )


def _report_one(result: ImageResult, limit: float | None) -> None:
    click.echo(f"wrote {result.job.target}: {photo_summary(result.rows)}")
    if lines := face_lines(result.rows, limit):
        for line in columns(lines):
            click.echo(f"  {line}")
    if _unchanged([result]):
        click.echo("no pixel changed")


def _report_folder(
    results: Sequence[ImageResult], written: Sequence[ImageResult], target: Path
) -> None:
    told = [(result.job.name, photo_summary(result.rows)) for result in written[:_MOST_LINES]]
    if told:
        for line in columns(told):
            click.echo(f"  {line}")
    if len(written) > _MOST_LINES:
        click.echo(f"  and {len(written) - _MOST_LINES} more, see the records")
    faces = count_faces(results)
    restored = faces["restored"] + faces["blended"]
    counts = f"{restored} restored, {faces['skipped']} skipped, {faces['failed']} failed"
    photos = f"{len(written)} of {len(results)} photos into {target}"
    click.echo(f"wrote {photos}; of {sum(faces.values())} faces {counts}")
    if resumed := sum(result.resumed for result in results):
        click.echo(f"{resumed} of them were finished before")
    if faceless := len(_faceless(results)):
        click.echo(f"without a face: {faceless}")
    if unchanged := len(_unchanged(results)):
        click.echo(f"without a change to any pixel: {unchanged}")


def _tell_pictures(written: Sequence[ImageResult]) -> None:
    paths = [compare_path(result.job) for result in written]
    where = paths[0] if len(paths) == 1 else paths[0].parent
    click.echo(f"before and after: {where}")


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


def _seconds(results: Sequence[ImageResult]) -> dict[str, float]:
    """Return what each stage took, over all photos."""
    total: Counter[str] = Counter()
    for result in results:
        if result.seconds is not None:
            total.update(asdict(result.seconds))
    return {stage: round(seconds, 3) for stage, seconds in total.items()}
