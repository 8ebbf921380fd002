"""``zoo restore --aligned``: face crops in, PNG crops out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from degrade.errors import UserError
from degrade.terminal import Progress, progress
from zoo.commands.lines import echo_json
from zoo.portrait.files.aligned_crops import Job, Outcome, plan_jobs, restore_jobs
from zoo.registry import registry
from zoo.restorer import Restorer
from zoo.restorers.stepwise import Stepwise

__all__ = ["restore_crops"]


def restore_crops(
    source: Path,
    target: Path,
    model: str,
    *,
    strength: float,
    tagged: bool,
    allow_failed: bool,
    as_json: bool,
) -> None:
    """Restore a crop, or every crop of a folder, into PNG, and say what became of them.

    Raises
    ------
    UserError
        With exit code 1 when crops could not be restored.
    """
    jobs = plan_jobs(source, target)
    restorer = registry.load(model)
    single = source.is_file()
    outcomes = _restored(jobs, restorer, strength, tagged, shown=not single)
    if single and outcomes[0].error and not (as_json or allow_failed):
        raise UserError(outcomes[0].error, exit_code=1)
    _report(outcomes, target, as_json)
    failed = sum(bool(outcome.error) for outcome in outcomes)
    if failed and not allow_failed:
        raise UserError(
            f"{failed} of {len(jobs)} images could not be restored: mend or remove them, or add "
            "--allow-failed",
            exit_code=1,
        )


def _restored(
    jobs: list[Job], restorer: Restorer, strength: float, tagged: bool, shown: bool
) -> list[Outcome]:
    """Restore every crop, showing how far it is: in steps where one takes many of them."""
    if isinstance(restorer, Stepwise) and strength:
        with Progress(len(jobs) * restorer.steps, "restoring", "step") as bar:
            watched = restorer.watched(lambda _: bar.advance())
            return list(restore_jobs(jobs, watched, strength=strength, tagged=tagged))
    work = restore_jobs(jobs, restorer, strength=strength, tagged=tagged)
    return list(progress(work, "restoring", total=len(jobs)) if shown else work)


def _report(outcomes: Sequence[Outcome], target: Path, as_json: bool) -> None:
    failed = [outcome for outcome in outcomes if outcome.error]
    restored = len(outcomes) - len(failed)
    for outcome in failed:
        click.echo(f"failed: {outcome.error}", err=True)
    if as_json:
        errors = [{"name": outcome.job.name, "error": outcome.error} for outcome in failed]
        echo_json({"restored": restored, "failed": errors, "out": str(target)})
    else:
        click.echo(f"restored {restored} of {len(outcomes)} images into {target}")
