"""``zoo restore`` for a clip: what is shown while it runs, and at the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from degrade import __version__
from degrade.errors import UserError
from degrade.terminal import Progress
from zoo.commands.output import echo_json
from zoo.commands.portrait_options import PortraitOptions
from zoo.model_card import NOTICE
from zoo.video.restore import ClipReport, check_paths, restore_clip

__all__ = ["restore_video"]


def restore_video(
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
    """Restore the faces of a clip, and report.

    Raises
    ------
    UserError
        With exit code 1 when a face could not be restored.
    """
    _refuse_photo_options(options)
    check_paths(source, target)
    pipeline = options.load(model)
    name = pipeline.name
    comment = f"faces restored with {name} by relume {__version__}" if tagged else ""
    with Progress(None, "restoring", "frame") as bar:

        def show(done: int, total: int | None) -> None:
            if done == 0:
                bar.begin_at(0, total)
            else:
                bar.advance()

        report = restore_clip(
            pipeline, source, target, strength=strength, comment=comment, on_frame=show
        )
    for note in report.notes:
        click.echo(f"note: {note}", err=True)
    if as_json:
        echo_json({**report.as_record(), "out": str(target), "notice": NOTICE})
    else:
        click.echo(f"wrote {target}; {_summary(report)}")
        if report.faces:
            click.echo(NOTICE)
    if report.failed and not allow_failed:
        faces = "1 face" if report.failed == 1 else f"{report.failed} faces"
        raise UserError(
            f"{faces} in {source.name} could not be restored ({report.failure}): choose another "
            "model, or add --allow-failed",
            exit_code=1,
        )


def _refuse_photo_options(options: PortraitOptions) -> None:
    """Raise UserError where an option was given that means nothing for a clip."""
    without = replace(
        options,
        compare=False,
        show_masks=False,
        jsonl=None,
        quality=None,
        resume=False,
        faces=None,
    )
    if without != options:
        raise UserError(
            "--compare, --show-masks, --jsonl, --quality, --resume and --faces are for photos: "
            "leave them out for a clip"
        )


def _summary(report: ClipReport) -> str:
    frames = f"{report.frames} frame{'' if report.frames == 1 else 's'}"
    if not report.faces:
        return f"{frames}, no face restored" + (": copied as it was" if report.copied else "")
    restored = report.frames - report.frames_without_faces
    line = f"{frames}, {restored} with faces restored with {' and '.join(report.models)}"
    if report.flicker is not None and report.flicker_frame_by_frame is not None:
        line += (
            f"; flicker {report.flicker:.1f} levels "
            f"({report.flicker_frame_by_frame:.1f} frame by frame)"
        )
    return line
