"""``zoo app``: a page on this machine to drop a photo on."""

from __future__ import annotations

import click

__all__ = ["app_command"]


@click.command("app")
@click.option("--port", type=click.IntRange(1, 65535), default=7860, show_default=True)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; others than this machine's let others upload.",
)
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
def app_command(port: int, host: str, no_browser: bool) -> None:
    """Show a page to drop a photo on, at http://127.0.0.1:7860.

    Photos stay on this machine: the page works without a network, restores one photo at a time,
    takes up to 40 MB and 60 megapixels, and deletes uploads and results when it ends.

    \b
    Example:
      zoo app --port 8000
    """
    from zoo.app.page import serve

    serve(host, port, open_browser=not no_browser)
