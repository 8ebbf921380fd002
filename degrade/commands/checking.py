"""``degrade verify`` and ``degrade replay``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from degrade.commands.options import json_option

if TYPE_CHECKING:
    from degrade.manifest import Manifest
    from degrade.verify import Mismatch

__all__ = ["replay_command", "verify_command"]


@click.command("verify")
@click.argument("folder", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option("--quick", is_flag=True, help="Check the files only; do not degrade again.")
@click.option("--workers", type=click.IntRange(1, 1024), default=1, show_default=True)
@json_option
def verify_command(folder: Path, quick: bool, workers: int, as_json: bool) -> None:
    """Check a dataset from `degrade build`: every file against its row, every LQ made again.

    Prints the dataset's digest. Exit code 1 when anything differs.

    \b
    degrade verify pairs/
    degrade verify pairs/ --quick --json
    """
    from functools import partial

    from degrade.executors import run_tasks
    from degrade.manifest import read_manifest
    from degrade.terminal import Progress
    from degrade.verify import differing_versions, verify_folder, verify_rows

    manifest = read_manifest(folder)
    versions = differing_versions(folder)
    mismatches = list(verify_folder(folder, manifest))
    batches = [manifest.rows[start : start + 16] for start in range(0, len(manifest.rows), 16)]
    check = partial(verify_rows, folder, recompute=not quick)
    with Progress(len(manifest.rows), f"verifying {folder}", "pair") as shown:
        for count, found in run_tasks(check, batches, workers):
            mismatches += found
            shown.advance(count)
    mismatches.sort(key=lambda mismatch: mismatch.key)
    if as_json:
        record = {
            "digest": manifest.digest(),
            "pairs": len(manifest.rows),
            "failed_inputs": len(manifest.failed),
            "versions": versions,
            "mismatches": [f"{entry.key}: {entry.problem}" for entry in mismatches],
        }
        click.echo(json.dumps(record, indent=2))
    else:
        _tell(manifest, mismatches, versions)
    if mismatches:
        raise click.exceptions.Exit(1)


def _tell(manifest: Manifest, mismatches: list[Mismatch], versions: list[str]) -> None:
    for note in versions:
        click.echo(f"note: {note}", err=True)
    for mismatch in mismatches[:20]:
        click.echo(f"{mismatch.key}: {mismatch.problem}", err=True)
    if len(mismatches) > 20:
        click.echo(f"and {len(mismatches) - 20} more", err=True)
    bad = {mismatch.key for mismatch in mismatches}
    good = sum(row.key not in bad for row in manifest.rows)
    click.echo(f"{good} of {len(manifest.rows)} pairs are as the manifest says")
    click.echo(f"digest {manifest.digest()}")


@click.command("replay")
@click.argument("folder", type=click.Path(path_type=Path), metavar="FOLDER")
@click.argument("key", metavar="KEY")
@click.option(
    "--source", metavar="SOURCE", help="Where the source pictures are now, if they moved."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the rebuilt LQ to this PNG file."
)
def replay_command(folder: Path, key: str, source: str | None, out: Path | None) -> None:
    """Rebuild the pair KEY of the dataset in FOLDER from its row and compare every pixel.

    Exit code 0 when both halves are the same bit for bit, 1 when they are not.

    \b
    degrade replay pairs/ astronaut
    degrade replay pairs/ lq/astronaut.png --source photos/ --out again.png
    """
    from degrade.images import write_png
    from degrade.manifest import pixel_digest
    from degrade.planning import Plan
    from degrade.preview import describe_step
    from degrade.verify import differing_versions, replay

    row, hq, lq = replay(folder, key, source)
    if out is not None:
        write_png(out, lq)
    for step in Plan.from_json(row.plan).steps:
        click.echo(f"  {describe_step(step)}")
    same = (pixel_digest(hq), pixel_digest(lq)) == (row.hq_sha256, row.lq_sha256)
    click.echo(f"{row.key}: {'identical' if same else 'DIFFERENT'}, lq {pixel_digest(lq)}")
    if not same:
        for note in differing_versions(folder):
            click.echo(f"note: {note}", err=True)
        raise click.exceptions.Exit(1)
