"""What ``bench metrics`` does; imported when it is used."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print every fact of each metric as JSON.")
@click.option("--fetch", metavar="pyiqa:NAME", help="Have pyiqa download what NAME needs.")
@click.option("--accept-licence", metavar="NAME", help="Agree to a model's licence, for good.")
def metrics(as_json: bool, fetch: str | None, accept_licence: str | None) -> None:
    """List the metrics: which way is better, what judges, and whether they can run here.

    Any other metric of pyiqa goes by pyiqa:NAME wherever a metric is named.

    \b
    Examples:
      bench metrics
      bench metrics --json
      bench metrics --accept-licence ibug-68
      bench metrics --fetch pyiqa:musiq
    """
    from bench.metrics.registry import describe_metrics
    from degrade.terminal import columns

    if accept_licence:
        from zoo.weights.licences import LICENCES
        from zoo.weights.licences import accept_licence as accept

        accept(accept_licence)
        click.echo(f"agreed to: {LICENCES[accept_licence]}")
    if fetch:
        from bench.metrics.no_reference.pyiqa_metric import fetch_pyiqa

        click.echo(f"{fetch_pyiqa(fetch).signature} can run here")
    if fetch or accept_licence:
        return
    entries = describe_metrics()
    if as_json:
        click.echo(json.dumps([entry.as_record() for entry in entries], indent=2))
        return
    rows = [("name", "better", "unit", "kind", "judge", "signature", "available")]
    for entry in entries:
        state = "yes" if entry.available else f"{entry.status}: {entry.detail}"
        facts = (entry.name, entry.direction, entry.unit or "-", entry.kind, entry.judge or "-")
        rows.append((*facts, entry.signature, state))
    for line in columns(rows):
        click.echo(line)
