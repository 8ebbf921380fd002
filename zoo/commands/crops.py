"""``zoo restore --aligned``: face crops in, PNG crops out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from degrade.errors import UserError
from degrade.terminal import Progress, progress
from zoo.commands.output import echo_json
from zoo.portrait.files.aligned_crops import plan_jobs, restore_jobs
from zoo.portrait.files.batch import ImageJob, ImageResult
from zoo.portrait.restore.face_models import FaceModel, load_face_models
from zoo.restorer import Stepwise

__all__ = ["restore_crops"]


def restore_crops(
    source: Path,
    target: Path,
    model: str,
    *,
    device: str,
    strength: float,
    tagged: bool,
    allow_failed: bool,
    as_json: bool,
) -> None:
    """Restore a crop, or every crop of a folder, into PNG, and report each.

    Raises
    ------
    UserError
        With exit code 1 when crops could not be restored.
    """
    jobs = plan_jobs(source, target)
    models = load_face_models(model, parser="template", device=device)
    single = source.is_file()
    results = _restored(jobs, models, strength, tagged, with_bar=not single)
    if single and results[0].error and not (as_json or allow_failed):
        raise UserError(results[0].error, exit_code=1)
    _report(results, target, as_json)
    failed = sum(bool(result.error) for result in results)
    if failed and not allow_failed:
        raise UserError(
            f"{failed} of {len(jobs)} images could not be restored: mend or remove them, or add "
            "--allow-failed",
            exit_code=1,
        )


def _restored(
    jobs: list[ImageJob],
    models: Sequence[FaceModel],
    strength: float,
    tagged: bool,
    with_bar: bool,
) -> list[ImageResult]:
    """Restore every crop, showing how far it is: in steps where one takes many of them."""
    restorer = models[-1].restorer
    if isinstance(restorer, Stepwise) and strength:
        with Progress(len(jobs) * restorer.steps, "restoring", "step") as bar:
            watched = replace(models[-1], restorer=restorer.watched(lambda _: bar.advance()))
            return list(restore_jobs(jobs, [watched], strength=strength, tagged=tagged))
    work = restore_jobs(jobs, models, strength=strength, tagged=tagged)
    return list(progress(work, "restoring", total=len(jobs)) if with_bar else work)


def _report(results: Sequence[ImageResult], target: Path, as_json: bool) -> None:
    failed = [result for result in results if result.error]
    restored = len(results) - len(failed)
    for result in failed:
        click.echo(f"failed: {result.error}", err=True)
    if as_json:
        errors = [{"name": result.job.name, "error": result.error} for result in failed]
        echo_json({"restored": restored, "failed": errors, "out": str(target)})
    else:
        click.echo(f"restored {restored} of {len(results)} images into {target}")
