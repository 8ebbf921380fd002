"""``zoo list`` and ``zoo card``."""

from __future__ import annotations

import click

from zoo import registry
from zoo.commands.lines import aligned, echo_json, json_option
from zoo.notice import NOTICE
from zoo.restorer import Card

__all__ = ["list_restorers", "show_card"]


@click.command("list")
@json_option
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
        echo_json([card.as_record() for card in cards])
        return
    rows = [("NAME", "KIND", "TOLD", "LICENCE", "WEIGHTS", "SUMMARY")]
    rows += [
        (card.name, card.kind, _told(card), card.licence_code, card.licence_weights, card.summary)
        for card in cards
    ]
    for line in aligned(rows):
        click.echo(line)


@click.command("card")
@click.argument("name")
@json_option
def show_card(name: str, as_json: bool) -> None:
    """Show what to know before using the restorer NAME.

    \b
    Examples:
      zoo card nlmeans
      zoo card wiener --json
    """
    card = registry.card(name)
    if as_json:
        echo_json(card.as_record())
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
    for line in aligned(rows):
        click.echo(line)
    if card.kind != "reference":
        click.echo(f"\n{NOTICE}")


def _told(card: Card) -> str:
    return "blind" if card.blind else "oracle"
