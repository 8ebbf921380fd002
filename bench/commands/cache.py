"""What ``bench cache`` does; imported when it is used. Reads options, prints results."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.option(
    "--cache",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder that `bench run --cache` was given.  [default: the user's cache]",
)
@click.option("--clear", is_flag=True, help="Remove the entries.")
@click.option(
    "--older-than",
    metavar="DAYS",
    type=click.FloatRange(min=0),
    help="With --clear: only entries written so many days ago.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the sizes as JSON.")
def cache(folder: Path | None, clear: bool, older_than: float | None, as_json: bool) -> None:
    """Tell what runs keep for each other, and how much room it takes; or clear it.

    Restored images, values and feature vectors, those of reference sets too, by content: of a
    change of an image, a restorer, its weights, a metric or the software nothing old is read. A
    damaged entry is computed again.

    A run lets those entries go that were not used for longest when there are more than 20 GiB, or
    more than a tenth of the disk; RELUME_CACHE_LIMIT says how much it may be instead.

    \b
    Examples:
      bench cache
      RELUME_CACHE_LIMIT=50GB bench run demo
      bench cache --clear
      bench cache --clear --older-than 30

    Exit codes: 0 done; 2 wrong use.
    """
    from bench.runner.cache import default_cache
    from bench.runner.cache_store import CacheStore, size_text

    if older_than is not None and not clear:
        raise click.UsageError("--older-than says what to clear: add --clear")
    store = CacheStore(folder or default_cache())
    gone = store.clear(older_than or 0.0) if clear else None
    left = store.usage()
    if as_json:
        sizes = {kind: {"entries": u.entries, "bytes": u.size} for kind, u in left.items()}
        cleared = {"entries": gone.entries, "bytes": gone.size} if gone else None
        facts = {"folder": str(store.folder), "limit": store.limit, "kinds": sizes}
        click.echo(json.dumps({**facts, "cleared": cleared}))
        return
    if gone:
        click.echo(f"removed {gone.entries:,} entries, {gone.size / 1e6:,.1f} MB")
    total = sum(usage.size for usage in left.values())
    summary = f"{size_text(total)} of at most {size_text(store.limit)}" if left else "empty"
    click.echo(f"{store.folder}: {summary}")
    for kind, usage in left.items():
        click.echo(f"  {kind:<10} {usage.entries:>9,} entries  {usage.size / 1e6:>9,.1f} MB")
