"""The commands of ``zoo``: options in, lines out; the work is done elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from degrade.errors import UserError
from degrade.terminal import progress
from zoo import registry
from zoo.aligned import Outcome, plan_jobs, restore_jobs
from zoo.restorer import Card
from zoo.weights import KNOWN_WEIGHTS, known_weights, locate

__all__ = ["fetch", "list_restorers", "restore", "show_card"]

_as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON for a program.")


@click.command("list")
@_as_json
def list_restorers(as_json: bool) -> None:
    """Show every restorer: kind, licences, summary.

    A blind restorer sees only pixels; an oracle is also told how each image was degraded and
    stands apart in leaderboards.

    \b
    Examples:
      zoo list
      zoo list --json
    """
    cards = registry.cards()
    if as_json:
        _echo_json([card.as_record() for card in cards])
        return
    rows = [("NAME", "KIND", "TOLD", "LICENCE", "WEIGHTS", "SUMMARY")]
    rows += [
        (card.name, card.kind, _told(card), card.licence_code, card.licence_weights, card.summary)
        for card in cards
    ]
    for line in _aligned(rows):
        click.echo(line)


@click.command("card")
@click.argument("name")
@_as_json
def show_card(name: str, as_json: bool) -> None:
    """Show what to know before using the restorer NAME.

    \b
    Examples:
      zoo card nlmeans
      zoo card wiener --json
    """
    card = registry.card(name)
    if as_json:
        _echo_json(card.as_record())
        return
    size = "any" if card.input_size is None else "{} × {} pixels".format(*card.input_size)
    rows = [
        ("name", card.name),
        ("kind", card.kind),
        ("told", _told(card)),
        ("summary", card.summary),
        ("limits", card.limits),
        ("source", card.source),
        ("input size", size),
        ("trained on", card.trained_on),
        ("loss networks", ", ".join(card.loss_networks) or "none"),
        ("licence of code", card.licence_code),
        ("licence of weights", card.licence_weights),
        ("sha256 of weights", card.sha256 or "no weights"),
    ]
    for line in _aligned(rows):
        click.echo(line)
    if card.kind != "reference":
        click.echo("\nRestored detail is invented; it is no evidence of who someone is.")


@click.command("restore")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--model", required=True, metavar="NAME", help="A restorer from `zoo list`.")
@click.option("--aligned", is_flag=True, help="IN holds aligned face crops, not whole photographs.")
@click.option(
    "--strength",
    type=click.FloatRange(0.0, 1.0),
    default=1.0,
    show_default=True,
    help="How much of the restoration to blend in; 0 returns the input exactly.",
)
@click.option("--no-tag", is_flag=True, help="Leave model and version out of the PNG's metadata.")
@click.option("--allow-failed", is_flag=True, help="Exit 0 although some images failed.")
@_as_json
def restore(
    source: Path,
    target: Path,
    model: str,
    aligned: bool,
    strength: float,
    no_tag: bool,
    allow_failed: bool,
    as_json: bool,
) -> None:
    """Restore IN, a file or a folder with all below it, into OUT, as PNG.

    Restored detail is invented; it is no evidence of who someone is.

    A folder keeps its relative names. An image that cannot be read is passed over, listed at
    the end, and makes the exit code 1. Each result carries the model and version in its
    metadata ("relume") unless --no-tag is given.

    \b
    Examples:
      zoo restore face.jpg restored.png --model nlmeans --aligned
      zoo restore crops restored --model dejpeg --aligned
      zoo restore crops restored --model nlmeans --aligned --strength 0.5
    """
    card = registry.card(model)
    if not card.blind:
        raise UserError(
            f"{model} is an oracle: it must be told how each image was degraded, which files do "
            "not say; choose a blind restorer from `zoo list`, or score it with `bench run`"
        )
    if not aligned:
        raise UserError(
            "whole photographs need the portrait pipeline, which comes in a later version: crop "
            "and align the faces, then add --aligned"
        )
    jobs = plan_jobs(source, target)
    restorer = registry.load(model)
    work = restore_jobs(jobs, restorer, strength=strength, tagged=not no_tag)
    single = source.is_file()
    outcomes = list(work if single else progress(work, "restoring", total=len(jobs)))
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


@click.command("fetch")
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--offline", is_flag=True, help="Only look on this machine.")
@_as_json
def fetch(name: str | None, offline: bool, as_json: bool) -> None:
    """Download the weights NAME into the cache and check them; without NAME list all.

    Looks first in the folder that RELUME_WEIGHTS names, then in the cache folder. A download
    that was cut off goes on where it stopped; a file with a wrong checksum is refused.

    \b
    Examples:
      zoo fetch
      zoo fetch alexnet
      zoo fetch alexnet --offline
    """
    if name is None:
        _list_weights(as_json)
        return
    path = locate(known_weights(name), offline=offline or None)
    if as_json:
        _echo_json({"name": name, "path": str(path)})
    else:
        click.echo(path)


def _list_weights(as_json: bool) -> None:
    from zoo.weights import is_present

    if as_json:
        records = [
            {
                "name": weights.name,
                "filename": weights.filename,
                "url": weights.url,
                "sha256": weights.sha256,
                "licence": weights.licence,
                "size": weights.size,
                "present": is_present(weights),
            }
            for weights in KNOWN_WEIGHTS.values()
        ]
        _echo_json(records)
        return
    rows = [("NAME", "SIZE", "HERE", "LICENCE")]
    rows += [
        (
            weights.name,
            f"{weights.size / 1e6:.0f} MB",
            "yes" if is_present(weights) else "no",
            weights.licence,
        )
        for weights in KNOWN_WEIGHTS.values()
    ]
    for line in _aligned(rows):
        click.echo(line)


def _report(outcomes: Sequence[Outcome], target: Path, as_json: bool) -> None:
    failed = [outcome for outcome in outcomes if outcome.error]
    restored = len(outcomes) - len(failed)
    for outcome in failed:
        click.echo(f"failed: {outcome.error}", err=True)
    if as_json:
        errors = [{"name": outcome.job.name, "error": outcome.error} for outcome in failed]
        _echo_json({"restored": restored, "failed": errors, "out": str(target)})
    else:
        click.echo(f"restored {restored} of {len(outcomes)} images into {target}")


def _told(card: Card) -> str:
    return "blind" if card.blind else "oracle"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows as lines whose columns start at the same place; the last is not padded."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell if last else cell.ljust(width)
            for cell, width, last in zip(row, widths, _last(len(row)), strict=True)
        )
        for row in rows
    ]


def _last(count: int) -> list[bool]:
    return [False] * (count - 1) + [True]


def _echo_json(content: object) -> None:
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))
