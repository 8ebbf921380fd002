"""``zoo list`` and ``zoo card``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from degrade.errors import UserError
from degrade.terminal import progress
from zoo.commands.card_text import card_lines, told_of
from zoo.commands.lines import aligned, echo_json, json_option
from zoo.notice import NOTICE
from zoo.registry import registry
from zoo.restorer import Card
from zoo.weights.builtin import RESTORER, shipped_card, shipped_names

if TYPE_CHECKING:
    from zoo.registry.availability import Standing

__all__ = ["list_restorers", "show_card"]

_WIDEST = 24
"""Characters of a licence in the table."""


@click.command("list")
@click.option(
    "--time",
    "timed",
    is_flag=True,
    help="Restore a face with each now, a clean one, for its speed.",
)
@json_option
def list_restorers(timed: bool, as_json: bool) -> None:
    """Show every restorer: kind, size, licences, speed, whether it works offline.

    Below them stand the networks that restore nothing: generators, for `zoo synth`, face
    descriptors, whose cosine is a metric of `bench`, and parsers of faces.

    A blind restorer sees only pixels; an oracle is also told how each image was degraded and
    stands apart in leaderboards. The speed is that of one face on this machine, with the side
    it had: measured by `zoo add`, or by --time. Licences in full: `zoo card NAME`.

    \b
    Examples:
      zoo list
      zoo list --time
      zoo list --json
    """
    from zoo.registry.availability import Standing, standing

    cards = registry.cards()
    if timed:
        standings = [_measured(card.name) for card in progress(cards, "timing")]
    else:
        standings = [standing(card.name) for card in cards]
    others = [shipped_card(name).card for name in shipped_names(None)]
    others = [card for card in others if card.kind != RESTORER]
    cards, standings = (*cards, *others), [*standings, *(Standing(True) for _ in others)]
    if as_json:
        echo_json([_record(card, told) for card, told in zip(cards, standings, strict=True)])
    else:
        for line in aligned(_table(cards, standings)):
            click.echo(line)
    for problem in registry.problems().values():
        click.echo(f"left out: {problem}", err=True)


def _measured(name: str) -> Standing:
    """Return how a restorer stands with its speed now; one that fails does not end the list."""
    from zoo.registry.availability import measured, standing

    try:
        return measured(name)
    except UserError as error:
        click.echo(f"not timed: {error}", err=True)
        return standing(name)


def _record(card: Card, told: Standing) -> dict[str, object]:
    stands = {"offline": told.offline, "seconds": told.seconds, "measured_side": told.side}
    return {**card.as_record(), **stands}


def _table(cards: Sequence[Card], standings: Sequence[Standing]) -> Sequence[Sequence[str]]:
    heads = ("NAME", "KIND", "TOLD", "SIZE", "LICENCE", "WEIGHTS", "SPEED", "OFFLINE", "SUMMARY")
    offline = {True: "yes", False: "not here", None: "unknown"}
    return [heads] + [
        (
            card.name,
            card.kind,
            told_of(card),
            "any" if card.input_size is None else "{}×{}".format(*card.input_size),
            _short(card.licence_code),
            _short(card.licence_weights),
            told.speed,
            offline[told.offline],
            card.summary,
        )
        for card, told in zip(cards, standings, strict=True)
    ]


def _short(licence: str) -> str:
    """Return a licence in as many characters as a column can spare."""
    return licence if len(licence) <= _WIDEST else f"{licence[: _WIDEST - 1].rstrip()}…"


@click.command("card")
@click.argument("name")
@json_option
def show_card(name: str, as_json: bool) -> None:
    """Show what to know before using NAME, a restorer, a generator or a descriptor.

    Of a trained one this includes how it was trained, what was measured, by which protocol, and
    where it fails. NAME may be a file of weights that `zoo train` wrote.

    \b
    Examples:
      zoo card style-128
      zoo card stylegan2-64
      zoo card wiener --json
    """
    shown = shipped_card(name) if name in shipped_names(None) else registry.model_card(name)
    if as_json:
        echo_json(shown.as_record())
        return
    for line in card_lines(shown):
        click.echo(line)
    if shown.card.kind != "reference":
        click.echo(f"\n{NOTICE}")
