"""``zoo restore`` for whole photographs: what is shown while it runs, and at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from degrade.errors import UserError
from degrade.terminal import Progress
from zoo.commands.lines import aligned, echo_json
from zoo.commands.portrait_options import PortraitOptions
from zoo.notice import NOTICE
from zoo.portrait.face import STATUSES, FaceRecord
from zoo.portrait.files.folder import Job, Outcome, Wishes, plan_photos, restore_photos
from zoo.portrait.files.records import Journal
from zoo.portrait.pipeline import Pipeline

__all__ = ["restore_photographs"]

_INTERRUPTED = 128 + 2
"""Exit code after Ctrl-C: what shells report for a command that ended by signal 2, SIGINT."""
_TOLD = {"restored": "restored", "blended": "blended back", "skipped": "skipped"}


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
    """Restore a photo, or every photo of a folder, and say what became of each.

    Raises
    ------
    UserError
        With exit code 1 when a photo or a face could not be restored.
    """
    records = options.jsonl or _records_place(source, target)
    jobs = plan_photos(source, target, records)
    wishes = Wishes(
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
    with Journal(records, settings, resume=options.resume) as journal:
        outcomes = _run(jobs, pipeline, wishes, journal)
        journal.finish(job.name for job in jobs)
    if source.is_file() and outcomes[0].error and not (as_json or allow_failed):
        raise UserError(outcomes[0].error, exit_code=1)
    if as_json:
        echo_json(_as_record(outcomes, target, records))
    else:
        _report(outcomes, target, records, single=source.is_file())
    failed = _failed(outcomes)
    if failed and not allow_failed:
        raise UserError(
            f"{' and '.join(failed)} could not be restored: {records} says why; mend or remove "
            "them, or add --allow-failed",
            exit_code=1,
        )


def _records_place(source: Path, target: Path) -> Path:
    if not source.is_file():
        return target / "faces.jsonl"
    place = target / source.name if target.is_dir() else target
    return place.with_name(f"{place.name}.faces.jsonl")


def _run(
    jobs: Sequence[Job], pipeline: Pipeline, wishes: Wishes, journal: Journal
) -> list[Outcome]:
    outcomes = []
    try:
        with Progress(len(jobs), "restoring", "photo") as shown:

            def tell(face: FaceRecord) -> None:
                shown.advance(0, f"{face.photo}: face {face.face + 1}")

            for outcome in restore_photos(jobs, pipeline, wishes, journal, tell):
                outcomes.append(outcome)
                shown.advance()
    except KeyboardInterrupt:
        raise UserError(
            "interrupted: run the same command with --resume to go on", exit_code=_INTERRUPTED
        ) from None
    return outcomes


def _failed(outcomes: Sequence[Outcome]) -> list[str]:
    """Return how many photos and how many faces of others failed, as words."""
    photos = sum(bool(outcome.error) for outcome in outcomes)
    faces = _faces(outcomes)["failed"]
    told = [f"{photos} of {len(outcomes)} photos"] if photos else []
    return told + ([f"{faces} faces" if faces > 1 else "1 face"] if faces else [])


def _faces(outcomes: Sequence[Outcome]) -> Counter[str]:
    """Count the faces by what became of them."""
    return Counter(
        str(row["status"])
        for outcome in outcomes
        for row in outcome.rows
        if row["face"] is not None
    )


def _faceless(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [
        outcome
        for outcome in outcomes
        if not outcome.error and all(row["face"] is None for row in outcome.rows)
    ]


def _unchanged(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the photos that this run wrote as they were."""
    return [
        outcome.job.name
        for outcome in outcomes
        if not (outcome.error or outcome.resumed or outcome.changed)
    ]


def _report(outcomes: Sequence[Outcome], target: Path, records: Path, *, single: bool) -> None:
    for outcome in outcomes:
        if outcome.error:
            click.echo(f"failed: {outcome.error}", err=True)
    for note in sorted({note for outcome in outcomes for note in outcome.notes}):
        click.echo(f"note: {note}", err=True)
    done = [outcome for outcome in outcomes if not outcome.error]
    faces = _faces(outcomes)
    counts = [f"{faces[status]} {word}" for status, word in _TOLD.items() if faces[status]]
    found = f"{sum(faces.values())} faces found" + (f": {', '.join(counts)}" if counts else "")
    found = found.replace("1 faces", "1 face") if sum(faces.values()) == 1 else found
    if single and done:
        click.echo(f"wrote {done[0].job.target}; {found}")
        _tell_faces(done[0])
        if _unchanged(outcomes):
            click.echo("no pixel is another than it was")
    else:
        click.echo(f"wrote {len(done)} of {len(outcomes)} photos into {target}; {found}")
        resumed = sum(outcome.resumed for outcome in outcomes)
        if resumed:
            click.echo(f"{resumed} of them were finished before")
        if _faceless(outcomes):
            click.echo(f"without a face: {len(_faceless(outcomes))}, see the records")
        if _unchanged(outcomes):
            click.echo(f"without a change to any pixel: {len(_unchanged(outcomes))}")
    click.echo(f"records: {records}")
    if any(faces[status] for status in ("restored", "blended")):
        click.echo(NOTICE)


def _tell_faces(outcome: Outcome) -> None:
    """Print one line a face, or the one that says there is none."""
    rows = [
        (
            "photo" if row["face"] is None else f"face {row['face']}",
            str(row["status"]),
            str(row["reason"]),
        )
        for row in outcome.rows
    ]
    for line in aligned(rows):
        click.echo(f"  {line}")


def _as_record(outcomes: Sequence[Outcome], target: Path, records: Path) -> dict[str, object]:
    faces = _faces(outcomes)
    return {
        "photos": len(outcomes),
        "written": sum(not outcome.error for outcome in outcomes),
        "resumed": sum(outcome.resumed for outcome in outcomes),
        "unchanged": _unchanged(outcomes),
        "without_face": [outcome.job.name for outcome in _faceless(outcomes)],
        "faces": {status: faces[status] for status in STATUSES},
        "failed": [
            {"name": outcome.job.name, "error": outcome.error}
            for outcome in outcomes
            if outcome.error
        ],
        "seconds": _seconds(outcomes),
        "out": str(target),
        "records": str(records),
        "notice": NOTICE,
    }


def _seconds(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return what each stage took, over all photos."""
    total: Counter[str] = Counter()
    for outcome in outcomes:
        if outcome.seconds is not None:
            total.update(asdict(outcome.seconds))
    return {stage: round(seconds, 3) for stage, seconds in total.items()}
