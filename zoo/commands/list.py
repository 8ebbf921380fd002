"""``zoo list`` and ``zoo card``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

from degrade.errors import UserError
from degrade.terminal import columns, progress
from zoo.commands.output import echo_json, json_option
from zoo.model_card import NOTICE, ModelCard
from zoo.registry import registry
from zoo.restorer import Card
from zoo.weights.builtin import RESTORER, shipped_card, shipped_names

if TYPE_CHECKING:
    from zoo.model_card import RestorerEntry
    from zoo.registry.trial import Speed

__all__ = [
    "blindness_of",
    "card_lines",
    "list_restorers",
    "show_card",
    "size_of",
]

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

    A blind restorer sees only pixels; an oracle is also given the degradation of each image and
    stands apart in leaderboards. The speed is that of one face on this machine, with the side
    it had: measured by `zoo add`, or by --time. Licences in full: `zoo card NAME`.

    \b
    Examples:
      zoo list
      zoo list --time
      zoo list --json
    """
    from zoo.registry.trial import Speed

    entries = [registry.find(card.name) for card in registry.cards()]
    if timed:
        speeds = [_measured(entry) for entry in progress(entries, "timing")]
    else:
        speeds = [Speed(entry.seconds, entry.measured_side) for entry in entries]
    rows = [
        _Row(entry.card.card, entry.ready, speed)
        for entry, speed in zip(entries, speeds, strict=True)
    ]
    others = [shipped_card(name).card for name in shipped_names(None)]
    rows += [_Row(card, True, Speed()) for card in others if card.kind != RESTORER]
    if as_json:
        echo_json([_record(row) for row in rows])
    else:
        for line in columns(_table(rows)):
            click.echo(line)
    for problem in registry.problems().values():
        click.echo(f"left out: {problem}", err=True)


class _Row(NamedTuple):
    """A network in the list: its card, whether all it needs is here, and its speed."""

    card: Card
    offline: bool | None
    speed: Speed


def _measured(entry: RestorerEntry) -> Speed:
    """Return the speed of a restorer now; one that fails does not end the list."""
    from zoo.registry.trial import Speed, measured_speed

    try:
        return measured_speed(entry)
    except UserError as error:
        click.echo(f"not timed: {error}", err=True)
        return Speed(entry.seconds, entry.measured_side)


def _record(row: _Row) -> dict[str, object]:
    speed = {"seconds": row.speed.seconds, "measured_side": row.speed.side}
    return {**row.card.as_record(), "offline": row.offline, **speed}


def _table(rows: Sequence[_Row]) -> Sequence[Sequence[str]]:
    heads = ("NAME", "KIND", "BLIND", "SIZE", "LICENCE", "WEIGHTS", "SPEED", "OFFLINE", "SUMMARY")
    offline = {True: "yes", False: "not here", None: "unknown"}
    return [heads] + [
        (
            card.name,
            card.kind,
            blindness_of(card),
            "any" if card.input_size is None else "{}×{}".format(*card.input_size),
            _short(card.licence_code),
            _short(card.licence_weights),
            str(speed),
            offline[here],
            card.summary,
        )
        for card, here, speed in rows
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
    model = shipped_card(name) if name in shipped_names(None) else registry.model_card(name)
    if as_json:
        echo_json(model.as_record())
        return
    for line in card_lines(model):
        click.echo(line)
    if model.card.kind != "reference":
        click.echo(f"\n{NOTICE}")


_WIDE = 100


def card_lines(model: ModelCard) -> Iterator[str]:
    """Yield the lines of a card; texts are wrapped, tables and values line up."""
    card = model.card
    rows = [
        ("name", card.name),
        ("kind", card.kind),
        ("blind", blindness_of(card)),
        ("summary", card.summary),
        ("limits", card.limits),
        ("source", card.source),
        ("input size", size_of(card)),
        ("alignment", card.template or "any"),
        ("regions of masks", ", ".join(card.regions) or "all, or none are read"),
        ("trained on", card.trained_on),
        ("loss networks", ", ".join(card.loss_networks) or "none"),
        ("licence of code", card.licence_code),
        ("licence of weights", card.licence_weights),
        ("sha256 of weights", card.sha256 or "no weights"),
    ]
    yield from _values(dict(rows))
    for heading, content in model.more.items():
        yield from ("", heading.upper())
        yield from _section(content)


def blindness_of(card: Card) -> str:
    """Return ``no`` for an oracle, which is given the degradation, else ``yes``."""
    return "yes" if card.blind else "no"


def size_of(card: Card) -> str:
    """Return the size of its faces in words."""
    if card.input_size is None:
        return "any"
    height, width = card.input_size
    return f"{height} × {width} pixels"


def _section(content: object) -> Iterator[str]:
    """Yield a heading's content: a mapping, a list of mappings with the same keys, or text."""
    if isinstance(content, Mapping):
        yield from _values({str(name): _text(value) for name, value in content.items()})
    elif isinstance(content, list) and content and all(isinstance(row, Mapping) for row in content):
        names = list(dict.fromkeys(name for row in content for name in row))
        cells = [[_text(row.get(name, "–")) for name in names] for row in content]
        yield from columns([[str(name) for name in names], *cells])
    elif isinstance(content, list):
        for entry in content:
            yield from textwrap.wrap(_text(entry), _WIDE, initial_indent="- ",
                                     subsequent_indent="  ")  # fmt: skip
    else:
        for paragraph in _text(content).strip().split("\n\n"):
            yield from textwrap.wrap(paragraph, _WIDE)


def _values(rows: Mapping[str, str]) -> Iterator[str]:
    """Yield names and values, the long values wrapped under themselves."""
    edge = max(map(len, rows), default=0) + 2
    for name, value in rows.items():
        lines = textwrap.wrap(value, _WIDE - edge, break_long_words=False) or [""]
        yield f"{name:<{edge}}{lines[0]}"
        yield from (" " * edge + line for line in lines[1:])


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_text(entry) for entry in value)
    return str(value)
