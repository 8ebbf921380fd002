"""``zoo restore``: photographs, clips, or with ``--aligned`` face crops."""

from __future__ import annotations

from pathlib import Path

import click

from degrade.errors import UserError
from zoo.commands.output import json_option
from zoo.commands.portrait_options import PortraitOptions, portrait_options
from zoo.registry import registry

__all__ = ["CLIP_ENDINGS", "restore"]

CLIP_ENDINGS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")
"""Endings of files that are taken for clips."""

BY_SIZE = "auto"
"""As `zoo.portrait.restore.face_models.BY_SIZE`, whose import takes a while."""


@click.command("restore")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--model",
    default=BY_SIZE,
    show_default=True,
    metavar="NAME|FILE",
    help="A restorer from `zoo list`, or weights that `zoo train` wrote; auto chooses by the size "
    "of each face.",
)
@click.option(
    "--strength",
    type=click.FloatRange(0.0, 1.0),
    default=1.0,
    show_default=True,
    help="How much of the restoration to blend in; 0 returns the input exactly.",
)
@portrait_options
@click.option(
    "--aligned",
    is_flag=True,
    help="IN holds aligned face crops of any size, not photographs; PNG is written.",
)
@click.option("--no-tag", is_flag=True, help="Leave model and version out of the metadata.")
@click.option("--allow-failed", is_flag=True, help="Exit 0 although some images failed.")
@json_option
def restore(
    source: Path,
    target: Path,
    model: str,
    strength: float,
    portrait: PortraitOptions,
    aligned: bool,
    no_tag: bool,
    allow_failed: bool,
    as_json: bool,
) -> None:
    """Restore the faces of IN, a photo, a clip or a folder with all photos below it, into OUT.

    Restored detail is invented; it is no evidence of who someone is.

    Only faces change, and nothing else unless --background is given. Size, depth,
    transparency, grey, colour profile and EXIF stay as they are; the ending of OUT names the
    format (PNG, JPEG, WebP, TIFF), a folder keeps names and formats. A photo without a face is
    copied. A file that cannot be read is passed over, told at the end, and makes the exit code
    1. What was done to each face, and why, is written to a file of records (--jsonl). Each
    result says in its metadata which model made it ("relume") unless --no-tag is given.

    A clip (.mp4, .mov, .mkv, .webm, .avi, .m4v) becomes H.264 in .mp4 or .mkv, with its sound and
    its times; faces are followed and smoothed from frame to frame. It needs PyAV
    (`pip install 'relume[video]'`).

    \b
    Examples:
      zoo restore grandmother.jpg restored.jpg --compare
      zoo restore album restored --background clean --resume
      zoo restore wedding.mov wedding.mp4
      zoo restore crops restored --model nlmeans --aligned
    """
    if model != BY_SIZE and not registry.card(model).blind:
        raise UserError(
            f"{model} is an oracle: it must be told how each image was degraded, which files do "
            "not say; choose a blind restorer from `zoo list`, or score it with `bench run`"
        )
    if aligned:
        if portrait != PortraitOptions(device=portrait.device):
            raise UserError(
                "--aligned takes --model, --strength, --no-tag, --allow-failed and --json only: "
                "the other options are for whole photographs, leave them out"
            )
        from zoo.commands.crops import restore_crops

        restore_crops(
            source,
            target,
            model,
            device=portrait.device,
            strength=strength,
            tagged=not no_tag,
            allow_failed=allow_failed,
            as_json=as_json,
        )
        return
    if source.suffix.lower() in CLIP_ENDINGS and not source.is_dir():
        from zoo.commands.restore_clip import restore_video as restore_files
    else:
        from zoo.commands.photos import restore_photographs as restore_files

    restore_files(
        source,
        target,
        model,
        portrait,
        strength=strength,
        tagged=not no_tag,
        allow_failed=allow_failed,
        as_json=as_json,
    )
